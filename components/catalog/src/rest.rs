//! The HTTP interface without sockets: a request in, an answer out, as `wit/world.wit` specifies.
//! How requests arrive and answers leave is left to `component`.

use serde::Serialize;

use crate::backend::{Backend, BackendError};
use crate::catalog::{Catalog, CatalogError, Condition, LIMIT_DEFAULT, Page, Written, tag};
use crate::draft::{Draft, DraftError, FieldError};
use crate::problem::{invalid, problem};
use crate::product::{Id, IdError, Product};

/// The largest request body.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

const COLLECTION_METHODS: &str = "GET, HEAD, POST";
const PRODUCT_METHODS: &str = "GET, HEAD, PUT, DELETE";
const JSON: &str = "application/json";

/// What the interface reads of a request.
pub trait Request {
    /// In capitals.
    fn method(&self) -> &str;
    /// From the first slash on, as sent.
    fn path_with_query(&self) -> &str;
    /// The first value of a header; the name is in lower case.
    fn header(&self, name: &str) -> Option<String>;
    /// The whole body.
    fn body(&mut self, bytes_max: usize) -> Result<Vec<u8>, BodyError>;
}

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    TooLarge,
    /// The client left, or the transport failed.
    Broken,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// An answer, and what the log should say of its cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub response: Response,
    pub log: Option<String>,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Answer {
        Answer {
            response,
            log: None,
        }
    }
}

/// Answers one request.
pub fn answer(request: &mut dyn Request, store: &dyn Backend) -> Answer {
    let catalog = Catalog::new(store);
    let mut answer = route(request, &catalog).unwrap_or_else(|refusal| refusal);
    if request.method() == "HEAD" {
        answer.response.body.clear();
    }
    answer
}

/// The refusal of a request is an answer too; `Err` only ends the work on it early.
type Routed = Result<Answer, Answer>;

fn route(request: &mut dyn Request, catalog: &Catalog<'_>) -> Routed {
    let target = request.path_with_query().to_owned();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let rest = path.strip_prefix("/products").unwrap_or("/");
    let method = request.method().to_owned();
    match (rest.strip_prefix('/'), method.as_str()) {
        (None, "GET" | "HEAD") if rest.is_empty() => list(query, catalog),
        (None, "POST") if rest.is_empty() => create(request, catalog),
        (None, _) if rest.is_empty() => Err(method_not_allowed(COLLECTION_METHODS)),
        (Some(segment), _) if !segment.is_empty() && !segment.contains('/') => {
            match method.as_str() {
                "GET" | "HEAD" => get(request, segment, catalog),
                "PUT" => put(request, segment, catalog),
                "DELETE" => delete(request, segment, catalog),
                _ => Err(method_not_allowed(PRODUCT_METHODS)),
            }
        }
        _ => Err(problem(404, "there is only /products and /products/ID").into()),
    }
}

fn list(query: &str, catalog: &Catalog<'_>) -> Routed {
    let (mut after, mut limit) = (None, LIMIT_DEFAULT);
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        match name {
            "after" => after = Some(parse_after(value)?),
            "limit" => limit = parse_limit(value)?,
            _ => {}
        }
    }
    let page = catalog.list(after, limit).map_err(failure)?;
    Ok(json(200, &PageBody::from(page)).into())
}

fn parse_after(value: &str) -> Result<Id, Answer> {
    value
        .parse()
        .map_err(|_| problem(400, "`after` must be the `next` of another page").into())
}

/// Digits without end are a large limit, not a wrong one.
fn parse_limit(value: &str) -> Result<usize, Answer> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(0) => {}
        Ok(limit) if is_number => return Ok(limit),
        Err(_) if is_number => return Ok(usize::MAX),
        Ok(_) | Err(_) => {}
    }
    Err(problem(400, "`limit` must be an integer from 1 to 200").into())
}

fn get(request: &dyn Request, segment: &str, catalog: &Catalog<'_>) -> Routed {
    let id = parse_id(segment)?;
    let product = catalog.get(id).map_err(failure)?;
    let body = product.to_json();
    let tag = tag(&body);
    let is_known = request.header("if-none-match").is_some_and(|known| {
        let mut tags = known.split(',').map(str::trim);
        // A weak comparison: `W/` does not matter here (RFC 9110, 13.1.2).
        tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
    });
    let mut response = json_bytes(200, body);
    if is_known {
        response = Response {
            status: 304,
            headers: Vec::new(),
            body: Vec::new(),
        };
    }
    response.headers.push(("etag", tag));
    Ok(response.into())
}

fn create(request: &mut dyn Request, catalog: &Catalog<'_>) -> Routed {
    let Draft { id, product } = read_draft(request)?;
    let id = match id {
        Some(id) => catalog.create(id, &product).map(|()| id),
        None => catalog.create_next(&product),
    };
    Ok(created(id.map_err(failure)?, product).into())
}

fn put(request: &mut dyn Request, segment: &str, catalog: &Catalog<'_>) -> Routed {
    let id = match segment.parse() {
        Ok(id) => id,
        Err(IdError::NotANumber | IdError::OutOfRange) => return Err(bad_id()),
    };
    let condition = read_condition(request)?;
    let draft = read_draft(request)?;
    if draft.id.is_some_and(|other| other != id) {
        let detail = "must be the id in the path, or be left out".to_owned();
        return Err(invalid(&[FieldError {
            field: "id".to_owned(),
            detail,
        }])
        .into());
    }
    match catalog
        .put(id, &draft.product, &condition)
        .map_err(failure)?
    {
        Written::Created => Ok(created(id, draft.product).into()),
        Written::Replaced => {
            let body = draft.product.to_json();
            let etag = ("etag", tag(&body));
            let mut response = json_bytes(200, body);
            response.headers.push(etag);
            Ok(response.into())
        }
    }
}

