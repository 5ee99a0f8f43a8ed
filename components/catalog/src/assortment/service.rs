//! The HTTP interface of the goods, and the offers that other services ask for by a link.

use kit::api::{Access, Api, Call, Parameter, Route, Service};
use kit::host::Host;
use kit::http::{Answer, etag};
use kit::identity::{Caller, Identity, IdentityError};
use kit::problem::Problem;
use kit::schema::Schemas;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Assortment;
use super::item::{Category, Item, Variant};
use crate::goods::CURRENCY;
use crate::picture::{self, Picture};

/// How many products or SKUs one call may ask for.
const ASKED_MAX: usize = 100;

/// The service in its surroundings.
pub struct Shelves {
    host: Box<dyn Host>,
    identity: Box<dyn Identity>,
}

/// One variant with what a buyer has to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub sku: String,
    pub product: String,
    pub title: String,
    pub label: String,
    pub price_minor: u64,
    pub currency: &'static str,
    pub weight_g: u32,
}

/// A product as the staff sends it.
#[derive(Deserialize)]
struct Draft {
    id: Option<String>,
    title: String,
    brand: String,
    category: String,
    description: String,
    tags: Vec<String>,
    variants: Vec<Variant>,
    picture: Picture,
}

impl Draft {
    fn into_item(self, id: String) -> Result<Item, Problem> {
        let item = Item {
            id,
            title: self.title,
            brand: self.brand,
            category: self.category,
            description: self.description,
            tags: self.tags,
            variants: self.variants,
            picture: self.picture,
            version: 0,
            is_removed: false,
        };
        let errors = item.errors();
        match errors.is_empty() {
            true => Ok(item),
            false => Err(Problem::fields(errors)),
        }
    }
}

impl Shelves {
    pub fn new(host: Box<dyn Host>, identity: Box<dyn Identity>) -> Shelves {
        Shelves { host, identity }
    }

    fn assortment(&self) -> Result<Assortment<'_>, Problem> {
        Assortment::open(&*self.host)
    }

    /// The offers of these SKUs; those that are not sold are left out.
    ///
    /// # Errors
    /// 422 for too many; when the store fails.
    pub fn offers(&self, skus: &[String]) -> Result<Vec<Offer>, Problem> {
        if skus.len() > ASKED_MAX {
            return Err(Problem::field("skus", "must have at most 100 items"));
        }
        let items = self.assortment()?.sellers(skus)?;
        let offers = items.iter().flat_map(|item| {
            let asked = item.variants.iter();
            let asked = asked.filter(|variant| skus.contains(&variant.sku));
            asked.map(|variant| Offer {
                sku: variant.sku.clone(),
                product: item.id.clone(),
                title: item.title.clone(),
                label: variant.label.clone(),
                price_minor: variant.price_minor,
                currency: CURRENCY,
                weight_g: variant.weight_g,
            })
        });
        Ok(offers.collect())
    }

    fn list_categories(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let categories = self.assortment()?.categories()?.into_iter();
        let categories = categories.map(|(category, products)| {
            let Category {
                slug,
                title,
                description,
            } = category;
            json!({
                "slug": slug, "title": title, "description": description, "products": products
            })
        });
        let body = json!({ "categories": categories.collect::<Vec<Value>>() });
        Ok(Answer::json(200, &body).with_etag(call.request))
    }

    fn list_products(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let assortment = self.assortment()?;
        let (items, next) = match call.query("ids") {
            Some(ids) => {
                let ids = ids.split(',').take(ASKED_MAX).map(str::to_owned);
                (assortment.get_many(&ids.collect::<Vec<_>>())?, None)
            }
            None => {
                let limit = usize::try_from(call.query_number("limit").unwrap_or(20));
                let limit = limit.unwrap_or(ASKED_MAX);
                assortment.list(call.query("category"), call.query("after"), limit)?
            }
        };
        let products: Vec<Value> = items.iter().map(Item::to_json).collect();
        let body = json!({ "products": products, "next": next });
        Ok(Answer::json(200, &body).with_etag(call.request))
    }

    fn get_product(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let item = self.assortment()?.get(call.path_value("product"))?;
        Ok(Answer::json(200, &item.to_json()).with_etag(call.request))
    }

    fn add_product(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let mut draft: Draft = call.body()?;
        let id = draft.id.take();
        let id = id.ok_or_else(|| Problem::field("id", "is missing"))?;
        let item = self.assortment()?.add(draft.into_item(id)?)?;
        let location = format!("/api/catalog/products/{}", item.id);
        Ok(Answer::json(201, &item.to_json()).with("location", location))
    }

    fn replace_product(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let draft: Draft = call.body()?;
        let id = call.path_value("product");
        if draft.id.as_deref().is_some_and(|named| named != id) {
            return Err(Problem::field("id", "must be that of the path"));
        }
        let item = draft.into_item(id.to_owned())?;
        let item = self.assortment()?.replace(&item, expected(call))?;
        Ok(Answer::json(200, &item.to_json()).with_etag(call.request))
    }

    fn remove_product(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let id = call.path_value("product");
        self.assortment()?.remove(id, expected(call))?;
        Ok(Answer::empty(204))
    }

    fn get_picture(&self, call: &Call<'_>) -> Result<Answer, Problem> {
        let no_picture = || Problem::not_found("There is no such picture.");
        let name = call.path_value("picture");
        let id = name.strip_suffix(".svg").ok_or_else(no_picture)?;
        let item = self
            .assortment()?
            .get(id)
            .map_err(|problem| match problem.status {
                404 => no_picture(),
                _ => problem,
            })?;
        let svg = picture::svg(&item.picture, &item.title);
        let answer = Answer::text(200, "image/svg+xml", svg);
        // A picture is opened on its own too, and then nothing in it may run.
        Ok(answer
            .with("cache-control", "public, max-age=3600")
            .with(
                "content-security-policy",
                "default-src 'none'; style-src 'unsafe-inline'",
            )
            .with_etag(call.request))
    }
}

