//! The assortment: the list, and one product whose title, text and prices are changed. Who changed
//! it in between is not overwritten (`If-Match`).

use askama::Template;
use serde_json::{Value, json};

use crate::form::{Field, Form, blame, sentence};
use crate::model::{Product, Products};
use crate::money;
use crate::services::{ApiError, Call, encode, json};
use crate::view::{Frame, Outcome, go_to, private_page};
use crate::visit::{Stop, Visit};

#[derive(Template)]
#[template(path = "staff/products.html")]
struct ListPage {
    frame: Frame,
    products: Products,
    is_first: bool,
}

#[derive(Template)]
#[template(path = "staff/product.html")]
struct EditPage {
    frame: Frame,
    product: Product,
    /// The entity tag of the product that the form shows.
    etag: String,
    fields: Vec<Field>,
    description: String,
    prices: Vec<Price>,
    error: Option<String>,
}

/// The price of one variant as it is typed.
struct Price {
    sku: String,
    label: String,
    value: String,
    error: Option<String>,
}

/// `GET /staff/products`
pub async fn list(visit: &Visit<'_>) -> Outcome {
    visit.shopper()?;
    let query = Form::of_query(visit.request);
    let after = query.text("after");
    let path = match after {
        "" => "/products?limit=50".to_owned(),
        after => format!("/products?limit=50&after={}", encode(after)),
    };
    // The catalog shows its products to everyone; this page is for the staff nevertheless.
    if !visit.is_staff() {
        return Err(Stop::Forbidden);
    }
    let notice = match query.text("done") {
        "" => None,
        title => Some(format!("{title} is changed.")),
    };
    let shown = ListPage {
        frame: Frame::of(visit).with_notice(notice),
        products: visit.get("catalog", &path).await?,
        is_first: after.is_empty(),
    };
    Ok(private_page(200, &shown))
}

/// A product with its entity tag, and all that its JSON says.
struct Current {
    product: Product,
    body: Value,
    etag: String,
}

async fn load(visit: &Visit<'_>, id: &str) -> Result<Current, Stop> {
    visit.shopper()?;
    if !visit.is_staff() {
        return Err(Stop::Forbidden);
    }
    let call = Call::get("catalog", &format!("/products/{}", encode(id)));
    let reply = visit.send(call).await?;
    Ok(Current {
        product: json(&reply)?,
        body: json(&reply)?,
        etag: reply.header("etag").unwrap_or_default().to_owned(),
    })
}

fn edit_page(visit: &Visit<'_>, current: &Current) -> EditPage {
    let product = current.product.clone();
    let prices = product.variants.iter().map(|variant| Price {
        sku: variant.sku.clone(),
        label: variant.label.clone(),
        value: money::editable(variant.price_minor),
        error: None,
    });
    EditPage {
        frame: Frame::of(visit),
        etag: current.etag.clone(),
        fields: vec![
            Field::new("title", "Title").value(&product.title),
            Field::new("brand", "Brand").value(&product.brand),
        ],
        description: product.description.clone(),
        prices: prices.collect(),
        product,
        error: None,
    }
}

/// `GET /staff/products/{product}`
pub async fn show(visit: &Visit<'_>, id: &str) -> Outcome {
    let current = load(visit, id).await?;
    Ok(private_page(200, &edit_page(visit, &current)))
}

/// `POST /staff/products/{product}`
pub async fn change(visit: &Visit<'_>, id: &str) -> Outcome {
    let mut current = load(visit, id).await?;
    let form = Form::read(visit.request);
    let mut page = typed(edit_page(visit, &current), &form);
    if page.prices.iter().any(|price| price.error.is_some()) {
        page.etag = form.text("etag").to_owned();
        return Ok(private_page(422, &page));
    }
    apply(&mut current.body, &page);
    let call = Call::new("PUT", "catalog", &format!("/products/{}", encode(id)))
        .with_header("if-match", form.text("etag"))
        .with_json(&current.body);
    let refusal = match visit.send(call).await {
        Ok(_) => {
            let title = encode(form.text("title"));
            return Ok(go_to(format!("/staff/products?done={title}")));
        }
        Err(ApiError::Refused(refusal)) if matches!(refusal.status, 409 | 412 | 422) => refusal,
        Err(error) => return Err(error.into()),
    };
    if refusal.status == 412 {
        let text = "Someone else has changed this product since you opened it. Below is what you \
                    typed; save it again to put it in place of the other change.";
        page.error = Some(text.to_owned());
        return Ok(private_page(412, &page));
    }
    page.etag = form.text("etag").to_owned();
    page.error = match refusal.errors.is_empty() {
        true => Some(sentence(&refusal.detail)),
        false => blame(&mut page.fields, &refusal),
    };
    Ok(private_page(422, &page))
}

/// The page with what was typed.
fn typed(mut page: EditPage, form: &Form) -> EditPage {
    for field in &mut page.fields {
        form.text(field.name).clone_into(&mut field.value);
    }
    form.text("description").clone_into(&mut page.description);
    for price in &mut page.prices {
        let text = form.text(&format!("price:{}", price.sku));
        text.clone_into(&mut price.value);
        if money::parse(text).is_none() {
            price.error = Some("The price must be a number such as 12.50.".to_owned());
        }
    }
    page
}

/// Puts what was typed into the product's JSON, and leaves out what the catalog adds itself.
fn apply(body: &mut Value, page: &EditPage) {
    let Some(body) = body.as_object_mut() else {
        return;
    };
    for added in ["currency", "picture_url", "version"] {
        body.remove(added);
    }
    for field in &page.fields {
        body.insert(field.name.to_owned(), json!(field.value));
    }
    body.insert("description".to_owned(), json!(page.description));
    let variants = body.get_mut("variants").and_then(Value::as_array_mut);
    for variant in variants.into_iter().flatten() {
        let mut prices = page.prices.iter();
        let price = prices.find(|price| variant["sku"] == price.sku.as_str());
        if let Some(amount_minor) = price.and_then(|price| money::parse(&price.value)) {
            variant["price_minor"] = json!(amount_minor);
        }
    }
}
