//! The routes, events and schedules of a service, and the way of a request through them: find the
//! route, ask who calls, check the body, call the handler, answer.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::event::Delivery;
use crate::host::Host;
use crate::http::{Answer, BodyError, Request, decode};
use crate::identity::{Caller, IdentityError};
use crate::openapi;
use crate::problem::Problem;
use crate::schema::{self, Schemas};

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody; a token is not looked at.
    Public,
    /// Everybody; where there is a token it must be good, and the handler knows the caller.
    Anyone,
    /// Users who are signed in.
    User,
    /// Users who are signed in, for what is theirs: what belongs to another is not found.
    Owner,
    /// Those who run the shop.
    Staff,
}

/// A member of a query.
pub struct Parameter {
    pub name: &'static str,
    /// A schema in JSON, of a string or an integer.
    pub schema: &'static str,
    pub description: &'static str,
}

/// One operation of the HTTP interface.
pub struct Route<S: 'static> {
    pub method: &'static str,
    /// Such as `/api/orders/{order}`.
    pub path: &'static str,
    pub access: Access,
    /// The `operationId` of its document.
    pub operation: &'static str,
    pub summary: &'static str,
    pub query: &'static [Parameter],
    /// The name of the schema that the body must meet; none where there is no body.
    pub body: Option<&'static str>,
    /// Status and schema of the answer when all goes well.
    pub answer: (u16, Option<&'static str>),
    pub handler: fn(&S, &Call<'_>) -> Result<Answer, Problem>,
}

/// A path on which the bus delivers events.
pub struct Subscription<S: 'static> {
    pub path: &'static str,
    pub handler: fn(&S, &Delivery) -> Result<(), Problem>,
}

/// A path that is called at set times.
pub struct Schedule<S: 'static> {
    pub path: &'static str,
    pub handler: fn(&S) -> Result<(), Problem>,
}

/// All of a service's interface but for its links.
pub struct Api<S: 'static> {
    /// The service's id in the manifest.
    pub name: &'static str,
    pub title: &'static str,
    pub description: &'static str,
    pub routes: &'static [Route<S>],
    /// Of the bodies, by name.
    pub schemas: Schemas,
    pub subscriptions: &'static [Subscription<S>],
    pub schedules: &'static [Schedule<S>],
}

/// A service: its interface, its surroundings, and the way to learn who calls.
pub trait Service: Sized + 'static {
    fn api() -> &'static Api<Self>;

    fn host(&self) -> &dyn Host;

    /// Who has this token.
    ///
    /// # Errors
    /// When nobody has it, or that cannot be learned now.
    fn verify(&self, token: &str) -> Result<Caller, IdentityError>;
}

/// A request on its way to a handler: checked as its route says.
pub struct Call<'r> {
    pub request: &'r Request,
    caller: Option<Caller>,
    path_values: Vec<(&'static str, String)>,
    body: Value,
}

impl Call<'_> {
    /// Who calls, on routes that ask for it.
    ///
    /// # Errors
    /// 401 where nobody is signed in.
    pub fn caller(&self) -> Result<&Caller, Problem> {
        let caller = self.caller.as_ref();
        caller.ok_or_else(|| Problem::unauthenticated("Sign in first."))
    }

    /// Who calls, where someone is signed in.
    pub fn caller_if_any(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// A part of the path; empty where the route has no such part.
    pub fn path_value(&self, name: &str) -> &str {
        let mut found = self.path_values.iter().filter(|(known, _)| *known == name);
        found.next().map_or("", |(_, value)| value)
    }

    /// A member of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        let mut found = self.request.query.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// A number of the query; its route's schema has been checked.
    pub fn query_number(&self, name: &str) -> Option<u64> {
        self.query(name)?.parse().ok()
    }

    /// The body as a type.
    ///
    /// # Errors
    /// 422 when it is not one although its schema says so.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        T::deserialize(&self.body).map_err(|error| Problem::field("", error.to_string()))
    }
}

/// Answers a request: the whole way of a request through a service.
pub fn answer<S: Service>(service: &S, request: &Request) -> Answer {
    let api = S::api();
    let is_head = request.method == "HEAD";
    let result = deliver(service, api, request)
        .or_else(|| document(api, request))
        .unwrap_or_else(|| operate(service, api, request));
    let mut answer = result.unwrap_or_else(|problem| problem.answer());
    if let Some(log) = &answer.log {
        let method = &request.method;
        service
            .host()
            .log(&format!("{method} {}: {log}", request.path));
    }
    if is_head {
        answer.body.clear();
    }
    answer
}

/// Events and scheduled calls. That only the bus reaches these paths is the host's promise, and the
/// manifest's, whose public routes do not cover them.
fn deliver<S: Service>(
    service: &S,
    api: &'static Api<S>,
    request: &Request,
) -> Option<Result<Answer, Problem>> {
    if request.method != "POST" {
        return None;
    }
    let done = |()| Answer::empty(204);
    let subscription = api
        .subscriptions
        .iter()
        .find(|one| one.path == request.path);
    if let Some(subscription) = subscription {
        let delivery = Delivery::read(request);
        return Some(
            delivery
                .and_then(|one| (subscription.handler)(service, &one))
                .map(done),
        );
    }
    let schedule = api.schedules.iter().find(|one| one.path == request.path)?;
    Some((schedule.handler)(service).map(done))
}

