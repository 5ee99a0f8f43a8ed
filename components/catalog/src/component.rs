//! The glue: the exported HTTP handler and contract, and the store behind them, in generated types.
//! Every rule is left to the other modules.

// Generated code hands values over by raw pointers, and marks its exports as such.
#[allow(unsafe_code)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit/deps/wasi-keyvalue", "../../wit/store/catalog", "wit"],
        world: "store:catalog-service/service",
        generate_all,
    });

    export!(Service with_types_in self);
    wasip2::http::proxy::export!(Service with_types_in wasip2);

    use super::Service;
}

use kit::component::{ComponentHost, LinkedIdentity, handle};
use wasip2::exports::http::incoming_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingResponse, ResponseOutparam,
};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use self::bindings::exports::store::catalog::{offers, products};
use self::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::assortment::service::Shelves;
use crate::backend::{Backend, BackendError, Keys, Read, Swap};
use crate::catalog::{Catalog, CatalogError};
use crate::product::Id;
use crate::rest::{Answer, BodyError, Request, answer};

/// The label that belongs to this service.
const STORE_LABEL: &str = "catalog";
/// How much one call of a stream may be given (`wasi:io/streams`, `blocking-write-and-flush`).
const WRITE_BYTES_MAX: usize = 4096;

struct Service;

/// The goods of the shop; the rest of this file is the plain list of products.
fn shelves() -> Shelves {
    Shelves::new(
        Box::new(ComponentHost::new(STORE_LABEL)),
        Box::new(LinkedIdentity),
    )
}

impl incoming_handler::Guest for Service {
    fn handle(request: IncomingRequest, response_out: ResponseOutparam) {
        let target = request.path_with_query().unwrap_or_default();
        if !is_of_plain_list(&target) {
            return handle(&shelves(), &request, response_out);
        }
        let mut request = HttpRequest::new(request);
        let Answer { response, log } = answer(&mut request, &Store::default());
        if let Some(log) = log {
            eprintln!("{} {}: {log}", request.method, request.target);
        }
        let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
        for (name, value) in response.headers {
            headers.push((name.to_owned(), value.into_bytes()));
        }
        if !response.body.is_empty() {
            let length = response.body.len().to_string();
            headers.push(("content-length".to_owned(), length.into_bytes()));
        }
        // The headers are the service's own, so they are never refused.
        let headers = Fields::from_list(&headers).unwrap_or_else(|_| Fields::new());
        let outgoing = OutgoingResponse::new(headers);
        let _ = outgoing.set_status_code(response.status);
        let body = outgoing.body();
        ResponseOutparam::set(response_out, Ok(outgoing));
        if let Ok(body) = body {
            write_body(body, &response.body);
        }
    }
}

/// Whether a path is `/products` or below.
fn is_of_plain_list(target: &str) -> bool {
    let path = target.split('?').next().unwrap_or_default();
    path.strip_prefix("/products")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl offers::Guest for Service {
    fn get_offers(skus: Vec<String>) -> Result<Vec<offers::Offer>, offers::Error> {
        let found = shelves()
            .offers(&skus)
            .map_err(|problem| match problem.status {
                422 => offers::Error::Invalid(problem.detail),
                503 => offers::Error::Unavailable(problem.detail),
                _ => offers::Error::Other(problem.detail),
            })?;
        let offers = found.into_iter().map(|offer| offers::Offer {
            sku: offer.sku,
            product: offer.product,
            title: offer.title,
            label: offer.label,
            price_minor: offer.price_minor,
            currency: offer.currency.to_owned(),
            weight_g: offer.weight_g,
        });
        Ok(offers.collect())
    }
}

/// Writes as much as the client takes; when it leaves there is no one left to tell.
fn write_body(body: OutgoingBody, bytes: &[u8]) {
    if let Ok(stream) = body.write() {
        write_all(&stream, bytes);
    }
    let _ = OutgoingBody::finish(body, None);
}

fn write_all(stream: &OutputStream, bytes: &[u8]) {
    for part in bytes.chunks(WRITE_BYTES_MAX) {
        if stream.blocking_write_and_flush(part).is_err() {
            return;
        }
    }
}

struct HttpRequest {
    request: IncomingRequest,
    headers: Fields,
    method: String,
    target: String,
}

impl HttpRequest {
    fn new(request: IncomingRequest) -> HttpRequest {
        let method = match request.method() {
            Method::Get => "GET".to_owned(),
            Method::Head => "HEAD".to_owned(),
            Method::Post => "POST".to_owned(),
            Method::Put => "PUT".to_owned(),
            Method::Delete => "DELETE".to_owned(),
            Method::Connect => "CONNECT".to_owned(),
            Method::Options => "OPTIONS".to_owned(),
            Method::Trace => "TRACE".to_owned(),
            Method::Patch => "PATCH".to_owned(),
            Method::Other(name) => name,
        };
        let target = request.path_with_query().unwrap_or_default();
        let headers = request.headers();
        HttpRequest {
            request,
            headers,
            method,
            target,
        }
    }
}

impl Request for HttpRequest {
    fn method(&self) -> &str {
        &self.method
    }

    fn path_with_query(&self) -> &str {
        &self.target
    }

    fn header(&self, name: &str) -> Option<String> {
        let value = self.headers.get(name).into_iter().next()?;
        Some(String::from_utf8_lossy(&value).into_owned())
    }

    fn body(&mut self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        let announced = self
            .header("content-length")
            .and_then(|length| length.parse().ok());
        if announced.is_some_and(|length: u64| length > bytes_max as u64) {
            return Err(BodyError::TooLarge);
        }
        let body = self.request.consume().map_err(|()| BodyError::Broken)?;
        read_body(&body, bytes_max)
    }
}

fn read_body(body: &IncomingBody, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
    let stream: InputStream = body.stream().map_err(|()| BodyError::Broken)?;
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(WRITE_BYTES_MAX as u64) {
            Ok(part) => bytes.extend_from_slice(&part),
            Err(StreamError::Closed) => return Ok(bytes),
            Err(StreamError::LastOperationFailed(_)) => return Err(BodyError::Broken),
        }
        if bytes.len() > bytes_max {
            return Err(BodyError::TooLarge);
        }
    }
}

