//! What narrows a list: read from the page's address, and written into the links that change it.

use kit::http::Request;

use crate::form::Form;
use crate::model::{Facets, PriceFacet};
use crate::money;
use crate::services::encode;

/// The orders that `search` knows, and what people call them. Where nothing is searched for, the
/// first is that by name.
const ORDERS: [(&str, &str); 4] = [
    ("", "Best match"),
    ("title", "Name"),
    ("price", "Price: low to high"),
    ("-price", "Price: high to low"),
];

/// The currency of the demo, in which `search` counts prices.
const CURRENCY: &str = "EUR";

/// A link that changes the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    pub label: String,
    pub href: String,
    pub count: Option<u64>,
    pub is_on: bool,
}

/// What the address of a list says.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    /// Empty: the list is a search, and its category one of its filters.
    slug: String,
    pub query: String,
    pub category: String,
    price_min: Option<u64>,
    price_max: Option<u64>,
    in_stock: bool,
    sort: String,
    pub after: String,
}

impl Filters {
    /// `/search?q=…`
    pub fn of_search(request: &Request) -> Filters {
        let form = Form::of_query(request);
        Filters {
            slug: String::new(),
            query: form.text("q").chars().take(200).collect(),
            category: form.text("category").to_owned(),
            price_min: form.number("price_min"),
            price_max: form.number("price_max"),
            in_stock: form.text("in_stock") == "true",
            sort: known_order(form.text("sort")),
            after: form.text("after").to_owned(),
        }
    }

    /// `/c/{category}`
    pub fn of_category(request: &Request, slug: &str) -> Filters {
        Filters {
            slug: slug.to_owned(),
            category: slug.to_owned(),
            query: String::new(),
            ..Filters::of_search(request)
        }
    }

    /// What `search` is asked for.
    pub fn api_path(&self, limit: usize) -> String {
        let mut pairs = self.pairs();
        pairs.push(("limit", limit.to_string()));
        if !self.slug.is_empty() {
            pairs.push(("category", self.slug.clone()));
        }
        if !self.after.is_empty() {
            pairs.push(("after", self.after.clone()));
        }
        with_query("", &pairs)
    }

    /// Everything but the page, and the category where the path says it.
    fn pairs(&self) -> Vec<(&'static str, String)> {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let category = match self.slug.is_empty() {
            true => self.category.clone(),
            false => String::new(),
        };
        let pairs = [
            ("q", Some(self.query.clone())),
            ("category", Some(category)),
            ("price_min", number(self.price_min)),
            ("price_max", number(self.price_max)),
            ("in_stock", self.in_stock.then(|| "true".to_owned())),
            ("sort", Some(self.sort.clone())),
        ];
        let given = pairs
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)));
        given.filter(|(_, value)| !value.is_empty()).collect()
    }

    fn base(&self) -> String {
        match self.slug.as_str() {
            "" => "/search".to_owned(),
            slug => format!("/c/{}", encode(slug)),
        }
    }

    /// The first page of the same list.
    pub fn first_page(&self) -> String {
        with_query(&self.base(), &self.pairs())
    }

    /// Another page of the same list.
    pub fn page_after(&self, after: &str) -> String {
        let mut pairs = self.pairs();
        pairs.push(("after", after.to_owned()));
        with_query(&self.base(), &pairs)
    }

    /// The list with nothing but what was searched for.
    pub fn without_any(&self) -> String {
        let bare = Filters {
            slug: self.slug.clone(),
            query: self.query.clone(),
            ..Filters::default()
        };
        bare.first_page()
    }

    fn choice(&self, label: String, count: Option<u64>, is_on: bool, next: Filters) -> Choice {
        Choice {
            label,
            href: next.first_page(),
            count,
            is_on,
        }
    }

    /// The categories of what was found; none where the page is one category's.
    pub fn categories(&self, facets: &Facets) -> Vec<Choice> {
        if !self.slug.is_empty() {
            return Vec::new();
        }
        let choice = |value: &str, title: &str, count| {
            let is_on = self.category == value;
            let mut next = self.clone();
            next.category = if is_on { "" } else { value }.to_owned();
            self.choice(title.to_owned(), Some(count), is_on, next)
        };
        let known = facets.category.iter();
        let known = known.filter(|facet| facet.count > 0 || facet.value == self.category);
        known
            .map(|facet| choice(&facet.value, &facet.title, facet.count))
            .collect()
    }

    /// The ranges of prices.
    pub fn prices(&self, facets: &Facets) -> Vec<Choice> {
        let choice = |facet: &PriceFacet| {
            let is_on = self.has_price(facet);
            let mut next = self.clone();
            (next.price_min, next.price_max) = match is_on {
                true => (None, None),
                false => (facet.from_minor, facet.to_minor),
            };
            let label = range(facet.from_minor, facet.to_minor);
            self.choice(label, Some(facet.count), is_on, next)
        };
        let known = facets.price.iter();
        let known = known.filter(|facet| facet.count > 0 || self.has_price(facet));
        known.map(choice).collect()
    }

    fn has_price(&self, facet: &PriceFacet) -> bool {
        let is_range = self.price_min.is_some() || self.price_max.is_some();
        let from = facet.from_minor.unwrap_or(0) == self.price_min.unwrap_or(0);
        is_range && from && facet.to_minor == self.price_max
    }

    /// Whether only what can be sent today is shown.
    pub fn availability(&self, facets: &Facets) -> Vec<Choice> {
        if facets.in_stock.no == 0 && !self.in_stock {
            return Vec::new();
        }
        let mut next = self.clone();
        next.in_stock = !self.in_stock;
        let label = "In stock".to_owned();
        vec![self.choice(label, Some(facets.in_stock.yes), self.in_stock, next)]
    }

    /// The filters that are on, each with the list without it.
    pub fn chosen(&self, facets: &Facets) -> Vec<Choice> {
        let mut chosen = Vec::new();
        if self.slug.is_empty() && !self.category.is_empty() {
            let known = facets.category.iter();
            let title = known
                .filter(|facet| facet.value == self.category)
                .map(|facet| facet.title.as_str())
                .next();
            let label = title.unwrap_or(&self.category).to_owned();
            let mut next = self.clone();
            next.category.clear();
            chosen.push(self.choice(label, None, true, next));
        }
        if self.price_min.is_some() || self.price_max.is_some() {
            let label = range(self.price_min, self.price_max);
            let mut next = self.clone();
            (next.price_min, next.price_max) = (None, None);
            chosen.push(self.choice(label, None, true, next));
        }
        if self.in_stock {
            let mut next = self.clone();
            next.in_stock = false;
            chosen.push(self.choice("In stock".to_owned(), None, true, next));
        }
        chosen
    }

    /// The orders that the list can have.
    pub fn orders(&self) -> Vec<Choice> {
        let order = |(sort, label): &(&str, &str)| {
            let mut next = self.clone();
            next.sort = (*sort).to_owned();
            let is_usual = self.query.is_empty() && self.sort.is_empty() && *sort == "title";
            let is_on = self.sort == *sort || is_usual;
            self.choice((*label).to_owned(), None, is_on, next)
        };
        let known = ORDERS.iter();
        match self.query.is_empty() {
            true => known.skip(1).map(order).collect(),
            false => known.map(order).collect(),
        }
    }
}