fn document<S: Service>(
    api: &'static Api<S>,
    request: &Request,
) -> Option<Result<Answer, Problem>> {
    let path = request.path.strip_prefix("/api/")?;
    let path = path.strip_prefix(api.name)?;
    let is_read = request.method == "GET" || request.method == "HEAD";
    if path != "/openapi.json" || !is_read {
        return None;
    }
    Some(Ok(
        Answer::json(200, &openapi::document(api)).with_etag(request)
    ))
}

fn operate<S: Service>(
    service: &S,
    api: &'static Api<S>,
    request: &Request,
) -> Result<Answer, Problem> {
    let (route, path_values) = find(api, request)?;
    let caller = admit(service, route.access, request)?;
    check_query(route.query, request)?;
    let body = match route.body {
        Some(name) => read_body(api, name, request)?,
        None => Value::Null,
    };
    let call = Call {
        request,
        caller,
        path_values,
        body,
    };
    (route.handler)(service, &call)
}

type Found<S> = (&'static Route<S>, Vec<(&'static str, String)>);

/// The route of a request. A fixed part of a path wins over a variable one by standing first.
fn find<S: Service>(api: &'static Api<S>, request: &Request) -> Result<Found<S>, Problem> {
    let method = match request.method.as_str() {
        "HEAD" => "GET",
        method => method,
    };
    let mut allow: Vec<&str> = Vec::new();
    for route in api.routes {
        if let Some(values) = match_path(route.path, &request.path) {
            if route.method == method {
                return Ok((route, values));
            }
            if !allow.contains(&route.method) {
                allow.push(route.method);
            }
        }
    }
    if allow.is_empty() {
        let document = format!("/api/{}/openapi.json", api.name);
        return Err(Problem::not_found(format!(
            "There is nothing under this path; see {document}."
        )));
    }
    Err(Problem::method_not_allowed(
        &request.method,
        allow.join(", "),
    ))
}

fn match_path(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut values = Vec::new();
    let mut parts = path.split('/');
    for expected in pattern.split('/') {
        let part = parts.next()?;
        match expected
            .strip_prefix('{')
            .and_then(|one| one.strip_suffix('}'))
        {
            Some(_) if part.is_empty() => return None,
            Some(name) => values.push((name, decode(part))),
            None if part == expected => {}
            None => return None,
        }
    }
    parts.next().is_none().then_some(values)
}

fn admit<S: Service>(
    service: &S,
    access: Access,
    request: &Request,
) -> Result<Option<Caller>, Problem> {
    let token = request.bearer_token();
    let caller = match (access, token) {
        (Access::Public, _) | (Access::Anyone, None) => return Ok(None),
        (_, None) => return Err(Problem::unauthenticated("Sign in first.")),
        (_, Some(token)) => service.verify(token)?,
    };
    if access == Access::Staff && !caller.is_staff() {
        return Err(Problem::forbidden("This is for the shop's staff."));
    }
    Ok(Some(caller))
}

fn check_query(parameters: &[Parameter], request: &Request) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for parameter in parameters {
        let schema: Value = serde_json::from_str(parameter.schema)
            .map_err(|error| Problem::internal(&format!("{}: {error}", parameter.name)))?;
        let named = request
            .query
            .iter()
            .filter(|(name, _)| name == parameter.name);
        for (_, text) in named {
            let number = text.parse::<i64>().map(Value::from);
            let value = match schema.get("type").and_then(Value::as_str) {
                Some("integer") => number.unwrap_or_else(|_| Value::from(text.as_str())),
                _ => Value::from(text.as_str()),
            };
            let mut found = schema::check(&Value::Null, &schema, &value);
            for error in &mut found {
                parameter.name.clone_into(&mut error.field);
            }
            errors.extend(found);
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Problem::fields(errors)),
    }
}

fn read_body<S>(api: &Api<S>, name: &str, request: &Request) -> Result<Value, Problem> {
    let media_type = request.header("content-type").unwrap_or("application/json");
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let detail = format!("The body must be application/json, not {media_type}.");
        return Err(Problem::new(415, "unsupported_media_type", detail));
    }
    let body = match &request.body {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            let detail = "The body is larger than 64 KiB.";
            return Err(Problem::new(413, "too_large", detail));
        }
        Err(BodyError::Broken) => return Err(Problem::malformed("The body broke off.")),
    };
    let value: Value = serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        Problem::malformed(format!(
            "The body is not JSON (line {line}, column {column})."
        ))
    })?;
    let schemas = api.schemas.json()?;
    let schema = schemas
        .get(name)
        .ok_or_else(|| Problem::internal(&format!("schemas.json has no `{name}`")))?;
    let errors = schema::check(schemas, schema, &value);
    match errors.is_empty() {
        true => Ok(value),
        false => Err(Problem::fields(errors)),
    }
}

#[cfg(test)]
mod tests;