impl products::Guest for Service {
    fn get_product(id: u64) -> Result<products::Product, products::Error> {
        let id = Id::new(id).ok_or(products::Error::NotFound)?;
        let product = Catalog::new(&Store::default()).get(id)?;
        Ok(products::Product {
            id: id.number(),
            name: product.name,
            price: product.price,
        })
    }

    fn list_products(after: Option<u64>, limit: u32) -> Result<products::Page, products::Error> {
        if limit == 0 {
            return Err(products::Error::Invalid(
                "the limit must be at least 1".to_owned(),
            ));
        }
        let after = match after {
            Some(0) | None => None,
            // Nothing has an id above the largest one, which the end of an empty page says too.
            Some(after) => match Id::new(after) {
                Some(after) => Some(after),
                None => {
                    return Ok(products::Page {
                        products: Vec::new(),
                        next: None,
                    });
                }
            },
        };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let page = Catalog::new(&Store::default()).list(after, limit)?;
        let products = page
            .products
            .into_iter()
            .map(|(id, product)| products::Product {
                id: id.number(),
                name: product.name,
                price: product.price,
            });
        Ok(products::Page {
            products: products.collect(),
            next: page.next.map(Id::number),
        })
    }
}

impl From<CatalogError> for products::Error {
    fn from(error: CatalogError) -> products::Error {
        match error {
            CatalogError::NotFound => products::Error::NotFound,
            CatalogError::Exists(_) | CatalogError::ConditionFailed => {
                products::Error::Invalid("the product is not in the expected state".to_owned())
            }
            CatalogError::Contended => {
                products::Error::Unavailable("other writers were faster".to_owned())
            }
            CatalogError::Store(BackendError::Failed(text)) => {
                eprintln!("the store `{STORE_LABEL}` failed: {text}");
                products::Error::Unavailable("the catalog cannot use its store now".to_owned())
            }
            CatalogError::Store(BackendError::Refused(text)) => {
                eprintln!("the store `{STORE_LABEL}` cannot be opened: {text}");
                products::Error::Other("the catalog has no store".to_owned())
            }
            CatalogError::NoFreeId => products::Error::Other("no free id is left".to_owned()),
            CatalogError::Damaged(id) => {
                eprintln!("what the store holds under product/{id} is not a product");
                products::Error::Other("the product's data is damaged".to_owned())
            }
        }
    }
}

/// The service's own store, opened at its first use: a request that is refused needs none.
#[derive(Default)]
struct Store {
    bucket: std::cell::OnceCell<store::Bucket>,
}

impl Store {
    fn bucket(&self) -> Result<&store::Bucket, BackendError> {
        if let Some(bucket) = self.bucket.get() {
            return Ok(bucket);
        }
        let opened = store::open(STORE_LABEL)?;
        Ok(self.bucket.get_or_init(|| opened))
    }
}

impl From<store::Error> for BackendError {
    fn from(error: store::Error) -> BackendError {
        match error {
            store::Error::NoSuchStore => BackendError::Refused("no such store".to_owned()),
            store::Error::AccessDenied => BackendError::Refused("access denied".to_owned()),
            store::Error::Other(text) => BackendError::Failed(text),
        }
    }
}

impl Backend for Store {
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, BackendError> {
        Ok(self.bucket()?.get(key)?)
    }

    fn get_many(&self, keys: Vec<String>) -> Result<Vec<(String, Vec<u8>)>, BackendError> {
        let values = batch::get_many(self.bucket()?, &keys)?;
        Ok(values
            .into_iter()
            .filter_map(|(key, value)| Some((key, value?)))
            .collect())
    }

    fn set(&self, key: &str, value: &[u8]) -> Result<(), BackendError> {
        Ok(self.bucket()?.set(key, value)?)
    }

    fn delete(&self, key: &str) -> Result<(), BackendError> {
        Ok(self.bucket()?.delete(key)?)
    }

    fn keys(&self, cursor: Option<String>) -> Result<Keys, BackendError> {
        let part = self.bucket()?.list_keys(cursor.as_deref())?;
        Ok((part.keys, part.cursor))
    }

    fn read_to_swap(&self, key: &str) -> Result<Read<'_>, BackendError> {
        let cas = atomics::Cas::new(self.bucket()?, key)?;
        let value = cas.current()?;
        Ok((value, Box::new(StoreSwap { cas })))
    }

    fn increment(&self, key: &str, delta: i64) -> Result<i64, BackendError> {
        Ok(atomics::increment(self.bucket()?, key, delta)?)
    }
}

struct StoreSwap {
    cas: atomics::Cas,
}

impl Swap for StoreSwap {
    fn swap(self: Box<Self>, value: &[u8]) -> Result<bool, BackendError> {
        match atomics::swap(self.cas, value) {
            Ok(()) => Ok(true),
            Err(atomics::CasError::CasFailed(_)) => Ok(false),
            Err(atomics::CasError::StoreError(error)) => Err(error.into()),
        }
    }
}