fn delete(request: &dyn Request, segment: &str, catalog: &Catalog<'_>) -> Routed {
    let id = parse_id(segment)?;
    if request.header("if-match").is_some() {
        // To ignore it would delete what the client has not seen.
        return Err(problem(400, "DELETE cannot be made conditional with If-Match").into());
    }
    catalog.delete(id).map_err(failure)?;
    Ok(Response {
        status: 204,
        headers: Vec::new(),
        body: Vec::new(),
    }
    .into())
}

/// No product has an id that is out of range, so it is as unknown as any other.
fn parse_id(segment: &str) -> Result<Id, Answer> {
    segment.parse().map_err(|error| match error {
        IdError::NotANumber => bad_id(),
        IdError::OutOfRange => failure(CatalogError::NotFound),
    })
}

fn bad_id() -> Answer {
    problem(
        400,
        "a product's id is an integer from 1 to 9007199254740991",
    )
    .into()
}

fn read_condition(request: &dyn Request) -> Result<Condition, Answer> {
    match (request.header("if-match"), request.header("if-none-match")) {
        (None, None) => Ok(Condition::None),
        (Some(tags), None) if tags.trim() == "*" => Ok(Condition::Present),
        (Some(tags), None) => Ok(Condition::OneOf(
            tags.split(',').map(|tag| tag.trim().to_owned()).collect(),
        )),
        (None, Some(tags)) if tags.trim() == "*" => Ok(Condition::Absent),
        (_, Some(_)) => {
            Err(problem(400, "PUT takes If-Match, or `If-None-Match: *`, not both").into())
        }
    }
}

fn read_draft(request: &mut dyn Request) -> Result<Draft, Answer> {
    let media_type = request.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case(JSON) {
        return Err(problem(415, "send the product as application/json").into());
    }
    let body = request.body(BODY_BYTES_MAX).map_err(|error| match error {
        BodyError::TooLarge => problem(413, "a product takes at most 65536 bytes"),
        BodyError::Broken => problem(400, "the body ended early"),
    })?;
    Draft::parse(&body).map_err(|error| match error {
        DraftError::Malformed(detail) => problem(400, &detail).into(),
        DraftError::Invalid(errors) => invalid(&errors).into(),
    })
}

/// The one place where an error of the catalog becomes an answer.
fn failure(error: CatalogError) -> Answer {
    let (response, log) = match error {
        CatalogError::NotFound => (
            json_bytes(404, br#"{"error":"Product not found"}"#.to_vec()),
            None,
        ),
        CatalogError::Exists(id) => (problem(409, &format!("product {id} exists")), None),
        CatalogError::ConditionFailed => (
            problem(
                412,
                "the product is not in the expected state; read it again",
            ),
            None,
        ),
        CatalogError::Contended => (unavailable(), Some("other writers were faster".to_owned())),
        CatalogError::NoFreeId => (
            problem(500, "the catalog has no free id left"),
            Some("the counter `next-id` has reached the end of the ids".to_owned()),
        ),
        CatalogError::Damaged(id) => (
            problem(500, "the product's data is damaged"),
            Some(format!(
                "what the store holds under product/{id} is not a product"
            )),
        ),
        CatalogError::Store(BackendError::Refused(text)) => (
            problem(500, "the catalog has no store"),
            Some(format!(
                "the store `catalog` cannot be opened ({text}); grant it in spin.toml"
            )),
        ),
        CatalogError::Store(BackendError::Failed(text)) => (
            unavailable(),
            Some(format!("the store `catalog` failed: {text}")),
        ),
    };
    Answer { response, log }
}

fn unavailable() -> Response {
    let mut response = problem(503, "the catalog cannot use its store now; try again later");
    response.headers.push(("retry-after", "1".to_owned()));
    response
}

fn method_not_allowed(methods: &str) -> Answer {
    let mut response = problem(405, &format!("allowed here: {methods}"));
    response.headers.push(("allow", methods.to_owned()));
    response.into()
}

#[derive(Serialize)]
struct Entry {
    id: Id,
    #[serde(flatten)]
    product: Product,
}

#[derive(Serialize)]
struct PageBody {
    products: Vec<Entry>,
    next: Option<Id>,
}

impl From<Page> for PageBody {
    fn from(page: Page) -> PageBody {
        let products = page
            .products
            .into_iter()
            .map(|(id, product)| Entry { id, product });
        PageBody {
            products: products.collect(),
            next: page.next,
        }
    }
}

fn created(id: Id, product: Product) -> Response {
    let etag = ("etag", tag(&product.to_json()));
    let mut response = json(201, &Entry { id, product });
    response
        .headers
        .push(("location", format!("/products/{id}")));
    response.headers.push(etag);
    response
}

fn json(status: u16, body: &impl Serialize) -> Response {
    // Texts and integers always have a JSON form; there is no error to report.
    json_bytes(status, serde_json::to_vec(body).unwrap_or_default())
}

fn json_bytes(status: u16, body: Vec<u8>) -> Response {
    Response {
        status,
        headers: vec![("content-type", JSON.to_owned())],
        body,
    }
}

#[cfg(test)]
mod tests;