/// Whether a product is the one that the client has read, where it says which that was.
fn expected(call: &Call<'_>) -> impl Fn(&Item) -> bool {
    let wanted = call.request.header("if-match").map(str::to_owned);
    move |item| match &wanted {
        None => true,
        Some(wanted) => {
            let current = etag(&serde_json::to_vec(&item.to_json()).unwrap_or_default());
            let mut known = wanted.split(',').map(str::trim);
            known.any(|one| one == "*" || one == current)
        }
    }
}

static API: Api<Shelves> = Api {
    name: "catalog",
    title: "Catalog",
    description: "Products, categories, variants, prices and pictures",
    routes: &[
        Route {
            method: "GET",
            path: "/api/catalog/categories",
            access: Access::Public,
            operation: "listCategories",
            summary: "The categories",
            query: &[],
            body: None,
            answer: (200, Some("Categories")),
            handler: Shelves::list_categories,
        },
        Route {
            method: "GET",
            path: "/api/catalog/products",
            access: Access::Public,
            operation: "listProducts",
            summary: "The products, by category and in pages, or those of some ids",
            query: &[
                Parameter {
                    name: "category",
                    schema: r#"{"type":"string","maxLength":64}"#,
                    description: "the slug of a category",
                },
                Parameter {
                    name: "ids",
                    schema: r#"{"type":"string","maxLength":6600}"#,
                    description: "ids with commas between them, instead of a page",
                },
                Parameter {
                    name: "limit",
                    schema: r#"{"type":"integer","minimum":1,"maximum":100}"#,
                    description: "how many, 20 unless given",
                },
                Parameter {
                    name: "after",
                    schema: r#"{"type":"string","maxLength":64}"#,
                    description: "`next` of the page before",
                },
            ],
            body: None,
            answer: (200, Some("Products")),
            handler: Shelves::list_products,
        },
        Route {
            method: "GET",
            path: "/api/catalog/products/{product}",
            access: Access::Public,
            operation: "getProduct",
            summary: "One product",
            query: &[],
            body: None,
            answer: (200, Some("Product")),
            handler: Shelves::get_product,
        },
        Route {
            method: "POST",
            path: "/api/catalog/products",
            access: Access::Staff,
            operation: "addProduct",
            summary: "Adds a product",
            query: &[],
            body: Some("ProductDraft"),
            answer: (201, Some("Product")),
            handler: Shelves::add_product,
        },
        Route {
            method: "PUT",
            path: "/api/catalog/products/{product}",
            access: Access::Staff,
            operation: "replaceProduct",
            summary: "Replaces a product; `If-Match` makes sure that it is the one that was read",
            query: &[],
            body: Some("ProductDraft"),
            answer: (200, Some("Product")),
            handler: Shelves::replace_product,
        },
        Route {
            method: "DELETE",
            path: "/api/catalog/products/{product}",
            access: Access::Staff,
            operation: "removeProduct",
            summary: "Takes a product out of the assortment",
            query: &[],
            body: None,
            answer: (204, None),
            handler: Shelves::remove_product,
        },
        Route {
            method: "GET",
            path: "/api/catalog/pictures/{picture}",
            access: Access::Public,
            operation: "getPicture",
            summary: "A product's picture, `PRODUCT.svg`",
            query: &[],
            body: None,
            answer: (200, None),
            handler: Shelves::get_picture,
        },
    ],
    schemas: Schemas::new(include_str!("schemas.json")),
    subscriptions: &[],
    schedules: &[],
};

impl Service for Shelves {
    fn api() -> &'static Api<Shelves> {
        &API
    }

    fn host(&self) -> &dyn Host {
        &*self.host
    }

    fn verify(&self, token: &str) -> Result<Caller, IdentityError> {
        self.identity.verify(token)
    }
}
