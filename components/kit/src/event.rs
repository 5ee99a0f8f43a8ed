//! Events: CloudEvents 1.0 in binary mode, with JSON as their data (docs/EVENTS.md).

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::Request;
use crate::problem::Problem;

/// An event to be published.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its type too.
    pub topic: &'static str,
    /// The same thing happening again has the same id, so that it is stored once.
    pub id: String,
    /// Events with the same key arrive in their order.
    pub key: Option<String>,
    /// It is delivered no earlier, in milliseconds since 1970. A stock engine does not wait: who
    /// takes the event looks at its own clock.
    pub not_before_ms: Option<u64>,
    pub data: Value,
}

impl Event {
    pub fn new(topic: &'static str, id: impl Into<String>, data: Value) -> Event {
        Event {
            topic,
            id: id.into(),
            key: None,
            not_before_ms: None,
            data,
        }
    }

    /// The same in the order of a key.
    #[must_use]
    pub fn keyed(mut self, key: impl Into<String>) -> Event {
        self.key = Some(key.into());
        self
    }

    /// The same, later.
    #[must_use]
    pub fn not_before(mut self, time_ms: u64) -> Event {
        self.not_before_ms = Some(time_ms);
        self
    }
}

/// Why an event was not published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishError(pub String);

impl From<PublishError> for Problem {
    fn from(error: PublishError) -> Problem {
        let log = format!("an event was not published: {}", error.0);
        Problem::unavailable("The store is busy. Try again in a moment.").with_log(log)
    }
}

/// An event that was delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    pub id: String,
    /// The topic, by the convention of [`Event`].
    pub topic: String,
    /// The service that published it.
    pub source: String,
    /// The same for every attempt of this delivery.
    pub invocation: String,
    pub data: Value,
}

impl Delivery {
    /// Reads what the bus sent.
    ///
    /// # Errors
    /// 400 when it is no event with JSON in it: tried again it will not be one either, so it ends
    /// as a dead letter that names the reason.
    pub fn read(request: &Request) -> Result<Delivery, Problem> {
        let attribute = |name: &str| request.header(name).map(crate::http::decode);
        let id = attribute("ce-id").ok_or_else(|| Problem::malformed("`ce-id` is missing"))?;
        let topic =
            attribute("ce-type").ok_or_else(|| Problem::malformed("`ce-type` is missing"))?;
        let body = request.body.as_deref().unwrap_or_default();
        let data = serde_json::from_slice(body)
            .map_err(|error| Problem::malformed(format!("the event's data: {error}")))?;
        Ok(Delivery {
            invocation: request
                .header("kumiki-invocation-id")
                .unwrap_or(&id)
                .to_owned(),
            source: attribute("ce-source").unwrap_or_default(),
            id,
            topic,
            data,
        })
    }

    /// The data as a type.
    ///
    /// # Errors
    /// 400 when it has another shape.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        T::deserialize(&self.data).map_err(|error| {
            Problem::malformed(format!("the data of `{}` {}: {error}", self.topic, self.id))
        })
    }
}
