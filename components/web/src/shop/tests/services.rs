//! Services that answer what is recorded, and remember what they were asked.

use std::cell::RefCell;
use std::future::ready;

use serde_json::{Value, from_slice, json};

use crate::services::{Call, Reply, Sending, Services};

/// What is answered to a method, a service and a path, whatever its query.
struct Answered {
    /// `GET catalog/products/oak-desk`
    to: String,
    status: u16,
    body: Value,
}

#[derive(Default)]
pub struct Recorded {
    /// The later ones go first.
    answered: Vec<Answered>,
    down: Vec<&'static str>,
    calls: RefCell<Vec<Call>>,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(known, _)| *known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        from_slice(self.body.as_deref().unwrap()).unwrap()
    }

    /// As [`Answered::to`] is written.
    fn name(&self) -> String {
        let path = self.path_with_query.strip_prefix("/api/").unwrap();
        let path = path.split('?').next().unwrap();
        format!("{} {path}", self.method)
    }
}

impl Recorded {
    /// A shop with two products, in which everything is well.
    pub fn shop() -> Recorded {
        let session = json!({
            "user": "u-1", "name": "Ada", "role": "customer", "access_token": "token-2",
            "token_type": "Bearer", "expires_in": 900, "refresh_token": "refresh-2",
        });
        let recorded: Value = from_slice(include_bytes!("recorded.json")).unwrap();
        let mut services = Recorded::default();
        for (to, body) in recorded.as_object().unwrap() {
            services = services.with(to, 200, body.clone());
        }
        services
            .with("POST users", 201, session.clone())
            .with("POST users/sessions", 201, session.clone())
            .with("POST users/sessions/refresh", 200, session)
            .with("POST users/sessions/end", 204, Value::Null)
            .with("POST recommendations/views", 202, Value::Null)
            .with("POST cart/guests", 201, json!({ "cart": "g-1" }))
    }

    /// The same with another answer.
    pub fn with(mut self, to: &str, status: u16, body: Value) -> Recorded {
        self.answered.push(Answered {
            to: to.to_owned(),
            status,
            body,
        });
        self
    }

    /// The same without a service.
    pub fn down(mut self, service: &'static str) -> Recorded {
        self.down.push(service);
        self
    }

    /// What was asked, in its order.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    /// The last call that begins so.
    pub fn call(&self, start: &str) -> Call {
        let calls = self.calls();
        let found = calls.iter().rfind(|call| call.name().starts_with(start));
        found.unwrap_or_else(|| panic!("no {start}")).clone()
    }

    fn reply(&self, call: &Call) -> Result<Reply, String> {
        if self.down.contains(&call.service) {
            return Err(format!("{} is down", call.service));
        }
        let name = call.name();
        let mut latest = self.answered.iter().rev();
        let found = latest.find(|answered| name == answered.to);
        let missing = json!({ "status": 404, "code": "not_found", "detail": "There is none." });
        let (status, body) = match found {
            Some(answered) => (answered.status, &answered.body),
            None => (404, &missing),
        };
        Ok(Reply {
            status,
            headers: vec![("etag".to_owned(), "\"tag-1\"".to_owned())],
            body: body.to_string().into_bytes(),
        })
    }
}

impl Services for Recorded {
    fn send(&self, call: Call) -> Sending<'_> {
        let reply = self.reply(&call);
        self.calls.borrow_mut().push(call);
        Box::pin(ready(reply))
    }
}