fn known_order(sort: &str) -> String {
    let known = ORDERS.iter().any(|(name, _)| *name == sort);
    if known { sort } else { "" }.to_owned()
}

/// `€10 – €50`, `up to €10`, `from €500`; whole units, as ranges have no cents.
fn range(from_minor: Option<u64>, to_minor: Option<u64>) -> String {
    let price = |amount_minor: u64| {
        let text = money::price(amount_minor, CURRENCY);
        text.strip_suffix(".00").unwrap_or(&text).to_owned()
    };
    // The highest range has no end that anyone would want to read.
    let to_minor = to_minor.filter(|to| *to < 100_000_000_000);
    match (from_minor.filter(|from| *from > 0), to_minor) {
        (None, None) => "any price".to_owned(),
        (None, Some(to)) => format!("up to {}", price(to)),
        (Some(from), None) => format!("from {}", price(from)),
        (Some(from), Some(to)) => format!("{} – {}", price(from), price(to)),
    }
}

fn with_query(path: &str, pairs: &[(&str, String)]) -> String {
    let pairs = pairs.iter();
    let query: Vec<String> = pairs
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    match query.is_empty() {
        true => path.to_owned(),
        false => format!("{path}?{}", query.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use kit::http::Request;
    use serde_json::{from_value, json};

    use super::{Facets, Filters, range};

    fn facets() -> Facets {
        from_value(json!({
            "category": [
                { "value": "desks", "title": "Desks", "count": 3 },
                { "value": "lamps", "title": "Lamps", "count": 0 },
            ],
            "price": [
                { "from_minor": 0, "to_minor": 5000, "count": 2 },
                { "from_minor": 5000, "to_minor": null, "count": 1 },
            ],
            "in_stock": { "yes": 2, "no": 1 },
        }))
        .unwrap()
    }

    #[test]
    fn a_filter_is_put_on_and_taken_off_by_links() {
        let request = Request::new("GET", "/search?q=oak+desk&price_max=5000&after=xyz");
        let filters = Filters::of_search(&request);
        let categories = filters.categories(&facets());
        assert_eq!(categories.len(), 1, "what nothing is in is left out");
        assert_eq!(
            categories[0].href,
            "/search?q=oak%20desk&category=desks&price_max=5000"
        );
        let prices = filters.prices(&facets());
        assert!(prices[0].is_on && !prices[1].is_on);
        assert_eq!(prices[0].href, "/search?q=oak%20desk");
        let chosen = filters.chosen(&facets());
        assert_eq!(chosen.len(), 1);
        assert_eq!(chosen[0].label, "up to €50");
    }

    #[test]
    fn a_category_stays_in_the_path() {
        let request = Request::new("GET", "/c/desks?sort=-price&q=x&category=lamps");
        let filters = Filters::of_category(&request, "desks");
        assert_eq!(filters.first_page(), "/c/desks?sort=-price");
        assert_eq!(
            filters.page_after("a b"),
            "/c/desks?sort=-price&after=a%20b"
        );
        assert_eq!(filters.without_any(), "/c/desks");
        assert!(filters.categories(&facets()).is_empty());
        assert_eq!(filters.api_path(24), "?sort=-price&limit=24&category=desks");
    }

    #[test]
    fn an_unknown_order_is_the_usual_one() {
        let request = Request::new("GET", "/search?sort=moon");
        let filters = Filters::of_search(&request);
        assert!(filters.orders()[0].is_on);
    }

    #[test]
    fn ranges_are_readable() {
        for (from, to, text) in [
            (None, None, "any price"),
            (Some(0), Some(5000), "up to €50"),
            (Some(5000), None, "from €50"),
            (Some(5000), Some(10_050), "€50 – €100.50"),
            (Some(5000), Some(u64::MAX), "from €50"),
        ] {
            assert_eq!(range(from, to), text);
        }
    }
}
