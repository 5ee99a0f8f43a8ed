//! The goods of the shop: products with variants, in categories. Where they are kept and in which
//! order things are written is decided here; who may do what stands in `service`.
//!
//! Data: one JSON value per product under `item/ID`; `sku/SKU` names the product that sells it, and
//! the product says whether that is still so; `categories`, and the ids of one category's products
//! under `category/SLUG`; `goods-loaded` once the first goods are there.

pub mod item;
pub mod service;

use std::collections::BTreeMap;

use kit::event::Event;
use kit::host::Host;
use kit::problem::Problem;
use kit::store::{Change, StoreError};
use serde_json::{Value, json};

use self::item::{Category, Item};
use crate::goods::Goods;

/// How many products one category lists.
const PRODUCTS_MAX: usize = 5000;

/// The goods in their store.
pub struct Assortment<'h> {
    host: &'h dyn Host,
}

impl<'h> Assortment<'h> {
    /// The goods; the first ones are loaded if that was never done.
    ///
    /// # Errors
    /// When the store or the bus fails.
    pub fn open(host: &'h dyn Host) -> Result<Assortment<'h>, Problem> {
        let assortment = Assortment { host };
        if host.store().get("goods-loaded")?.is_none() {
            assortment.load()?;
        }
        Ok(assortment)
    }

    /// Everything here may be done twice, or by two instances at once: what is there stays, and the
    /// events have ids that follow from the products.
    fn load(&self) -> Result<(), Problem> {
        let goods = Goods::embedded()
            .map_err(|error| Problem::internal(&format!("the first goods: {error}")))?;
        let first: Vec<(Item, BTreeMap<&str, u32>)> = goods
            .products()
            .map(|product| {
                let variants = product.variants.iter();
                let stock = variants.map(|variant| (variant.sku.as_str(), variant.stock));
                (Item::first(product), stock.collect())
            })
            .collect();
        let categories: Vec<Category> = goods.categories().map(Category::first).collect();
        let store = self.host.store();
        store.set_json("categories", &categories)?;
        for category in &categories {
            let mine = first.iter().map(|(item, _)| item);
            let mine = mine.filter(|item| item.category == category.slug);
            let ids: Vec<&String> = mine.map(|item| &item.id).collect();
            store.update(&category_key(&category.slug), |current| {
                Ok::<_, StoreError>(match current {
                    None => Change::Write(json!(ids), ()),
                    Some(_) => Change::Keep(()),
                })
            })?;
        }
        for (item, stock) in &first {
            self.claim_skus(item)?;
            store.update(&item_key(&item.id), |current: Option<Item>| {
                Ok::<_, StoreError>(match current {
                    None => Change::Write(item.clone(), ()),
                    Some(_) => Change::Keep(()),
                })
            })?;
            let mut data = item.to_json();
            if let Some(object) = data.as_object_mut() {
                object.insert("first_stock".to_owned(), json!(stock));
            }
            self.announce(item, data)?;
        }
        Ok(store.set("goods-loaded", b"1")?)
    }

    /// The categories with the number of their products.
    ///
    /// # Errors
    /// When the store fails.
    pub fn categories(&self) -> Result<Vec<(Category, usize)>, Problem> {
        let store = self.host.store();
        let categories: Vec<Category> = store.get_json("categories")?.unwrap_or_default();
        let keys: Vec<String> = categories
            .iter()
            .map(|one| category_key(&one.slug))
            .collect();
        let ids: Vec<Option<Vec<String>>> = store.get_many_json(&keys)?;
        let counts = ids.into_iter().map(|ids| ids.unwrap_or_default().len());
        Ok(categories.into_iter().zip(counts).collect())
    }

    /// Up to `limit` products after one, of one category or of all, and the `after` of the next
    /// page.
    ///
    /// # Errors
    /// 404 for an unknown category; when the store fails.
    pub fn list(
        &self,
        category: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<String>), Problem> {
        let store = self.host.store();
        let categories: Vec<Category> = store.get_json("categories")?.unwrap_or_default();
        let mut slugs = categories
            .into_iter()
            .map(|one| one.slug)
            .collect::<Vec<_>>();
        if let Some(wanted) = category {
            slugs.retain(|slug| slug == wanted);
            if slugs.is_empty() {
                return Err(Problem::not_found("There is no such category."));
            }
        }
        let keys: Vec<String> = slugs.iter().map(|slug| category_key(slug)).collect();
        let lists: Vec<Option<Vec<String>>> = store.get_many_json(&keys)?;
        let ids: Vec<String> = lists.into_iter().flatten().flatten().collect();
        let start = match after {
            None => 0,
            Some(after) => ids
                .iter()
                .position(|id| id == after)
                .map(|position| position + 1)
                .ok_or_else(|| Problem::field("after", "names no product of this list"))?,
        };
        let rest = ids.get(start..).unwrap_or_default();
        let page = rest.get(..limit.min(rest.len())).unwrap_or_default();
        let next = if page.len() < rest.len() {
            page.last().cloned()
        } else {
            None
        };
        Ok((self.get_many(page)?, next))
    }

    /// Those of these products that there are, in the order of the ids.
    ///
    /// # Errors
    /// When the store fails.
    pub fn get_many(&self, ids: &[String]) -> Result<Vec<Item>, Problem> {
        let keys: Vec<String> = ids.iter().map(|id| item_key(id)).collect();
        let items: Vec<Option<Item>> = self.host.store().get_many_json(&keys)?;
        Ok(items
            .into_iter()
            .flatten()
            .filter(|item| !item.is_removed)
            .collect())
    }

    /// One product.
    ///
    /// # Errors
    /// 404; when the store fails.
    pub fn get(&self, id: &str) -> Result<Item, Problem> {
        let item: Option<Item> = self.host.store().get_json(&item_key(id))?;
        let item = item.filter(|item| !item.is_removed);
        item.ok_or_else(|| Problem::not_found("There is no such product."))
    }

    /// The products that sell these SKUs now.
    ///
    /// # Errors
    /// When the store fails.
    pub fn sellers(&self, skus: &[String]) -> Result<Vec<Item>, Problem> {
        let keys: Vec<String> = skus.iter().map(|sku| sku_key(sku)).collect();
        let owners = self.host.store().get_many(&keys)?.into_iter().flatten();
        let mut ids: Vec<String> = owners
            .filter_map(|owner| String::from_utf8(owner).ok())
            .collect();
        ids.sort();
        ids.dedup();
        self.get_many(&ids)
    }

    /// Adds a product.
    ///
    /// # Errors
    /// 409 when there is one of that id or another one sells one of its SKUs; 422 for an unknown
    /// category; when the store or the bus fails.
    pub fn add(&self, item: Item) -> Result<Item, Problem> {
        self.check_category(&item)?;
        self.claim_skus(&item)?;
        self.list_in_category(&item)?;
        let exists = || Problem::new(409, "exists", "There is a product with this id already.");
        let added = self
            .host
            .store()
            .update(&item_key(&item.id), |current: Option<Item>| {
                let version = match &current {
                    None => 1,
                    Some(old) if old.is_removed => old.version + 1,
                    Some(_) => return Err(exists()),
                };
                let item = Item {
                    version,
                    ..item.clone()
                };
                Ok(Change::Write(item.clone(), item))
            })?;
        self.announce(&added, added.to_json())?;
        Ok(added)
    }

    /// Replaces a product, if `is_expected` takes what stands there.
    ///
    /// # Errors
    /// 404, 412; as adding.
    pub fn replace(
        &self,
        item: &Item,
        is_expected: impl Fn(&Item) -> bool,
    ) -> Result<Item, Problem> {
        self.check_category(item)?;
        self.claim_skus(item)?;
        self.list_in_category(item)?;
        let replaced = self.change(&item.id, is_expected, |_| item.clone())?;
        self.announce(&replaced, replaced.to_json())?;
        Ok(replaced)
    }

    /// Takes a product out of the assortment. Its id stays known, so that its next version is
    /// newer.
    ///
    /// # Errors
    /// 404, 412; when the store or the bus fails.
    pub fn remove(&self, id: &str, is_expected: impl Fn(&Item) -> bool) -> Result<(), Problem> {
        let removed = self.change(id, is_expected, |old| Item {
            is_removed: true,
            ..old.clone()
        })?;
        let key = category_key(&removed.category);
        self.host.store().update(&key, |ids: Option<Vec<String>>| {
            let mut ids = ids.unwrap_or_default();
            ids.retain(|known| known != id);
            Ok::<_, StoreError>(Change::Write(ids, ()))
        })?;
        let event_id = format!("{id}-{}", removed.version);
        let data = json!({ "id": id, "version": removed.version });
        let event = Event::new("product.removed", event_id, data).keyed(id);
        Ok(self.host.publish(&event)?)
    }

    fn change(
        &self,
        id: &str,
        is_expected: impl Fn(&Item) -> bool,
        change: impl Fn(&Item) -> Item,
    ) -> Result<Item, Problem> {
        self.host
            .store()
            .update(&item_key(id), |current: Option<Item>| {
                let old = current.filter(|old| !old.is_removed);
                let old = old.ok_or_else(|| Problem::not_found("There is no such product."))?;
                if !is_expected(&old) {
                    let detail = "The product has changed since it was read. Read it again.";
                    return Err(Problem::new(412, "changed", detail));
                }
                let item = Item {
                    version: old.version + 1,
                    ..change(&old)
                };
                Ok(Change::Write(item.clone(), item))
            })
    }

    fn check_category(&self, item: &Item) -> Result<(), Problem> {
        let categories: Option<Vec<Category>> = self.host.store().get_json("categories")?;
        let mut known = categories.iter().flatten();
        match known.any(|category| category.slug == item.category) {
            true => Ok(()),
            false => Err(Problem::field("category", "is not a category of the shop")),
        }
    }

    /// Makes the SKUs point at this product. One that points at a product which no longer sells it,
    /// or never came into being, is free.
    fn claim_skus(&self, item: &Item) -> Result<(), Problem> {
        for variant in &item.variants {
            let key = sku_key(&variant.sku);
            let owner = self.host.store().get(&key)?;
            let owner = owner.and_then(|owner| String::from_utf8(owner).ok());
            if owner.as_ref() == Some(&item.id) {
                continue;
            }
            if let Some(owner) = owner {
                let sells = self.get_many(&[owner])?;
                if sells.iter().any(|other| other.sells(&variant.sku)) {
                    let detail = format!("Another product sells {} already.", variant.sku);
                    return Err(Problem::new(409, "sku_taken", detail));
                }
            }
            self.host.store().set(&key, item.id.as_bytes())?;
        }
        Ok(())
    }

    fn list_in_category(&self, item: &Item) -> Result<(), Problem> {
        let old: Option<Item> = self.host.store().get_json(&item_key(&item.id))?;
        if let Some(old) = old.filter(|old| old.category != item.category) {
            let key = category_key(&old.category);
            self.host.store().update(&key, |ids: Option<Vec<String>>| {
                let mut ids = ids.unwrap_or_default();
                ids.retain(|id| *id != item.id);
                Ok::<_, StoreError>(Change::Write(ids, ()))
            })?;
        }
        self.host
            .store()
            .update(&category_key(&item.category), |ids: Option<Vec<String>>| {
                let mut ids = ids.unwrap_or_default();
                if ids.contains(&item.id) {
                    return Ok(Change::Keep(()));
                }
                if ids.len() >= PRODUCTS_MAX {
                    return Err(Problem::field("category", "is full"));
                }
                ids.push(item.id.clone());
                Ok(Change::Write(ids, ()))
            })
    }

    fn announce(&self, item: &Item, mut data: Value) -> Result<(), Problem> {
        let categories: Option<Vec<Category>> = self.host.store().get_json("categories")?;
        let mut known = categories.into_iter().flatten();
        let category = known.find(|category| category.slug == item.category);
        if let (Some(category), Some(object)) = (category, data.as_object_mut()) {
            object.insert("category_title".to_owned(), json!(category.title));
        }
        let event_id = format!("{}-{}", item.id, item.version);
        let event = Event::new("product.changed", event_id, data).keyed(&item.id);
        Ok(self.host.publish(&event)?)
    }
}

fn item_key(id: &str) -> String {
    format!("item/{id}")
}

fn sku_key(sku: &str) -> String {
    format!("sku/{sku}")
}

fn category_key(slug: &str) -> String {
    format!("category/{slug}")
}

#[cfg(test)]
mod tests;
