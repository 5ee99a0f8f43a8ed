//! The HTTP interface over a store in memory.

use super::{Answer, BODY_BYTES_MAX, BodyError, Request, answer};
use crate::backend::BackendError;
use crate::backend::memory::Memory;

#[derive(Default)]
struct FakeRequest {
    method: String,
    target: String,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl Request for FakeRequest {
    fn method(&self) -> &str {
        &self.method
    }

    fn path_with_query(&self) -> &str {
        &self.target
    }

    fn header(&self, name: &str) -> Option<String> {
        self.headers
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
    }

    fn body(&mut self, bytes_max: usize) -> Result<Vec<u8>, BodyError> {
        if self.body.len() > bytes_max {
            Err(BodyError::TooLarge)
        } else {
            Ok(self.body.clone())
        }
    }
}

fn request(method: &str, target: &str, body: &str) -> FakeRequest {
    let headers = vec![("content-type", "application/json".to_owned())];
    FakeRequest {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: body.as_bytes().to_vec(),
    }
}

fn send(store: &Memory, method: &str, target: &str, body: &str) -> Answer {
    answer(&mut request(method, target, body), store)
}

fn send_with(store: &Memory, method: &str, header: (&'static str, &str), body: &str) -> Answer {
    let mut request = request(method, "/products/101", body);
    request.headers.insert(0, (header.0, header.1.to_owned()));
    answer(&mut request, store)
}

fn text(answer: &Answer) -> &str {
    std::str::from_utf8(&answer.response.body).unwrap()
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut headers = answer.response.headers.iter();
    headers
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.as_str())
}

fn assert_problem(answer: &Answer, status: u16) {
    assert_eq!(answer.response.status, status, "{}", text(answer));
    assert_eq!(
        header(answer, "content-type"),
        Some("application/problem+json")
    );
    let body: serde_json::Value = serde_json::from_slice(&answer.response.body).unwrap();
    assert_eq!(
        body.get("status").and_then(serde_json::Value::as_u64),
        Some(status.into())
    );
    assert!(body.get("title").is_some() && body.get("detail").is_some());
}

#[test]
fn a_product_is_read() {
    let store = Memory::default();
    let laptop = send(&store, "GET", "/products/101", "");
    assert_eq!(laptop.response.status, 200);
    assert_eq!(text(&laptop), r#"{"name":"Laptop","price":1200}"#);
    assert_eq!(header(&laptop, "content-type"), Some("application/json"));

    let tag = header(&laptop, "etag").unwrap();
    for known in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
        let unchanged = send_with(&store, "GET", ("if-none-match", &known), "");
        assert_eq!((unchanged.response.status, text(&unchanged)), (304, ""));
        assert_eq!(header(&unchanged, "etag"), Some(tag));
    }
    let head = send(&store, "HEAD", "/products/101", "");
    assert_eq!((head.response.status, text(&head)), (200, ""));
}

#[test]
fn an_unknown_product_is_not_found() {
    let store = Memory::default();
    for id in ["7", "0", "99999999999999999999999999"] {
        for method in ["GET", "DELETE"] {
            let answer = send(&store, method, &format!("/products/{id}"), "");
            assert_eq!(answer.response.status, 404);
            assert_eq!(text(&answer), r#"{"error":"Product not found"}"#);
            assert_eq!(header(&answer, "content-type"), Some("application/json"));
        }
    }
}

#[test]
fn the_list_has_pages() {
    let store = Memory::default();
    let all = r#"{"products":[{"id":101,"name":"Laptop","price":1200},{"id":102,"name":"Mouse","price":25}],"next":null}"#;
    for target in [
        "/products",
        "/products?",
        "/products?limit=1000000000000000000000&x=y&z",
    ] {
        assert_eq!(text(&send(&store, "GET", target, "")), all, "{target}");
    }
    let first = send(&store, "GET", "/products?limit=1", "");
    let expected = r#"{"products":[{"id":101,"name":"Laptop","price":1200}],"next":101}"#;
    assert_eq!(text(&first), expected);
    let second = send(&store, "GET", "/products?limit=1&after=101", "");
    let expected = r#"{"products":[{"id":102,"name":"Mouse","price":25}],"next":null}"#;
    assert_eq!(text(&second), expected);
    for query in [
        "limit=0", "limit=", "limit=-1", "limit=+1", "limit=a", "after=", "after=x",
    ] {
        assert_problem(&send(&store, "GET", &format!("/products?{query}"), ""), 400);
    }
}

#[test]
fn products_are_created() {
    let store = Memory::default();
    let next = send(&store, "POST", "/products", r#"{"name":"Pen","price":3}"#);
    assert_eq!(next.response.status, 201);
    assert_eq!(header(&next, "location"), Some("/products/103"));
    assert_eq!(text(&next), r#"{"id":103,"name":"Pen","price":3}"#);
    let chosen = send(
        &store,
        "POST",
        "/products",
        r#"{"name":"Ink","price":4,"id":7}"#,
    );
    assert_eq!(header(&chosen, "location"), Some("/products/7"));
    let again = send(
        &store,
        "POST",
        "/products",
        r#"{"name":"Ink","price":4,"id":7}"#,
    );
    assert_problem(&again, 409);
    assert_eq!(
        text(&send(&store, "GET", "/products/7", "")),
        r#"{"name":"Ink","price":4}"#
    );
}

#[test]
fn products_are_replaced_and_deleted() {
    let store = Memory::default();
    let replaced = send(
        &store,
        "PUT",
        "/products/101",
        r#"{"name":"Desk","price":9}"#,
    );
    assert_eq!(replaced.response.status, 200);
    assert_eq!(
        text(&send(&store, "GET", "/products/101", "")),
        r#"{"name":"Desk","price":9}"#
    );
    let created = send(
        &store,
        "PUT",
        "/products/5",
        r#"{"id":5,"name":"Pen","price":3}"#,
    );
    assert_eq!(created.response.status, 201);
    assert_eq!(header(&created, "location"), Some("/products/5"));
    let other = send(
        &store,
        "PUT",
        "/products/5",
        r#"{"id":6,"name":"Pen","price":3}"#,
    );
    assert_problem(&other, 422);
    assert_problem(
        &send(&store, "PUT", "/products/0", r#"{"name":"Pen","price":3}"#),
        400,
    );

    let deleted = send(&store, "DELETE", "/products/5", "");
    assert_eq!((deleted.response.status, text(&deleted)), (204, ""));
    assert_eq!(
        send(&store, "DELETE", "/products/5", "").response.status,
        404
    );
}

#[test]
fn a_replacement_can_be_conditional() {
    let store = Memory::default();
    let desk = r#"{"name":"Desk","price":9}"#;
    let laptop = send(&store, "GET", "/products/101", "");
    let tag = header(&laptop, "etag").unwrap();
    assert_problem(
        &send_with(&store, "PUT", ("if-match", "\"other\""), desk),
        412,
    );
    assert_problem(&send_with(&store, "PUT", ("if-none-match", "*"), desk), 412);
    assert_problem(&send_with(&store, "PUT", ("if-none-match", tag), desk), 400);
    assert_problem(&send_with(&store, "DELETE", ("if-match", tag), ""), 400);
    assert_eq!(
        send_with(&store, "PUT", ("if-match", tag), desk)
            .response
            .status,
        200
    );
    assert_problem(&send_with(&store, "PUT", ("if-match", tag), desk), 412);
    assert_eq!(
        send_with(&store, "PUT", ("if-match", "*"), desk)
            .response
            .status,
        200
    );
}

#[test]
fn wrong_bodies_are_refused() {
    let store = Memory::default();
    for (method, target) in [("POST", "/products"), ("PUT", "/products/101")] {
        assert_problem(&send(&store, method, target, "{"), 400);
        assert_problem(&send(&store, method, target, ""), 400);
        let invalid = send(&store, method, target, r#"{"name":"","price":-1,"size":3}"#);
        assert_problem(&invalid, 422);
        for field in ["name", "price", "size"] {
            assert!(text(&invalid).contains(&format!(r#""field":"{field}""#)));
        }
        assert_problem(&send(&store, method, target, "[]"), 422);

        let mut large = request(method, target, "");
        large.body = vec![b' '; BODY_BYTES_MAX + 1];
        assert_problem(&answer(&mut large, &store), 413);

        for media_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "",
            "json",
        ] {
            let mut other = request(method, target, r#"{"name":"Pen","price":3}"#);
            other.headers = vec![("content-type", media_type.to_owned())];
            assert_problem(&answer(&mut other, &store), 415);
        }
        let mut with_charset = request(method, target, r#"{"name":"Pen","price":3}"#);
        with_charset.headers = vec![("content-type", "Application/JSON ; charset=utf-8".into())];
        assert!(answer(&mut with_charset, &store).response.status < 300);
    }
    assert_eq!(
        text(&send(&store, "GET", "/products/102", "")),
        r#"{"name":"Mouse","price":25}"#
    );
}

#[test]
fn other_methods_and_paths_are_refused() {
    let store = Memory::default();
    let collection = send(&store, "DELETE", "/products", "");
    assert_problem(&collection, 405);
    assert_eq!(header(&collection, "allow"), Some("GET, HEAD, POST"));
    let product = send(&store, "POST", "/products/101", "");
    assert_problem(&product, 405);
    assert_eq!(header(&product, "allow"), Some("GET, HEAD, PUT, DELETE"));
    for id in ["abc", "-1", "1.5", "01", "%31"] {
        assert_problem(&send(&store, "GET", &format!("/products/{id}"), ""), 400);
    }
    for path in [
        "/",
        "/product",
        "/products/",
        "/products/101/",
        "/products/101/x",
        "/productsx",
    ] {
        assert_problem(&send(&store, "GET", path, ""), 404);
    }
}

#[test]
fn a_failing_store_is_no_news_for_the_client_but_for_the_log() {
    let store = Memory::default();
    for (failure, status) in [
        (BackendError::Failed("disk /dev/x is full".to_owned()), 503),
        (
            BackendError::Refused("access denied to /dev/x".to_owned()),
            500,
        ),
    ] {
        *store.failure.borrow_mut() = Some(failure);
        let answer = send(&store, "GET", "/products/101", "");
        assert_problem(&answer, status);
        assert!(!text(&answer).contains("/dev/x"));
        assert!(answer.log.unwrap().contains("/dev/x"));
    }
}
