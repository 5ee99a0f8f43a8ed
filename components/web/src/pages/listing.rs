//! Products of a category, or that a search found: with facets, an order and pages.

mod filters;

use askama::Template;
use futures::join;
use kit::http::Answer;

use self::filters::{Choice, Filters};
use crate::model::{Categories, Category, Hits, Products};
use crate::services::{ApiError, encode};
use crate::view::{Card, Frame, Outcome, page};
use crate::visit::{Stop, Visit};

/// How many products one page shows.
const PAGE_CARDS: usize = 24;

#[derive(Template)]
#[template(path = "listing.html")]
struct Page {
    frame: Frame,
    heading: String,
    text: String,
    /// What the heading cannot say: how many there are, and of which query.
    found: String,
    /// The query that was typed, where another one was used instead.
    corrected: Option<String>,
    cards: Vec<Card>,
    /// Filters that are on; each leads to the list without it.
    chosen: Vec<Choice>,
    groups: Vec<Group>,
    orders: Vec<Choice>,
    /// The list without filters.
    all: String,
    first: String,
    next: Option<String>,
    is_first: bool,
}

struct Group {
    title: &'static str,
    choices: Vec<Choice>,
}

/// `GET /search?q=…`
pub async fn search(visit: &Visit<'_>) -> Outcome {
    let filters = Filters::of_search(visit.request);
    let path = filters.api_path(PAGE_CARDS);
    let (categories, hits) = join!(
        visit.get::<Categories>("catalog", "/categories"),
        visit.get::<Hits>("search", &path),
    );
    let heading = match filters.query.as_str() {
        "" => "All products".to_owned(),
        query => format!("“{query}”"),
    };
    let frame = Frame::of(visit).with_categories(categories);
    let hits = named(hits?, &frame.categories);
    Ok(list(frame, heading, String::new(), &filters, hits))
}

/// `GET /c/{category}`
pub async fn category(visit: &Visit<'_>, slug: &str) -> Outcome {
    let filters = Filters::of_category(visit.request, slug);
    let path = filters.api_path(PAGE_CARDS);
    let (categories, hits) = join!(
        visit.get::<Categories>("catalog", "/categories"),
        visit.get::<Hits>("search", &path),
    );
    let categories = categories?;
    let mut known = categories.categories.iter();
    let category = known.find(|known| known.slug == slug).cloned();
    let category = category.ok_or(Stop::NotFound)?;
    let mut frame = Frame::of(visit).with_categories(Ok(categories));
    frame.category = slug.to_owned();
    let Category {
        title, description, ..
    } = category;
    let hits = match hits {
        // The catalog knows what is in a category even where the search does not, or not yet.
        Err(ApiError::Unavailable(log)) => {
            eprintln!("without facets: {log}");
            return plain(visit, frame, title, description, &filters).await;
        }
        Ok(hits) if hits.total == 0 && filters.chosen(&hits.facets).is_empty() => {
            return plain(visit, frame, title, description, &filters).await;
        }
        hits => hits?,
    };
    Ok(list(frame, title, description, &filters, hits))
}

/// With the titles that the catalog gives its categories; the search knows their slugs.
fn named(mut hits: Hits, categories: &[Category]) -> Hits {
    for facet in &mut hits.facets.category {
        let mut known = categories.iter();
        if let Some(category) = known.find(|known| known.slug == facet.value) {
            category.title.clone_into(&mut facet.title);
        }
    }
    hits
}

/// A category as the catalog lists it.
async fn plain(
    visit: &Visit<'_>,
    frame: Frame,
    heading: String,
    text: String,
    filters: &Filters,
) -> Outcome {
    let mut path = format!(
        "/products?category={}&limit={PAGE_CARDS}",
        encode(&filters.category)
    );
    if !filters.after.is_empty() {
        path.push_str(&format!("&after={}", encode(&filters.after)));
    }
    let products: Products = visit.get("catalog", &path).await?;
    let shown = Page {
        frame,
        heading,
        text,
        found: String::new(),
        corrected: None,
        cards: products.products.into_iter().map(Card::from).collect(),
        chosen: Vec::new(),
        groups: Vec::new(),
        orders: Vec::new(),
        all: filters.without_any(),
        first: filters.first_page(),
        next: products.next.map(|after| filters.page_after(&after)),
        is_first: filters.after.is_empty(),
    };
    Ok(page(200, &shown))
}

fn list(mut frame: Frame, heading: String, text: String, filters: &Filters, hits: Hits) -> Answer {
    frame.query = filters.query.clone();
    let groups = [
        ("Category", filters.categories(&hits.facets)),
        ("Price", filters.prices(&hits.facets)),
        ("Availability", filters.availability(&hits.facets)),
    ];
    let groups = groups
        .into_iter()
        .filter(|(_, choices)| !choices.is_empty());
    let found = match hits.total {
        0 => "Nothing found".to_owned(),
        1 => "1 product".to_owned(),
        total => format!("{total} products"),
    };
    let shown = Page {
        frame,
        heading,
        text,
        found,
        corrected: hits.corrected,
        cards: hits.hits.into_iter().map(Card::from).collect(),
        chosen: filters.chosen(&hits.facets),
        groups: groups
            .map(|(title, choices)| Group { title, choices })
            .collect(),
        orders: filters.orders(),
        all: filters.without_any(),
        first: filters.first_page(),
        next: hits.next.map(|after| filters.page_after(&after)),
        is_first: filters.after.is_empty(),
    };
    page(200, &shown)
}
