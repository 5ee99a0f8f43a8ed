//! What every page has: its frame, and the cards that products are shown on.

use askama::Template;
use kit::http::Answer;

use crate::cookies::Cookie;
use crate::model::{Categories, Category, Hit, Product};
use crate::services::ApiError;
use crate::session::Session;
use crate::visit::{Stop, Visit};

/// What comes of a visit.
pub type Outcome = Result<Answer, Stop>;

/// What stands around the content of a page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// None on pages where nobody browses.
    pub categories: Vec<Category>,
    /// The slug of the category that is shown.
    pub category: String,
    /// What the search box says.
    pub query: String,
    /// The name of who is signed in.
    pub name: Option<String>,
    pub is_staff: bool,
    /// How many things lie in the cart, as far as the browser remembers.
    pub count: u64,
    /// What just happened, in a sentence.
    pub notice: Option<String>,
}

impl Frame {
    pub fn of(visit: &Visit<'_>) -> Frame {
        let count = Cookie::Count.read(visit.request);
        Frame {
            name: match &visit.session {
                Session::SignedIn(shopper) => Some(shopper.name.clone()),
                Session::Guest | Session::Unsure => None,
            },
            is_staff: visit.is_staff(),
            count: count.and_then(|count| count.parse().ok()).unwrap_or(0),
            ..Frame::default()
        }
    }

    /// The same with the categories; without them where they cannot be learned.
    #[must_use]
    pub fn with_categories(mut self, categories: Result<Categories, ApiError>) -> Frame {
        match categories {
            Ok(categories) => self.categories = categories.categories,
            Err(error) => eprintln!("the categories are left out: {error}"),
        }
        self
    }

    /// The same with a sentence on what just happened.
    #[must_use]
    pub fn with_notice(mut self, notice: Option<String>) -> Frame {
        self.notice = notice;
        self
    }
}

/// A page of HTML that browsers ask for anew each time.
pub fn page(status: u16, template: &impl Template) -> Answer {
    match template.render() {
        Ok(html) => Answer::text(status, "text/html; charset=utf-8", html)
            .with("cache-control", "private, no-cache"),
        Err(error) => {
            let mut answer = Answer::text(500, "text/plain", "The page cannot be shown.");
            answer.log = Some(format!("a template failed: {error}"));
            answer
        }
    }
}

/// A page that stays in no cache, as it says something about one person.
pub fn private_page(status: u16, template: &impl Template) -> Answer {
    let mut answer = page(status, template);
    answer.headers.retain(|(name, _)| *name != "cache-control");
    answer.with("cache-control", "no-store")
}

/// After a form: go on to another page (303, RFC 9110, 15.4.4).
pub fn go_to(path: impl Into<String>) -> Answer {
    Answer::empty(303).with("location", path)
}

/// A product in a grid.
#[derive(Clone, Debug)]
pub struct Card {
    pub product: String,
    pub title: String,
    pub brand: String,
    /// The slug of its category.
    pub category: String,
    pub price: String,
    pub picture_url: String,
    pub is_sold_out: bool,
}

impl From<Product> for Card {
    fn from(product: Product) -> Card {
        Card {
            price: product.price(),
            product: product.id,
            title: product.title,
            brand: product.brand,
            category: product.category,
            picture_url: product.picture_url,
            is_sold_out: false,
        }
    }
}

impl From<Hit> for Card {
    fn from(hit: Hit) -> Card {
        Card {
            price: hit.price(),
            product: hit.product,
            title: hit.title,
            brand: hit.brand,
            category: hit.category,
            picture_url: hit.picture_url,
            is_sold_out: !hit.in_stock,
        }
    }
}
