//! The front page: categories, what is recommended, and something of everything.

use askama::Template;
use futures::join;

use super::recommended;
use crate::model::{Categories, Product, Products};
use crate::view::{Card, Frame, Outcome, page};
use crate::visit::Visit;

/// How many cards a shelf has.
const SHELF_CARDS: usize = 8;

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    frame: Frame,
    pictures: Vec<String>,
    shelves: Vec<Shelf>,
}

struct Shelf {
    title: &'static str,
    cards: Vec<Card>,
}

/// `GET /`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    let best = recommended::best_selling_ids(visit);
    let for_you = async {
        match visit.is_signed_in() {
            true => recommended::ids(visit, "/for-me").await,
            false => Vec::new(),
        }
    };
    let (categories, some, best, for_you) = join!(
        visit.get::<Categories>("catalog", "/categories"),
        visit.get::<Products>("catalog", "/products?limit=24"),
        best,
        for_you
    );
    // Without the catalog there is no shop to show.
    let some = some?.products;
    let ids: Vec<String> = for_you.iter().chain(&best).cloned().collect();
    let known = recommended::products(visit, &ids).await;
    let pick = |ids: &[String]| -> Vec<Product> {
        let found = ids.iter().filter_map(|id| {
            let mut found = known.iter().filter(|product| product.id == *id);
            found.next().cloned()
        });
        found.take(SHELF_CARDS).collect()
    };
    let (for_you, best) = (pick(&for_you), pick(&best));
    let shown = for_you.iter().chain(&best).chain(&some);
    let pictures = hero_pictures(shown);
    let shelves = [
        ("Chosen for you", for_you),
        ("Best sellers", best),
        ("From the shelves", mixed(some)),
    ];
    let shelves = shelves
        .into_iter()
        .filter(|(_, products)| !products.is_empty());
    let shelves = shelves.map(|(title, products)| Shelf {
        title,
        cards: products.into_iter().map(Card::from).collect(),
    });
    let page_shown = Page {
        frame: Frame::of(visit).with_categories(categories),
        pictures,
        shelves: shelves.collect(),
    };
    Ok(page(200, &page_shown))
}

/// Three pictures of different categories.
fn hero_pictures<'a>(products: impl Iterator<Item = &'a Product>) -> Vec<String> {
    let mut chosen: Vec<&Product> = Vec::new();
    for product in products {
        let is_new = chosen
            .iter()
            .all(|known| known.category != product.category);
        if is_new && chosen.len() < 3 {
            chosen.push(product);
        }
    }
    let pictures = chosen
        .into_iter()
        .map(|product| product.picture_url.clone());
    pictures.collect()
}

/// A shelf of different categories: each one's first, then each one's second, and so on.
fn mixed(products: Vec<Product>) -> Vec<Product> {
    let mut ranked: Vec<(usize, Product)> = Vec::new();
    for product in products {
        let known = ranked.iter();
        let rank = known.filter(|(_, known)| known.category == product.category);
        ranked.push((rank.count(), product));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let products = ranked.into_iter().map(|(_, product)| product);
    products.take(SHELF_CARDS).collect()
}
