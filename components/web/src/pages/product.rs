//! One product: its picture, its variants with price and stock, and what is bought together with
//! it.

use askama::Template;
use futures::join;
use serde_json::json;

use super::recommended;
use crate::model::{Categories, Levels, Product};
use crate::money;
use crate::services::{Call, encode};
use crate::view::{Card, Frame, Outcome, page};
use crate::visit::Visit;

/// From how few on the page says how many are left.
const FEW: u64 = 5;

#[derive(Template)]
#[template(path = "product.html")]
struct Page {
    frame: Frame,
    product: Product,
    category_title: String,
    offers: Vec<Offer>,
    /// The SKU that is chosen before anyone chooses.
    chosen: String,
    is_sold_out: bool,
    together: Vec<Card>,
}

/// A variant as it is offered.
struct Offer {
    sku: String,
    label: String,
    price: String,
    stock: Stock,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stock {
    Unknown,
    SoldOut,
    Few(u64),
    Plenty,
}

impl Stock {
    fn of(available: Option<u64>) -> Stock {
        match available {
            None => Stock::Unknown,
            Some(0) => Stock::SoldOut,
            Some(few) if few <= FEW => Stock::Few(few),
            Some(_) => Stock::Plenty,
        }
    }

    fn text(self) -> String {
        match self {
            Stock::Unknown => String::new(),
            Stock::SoldOut => "Sold out".to_owned(),
            Stock::Few(few) => format!("Only {few} left"),
            Stock::Plenty => "In stock".to_owned(),
        }
    }

    fn is_sold_out(self) -> bool {
        self == Stock::SoldOut
    }
}

/// `GET /p/{product}`
pub async fn show(visit: &Visit<'_>, id: &str) -> Outcome {
    let id = encode(id);
    let (product_path, together_path) = (format!("/products/{id}"), format!("/products/{id}"));
    let (categories, product, together, ()) = join!(
        visit.get::<Categories>("catalog", "/categories"),
        visit.get::<Product>("catalog", &product_path),
        recommended::ids(visit, &together_path),
        tell_view(visit, &id),
    );
    let product = product?;
    let (levels, together) = join!(
        levels(visit, product.variants.iter().map(|variant| &*variant.sku)),
        recommended::products(visit, &together),
    );
    let mut frame = Frame::of(visit).with_categories(categories);
    frame.category = product.category.clone();
    let known = frame.categories.iter();
    let category_title = known
        .filter(|category| category.slug == product.category)
        .map(|category| category.title.clone())
        .next();
    let offers = offers(&product, &levels);
    let can_be_bought = offers.iter().find(|offer| !offer.stock.is_sold_out());
    let shown = Page {
        frame,
        category_title: category_title.unwrap_or_else(|| product.category.clone()),
        chosen: can_be_bought.map_or(String::new(), |offer| offer.sku.clone()),
        is_sold_out: can_be_bought.is_none(),
        together: together.into_iter().map(Card::from).collect(),
        offers,
        product,
    };
    Ok(page(200, &shown))
}

fn offers(product: &Product, levels: &Levels) -> Vec<Offer> {
    let variants = product.variants.iter();
    let offers = variants.map(|variant| Offer {
        sku: variant.sku.clone(),
        label: match variant.label.as_str() {
            "" => product.title.clone(),
            label => label.to_owned(),
        },
        price: money::price(variant.price_minor, &product.currency),
        stock: Stock::of(levels.of(&variant.sku)),
    });
    offers.collect()
}

/// How many there are of each SKU; nothing where that cannot be learned.
pub async fn levels(visit: &Visit<'_>, skus: impl Iterator<Item = &str>) -> Levels {
    let skus: Vec<String> = skus.map(encode).collect();
    if skus.is_empty() {
        return Levels::default();
    }
    let path = format!("/stock?skus={}", skus.join(","));
    let levels = visit.get::<Levels>("warehouse", &path).await;
    levels.unwrap_or_else(|error| {
        eprintln!("the stock is left out: {error}");
        Levels::default()
    })
}

/// Tells that someone looked at it, for the recommendations; nobody waits for the success.
async fn tell_view(visit: &Visit<'_>, id: &str) {
    let call = Call::new("POST", "recommendations", "/views").with_json(&json!({ "product": id }));
    if let Err(error) = visit.send(call).await {
        eprintln!("a view is not counted: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::Stock;

    #[test]
    fn little_stock_is_said_in_numbers() {
        for (available, text) in [
            (None, ""),
            (Some(0), "Sold out"),
            (Some(1), "Only 1 left"),
            (Some(5), "Only 5 left"),
            (Some(6), "In stock"),
        ] {
            assert_eq!(Stock::of(available).text(), text);
        }
    }
}
