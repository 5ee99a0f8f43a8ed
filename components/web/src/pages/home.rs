//! The front page: categories, what is recommended, and something of everything.

use askama::Template;
use futures::join;

use super::recommended;
use crate::model::{Categories, Category, Hits, Products};
use crate::services::ApiError;
use crate::view::{Card, Frame, Outcome, page};
use crate::visit::Visit;

/// How many cards a shelf has.
const SHELF_CARDS: usize = 8;

#[derive(Template)]
#[template(path = "home.html")]
struct Page {
    frame: Frame,
    pictures: Vec<String>,
    tiles: Vec<Tile>,
    shelves: Vec<Shelf>,
}

/// A category, with the picture of something in it.
struct Tile {
    category: Category,
    picture_url: Option<String>,
}

struct Shelf {
    title: &'static str,
    cards: Vec<Card>,
}

/// `GET /`
pub async fn show(visit: &Visit<'_>) -> Outcome {
    let for_you = async {
        match visit.is_signed_in() {
            true => recommended::ids(visit, "/for-me").await,
            false => Vec::new(),
        }
    };
    let (categories, some, best, for_you) = join!(
        visit.get::<Categories>("catalog", "/categories"),
        some_of_everything(visit),
        recommended::best_selling_ids(visit),
        for_you
    );
    // Without the catalog there is no shop to show.
    let (categories, some) = (categories?, some?);
    let ids: Vec<String> = for_you.iter().chain(&best).cloned().collect();
    let known = recommended::products(visit, &ids).await;
    let known: Vec<Card> = known.into_iter().map(Card::from).collect();
    let pick = |ids: &[String]| -> Vec<Card> {
        let found = ids.iter().filter_map(|id| {
            let mut found = known.iter().filter(|card| card.product == *id);
            found.next().cloned()
        });
        found.take(SHELF_CARDS).collect()
    };
    let (for_you, best) = (pick(&for_you), pick(&best));
    let shown = for_you.iter().chain(&best).chain(&some);
    let pictures = first_of_each_category(shown).take(3);
    let tiles = categories.categories.iter().map(|category| Tile {
        picture_url: picture_of(category, &some),
        category: category.clone(),
    });
    let shown = Page {
        pictures: pictures.map(|card| card.picture_url.clone()).collect(),
        tiles: tiles.collect(),
        frame: Frame::of(visit).with_categories(Ok(categories)),
        shelves: shelves([
            ("Chosen for you", for_you),
            ("Best sellers", best),
            ("From the shelves", mixed(some)),
        ]),
    };
    Ok(page(200, &shown))
}

/// Goods of every kind: the search lists them by name, and so across the categories. Where it does
/// not answer, or has nothing yet, those that the catalog lists first.
async fn some_of_everything(visit: &Visit<'_>) -> Result<Vec<Card>, ApiError> {
    match visit.get::<Hits>("search", "?sort=title&limit=60").await {
        Ok(hits) if !hits.hits.is_empty() => {
            return Ok(hits.hits.into_iter().map(Card::from).collect());
        }
        Ok(_) => {}
        Err(error) => eprintln!("the front page is made without the search: {error}"),
    }
    let products: Products = visit.get("catalog", "/products?limit=60").await?;
    Ok(products.products.into_iter().map(Card::from).collect())
}

fn shelves(shelves: [(&'static str, Vec<Card>); 3]) -> Vec<Shelf> {
    let shelves = shelves.into_iter();
    let filled = shelves.filter(|(_, cards)| !cards.is_empty());
    filled
        .map(|(title, cards)| Shelf { title, cards })
        .collect()
}

fn picture_of(category: &Category, cards: &[Card]) -> Option<String> {
    let mut cards = cards.iter();
    let found = cards.find(|card| card.category == category.slug);
    found.map(|card| card.picture_url.clone())
}

fn first_of_each_category<'a>(
    cards: impl Iterator<Item = &'a Card>,
) -> impl Iterator<Item = &'a Card> {
    let mut categories: Vec<&str> = Vec::new();
    cards.filter(move |card| {
        let is_new = !categories.contains(&card.category.as_str());
        if is_new {
            categories.push(&card.category);
        }
        is_new
    })
}

/// A shelf of different categories: each one's first, then each one's second, and so on.
fn mixed(cards: Vec<Card>) -> Vec<Card> {
    let mut ranked: Vec<(usize, Card)> = Vec::new();
    for card in cards {
        let known = ranked.iter();
        let rank = known.filter(|(_, known)| known.category == card.category);
        ranked.push((rank.count(), card));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    let cards = ranked.into_iter().map(|(_, card)| card);
    cards.take(SHELF_CARDS).collect()
}
