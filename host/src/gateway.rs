//! The path of an HTTP request through the host, from its head to the head of its answer.
//! Everything on the way is a step on this page; what a step does is in the module that it names.
//!
//! Left to others: sockets and protocols (`listener`, `connection`), instances and their limits
//! (the runtime).

pub mod answers;
pub mod body;
pub mod chaining;
pub mod connection;
pub mod head_guard;
pub mod kept_paths;
pub mod listener;
pub mod request_head;
pub mod routes;
pub mod services;
pub mod static_response;
pub mod streams;
pub mod tls;
pub mod transport;
pub mod well_known;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use http::{Method, Request, Response, Uri, Version};
use hyper::body::{Body, Incoming};
use wasmtime_wasi_http::WasiBody;

use self::answers::Refusal;
use self::body::{OutgoingBody, OverLimit};
use self::connection::ConnectionState;
use self::routes::{RouteError, RouteMatch, Router, Shadowed};
use self::services::{ServiceEntry, ServiceTable};
use self::static_response::{StaticResponse, StaticResponseError};
use self::well_known::WellKnown;
use crate::capabilities::invocation::Invocation;
use crate::manifest::model::{ApplicationSettings, HttpRoute, HttpTarget, HttpTrigger};
use crate::telemetry::identity;
use crate::telemetry::trace_context::TraceContext;

/// What a gateway is made from.
pub struct Config {
    /// The app's name and version, for `/.well-known/spin/info`.
    pub name: String,
    pub version: String,
    pub limits: ApplicationSettings,
    pub triggers: Vec<HttpTrigger>,
    /// The services that the triggers lead to; may be filled later.
    pub services: Arc<ServiceTable>,
}

/// Takes requests and answers them.
pub struct Gateway {
    limits: ApplicationSettings,
    well_known: WellKnown,
    router: Router,
    /// By the index that the router gives.
    targets: Vec<Target>,
    services: Arc<ServiceTable>,
}

/// Why the app's triggers make no gateway. The texts are for the author of the manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    #[error(transparent)]
    Route(#[from] RouteError),
    #[error("trigger `{trigger}`: {source}")]
    StaticResponse {
        trigger: String,
        source: StaticResponseError,
    },
}

enum Target {
    Service(String),
    Static(StaticResponse),
}

/// One request, as the log knows it.
struct Exchange<'gateway> {
    request_id: Arc<str>,
    method: Method,
    version: Version,
    uri: Uri,
    began: Instant,
    route: Option<&'gateway str>,
    service: Option<&'gateway str>,
}

impl Gateway {
    /// Checks the triggers and builds the routes.
    pub fn new(config: Config) -> Result<Self, GatewayError> {
        let routes = config.triggers.iter().enumerate();
        let router = Router::new(routes.filter_map(|(index, trigger)| match &trigger.route {
            HttpRoute::Pattern(pattern) => Some((pattern.as_str(), index)),
            HttpRoute::Private => None,
        }))?;
        warn_of_unreachable(&router, &config.triggers);
        Ok(Self {
            well_known: WellKnown::new(&config.name, &config.version),
            targets: config
                .triggers
                .iter()
                .map(Target::new)
                .collect::<Result<_, _>>()?,
            limits: config.limits,
            services: config.services,
            router,
        })
    }

    /// The limits of the listener.
    pub fn limits(&self) -> &ApplicationSettings {
        &self.limits
    }

    /// Triggers that no request can reach, for a warning at start.
    pub fn shadowed(&self) -> &[Shadowed] {
        self.router.shadowed()
    }

    /// Answers one request; `number` is its number on its connection, counted from 1.
    pub async fn handle(
        &self,
        request: Request<Incoming>,
        number: u64,
        connection: &Arc<ConnectionState>,
    ) -> Response<OutgoingBody> {
        let mut exchange = Exchange::begin(&request);
        let answer = self.run(request, number, connection, &mut exchange).await;
        let response = answer.unwrap_or_else(|refusal| {
            refusal.log(&exchange.request_id);
            let response = refusal.answer(&exchange.request_id, exchange.version);
            response.map(OutgoingBody::immediate)
        });
        exchange.end(&response);
        response
    }

    /// The request path.
    async fn run<'gateway>(
        &'gateway self,
        request: Request<Incoming>,
        number: u64,
        connection: &Arc<ConnectionState>,
        exchange: &mut Exchange<'gateway>,
    ) -> Result<Response<OutgoingBody>, Refusal> {
        let (request, trace) = identify(request, number, connection)?;
        let uri = request.uri().clone();
        if let Some(answer) = self.well_known.answer(uri.path())? {
            return Ok(answer.map(OutgoingBody::immediate));
        }
        let matched = self.route(uri.path(), exchange)?;
        admit(&matched)?;
        authorize(&matched)?;
        let service = match self.target(&matched)? {
            Target::Static(answer) => return Ok(answer.answer().map(OutgoingBody::immediate)),
            Target::Service(id) => self.service(id, exchange)?,
        };
        let invocation = Invocation::root(
            exchange.request_id.clone(),
            trace,
            service.id().clone(),
            service.deadline(),
        );
        if let Some(keys) = self.services.keys(request.headers()) {
            invocation.tree.set_keys(keys);
        }
        let over_limit = OverLimit::default();
        let request = self.for_guest(request, &matched, &service, connection, &over_limit)?;
        let answer = call(&service, request, invocation).await;
        self.respond(answer, &service, connection, &over_limit)
    }

    fn route<'gateway, 'path>(
        &'gateway self,
        path: &'path str,
        exchange: &mut Exchange<'gateway>,
    ) -> Result<RouteMatch<'gateway, 'path>, Refusal> {
        let matched = self.router.route(path).ok_or(Refusal::NoRoute)?;
        exchange.route = Some(matched.pattern());
        Ok(matched)
    }

    fn target(&self, matched: &RouteMatch<'_, '_>) -> Result<&Target, Refusal> {
        self.targets.get(matched.trigger()).ok_or(Refusal::NoRoute)
    }

    fn service<'gateway>(
        &'gateway self,
        id: &'gateway str,
        exchange: &mut Exchange<'gateway>,
    ) -> Result<Arc<ServiceEntry>, Refusal> {
        exchange.service = Some(id);
        self.services
            .get(id)
            .ok_or_else(|| Refusal::NotLoaded(id.to_owned()))
    }

    /// The request as the guest sees it, with its body held to the limits.
    fn for_guest(
        &self,
        request: Request<Incoming>,
        matched: &RouteMatch<'_, '_>,
        service: &ServiceEntry,
        connection: &Arc<ConnectionState>,
        over_limit: &OverLimit,
    ) -> Result<Request<WasiBody>, Refusal> {
        let (mut head, body) = request.into_parts();
        let limit = self.limits.body_bytes_max;
        if let Some(limit) = limit.filter(|limit| body.size_hint().lower() > *limit) {
            return Err(Refusal::BodyTooLarge(limit));
        }
        request_head::describe(&mut head, matched, connection.client());
        let idle = service.body_idle_timeout_ms();
        let body = body::from_client(body, connection, idle, limit, over_limit.clone());
        Ok(Request::from_parts(head, body))
    }

    /// The service's answer with its body held to the limits, or why there is none.
    fn respond(
        &self,
        answer: Result<Response<WasiBody>, Refusal>,
        service: &ServiceEntry,
        connection: &Arc<ConnectionState>,
        over_limit: &OverLimit,
    ) -> Result<Response<OutgoingBody>, Refusal> {
        let idle = service.body_idle_timeout_ms();
        match (answer, self.limits.body_bytes_max) {
            (Ok(response), _) => {
                connection.set_body_idle_timeout_ms(idle);
                Ok(response.map(|body| OutgoingBody::streaming(body, idle)))
            }
            // The guest failed over a body that the host had cut: the client's fault, not the
            // service's.
            (Err(_), Some(limit)) if over_limit.load(Ordering::Relaxed) => {
                Err(Refusal::BodyTooLarge(limit))
            }
            (Err(refusal), _) => Err(refusal),
        }
    }
}

/// What the manifest's author should know, though it is no error, in Spin neither.
fn warn_of_unreachable(router: &Router, triggers: &[HttpTrigger]) {
    for Shadowed {
        pattern,
        hidden,
        effective,
    } in router.shadowed()
    {
        let id = |index: &usize| triggers.get(*index).map(|trigger| trigger.id.as_str());
        let (hidden, effective) = (id(hidden), id(effective));
        tracing::warn!(
            pattern,
            hidden,
            effective,
            "two triggers have the same route"
        );
    }
    for trigger in triggers {
        match &trigger.route {
            HttpRoute::Pattern(pattern) if well_known::is_reserved(pattern) => {
                tracing::warn!(
                    trigger = trigger.id,
                    pattern,
                    "the host answers this route itself"
                );
            }
            HttpRoute::Pattern(_) | HttpRoute::Private => {}
        }
    }
}

/// Checks the head, and takes over or begins the trace.
fn identify(
    request: Request<Incoming>,
    number: u64,
    connection: &Arc<ConnectionState>,
) -> Result<(Request<Incoming>, TraceContext), Refusal> {
    if request.version() <= Version::HTTP_11 && connection.verdict().refuses(number) {
        let text = "The request gives its length in two ways, or has lines that end in LF alone.";
        return Err(Refusal::AmbiguousFraming(text));
    }
    let (mut head, body) = request.into_parts();
    request_head::accept(&mut head, connection.scheme())?;
    let parent = head
        .headers
        .get("traceparent")
        .and_then(|value| value.to_str().ok());
    let trace = TraceContext::continue_from(parent);
    Ok((Request::from_parts(head, body), trace))
}

/// Rate limits will stand here; until then everything passes.
fn admit(_matched: &RouteMatch<'_, '_>) -> Result<(), Refusal> {
    Ok(())
}

/// Checks of tokens will stand here; until then everyone passes.
fn authorize(_matched: &RouteMatch<'_, '_>) -> Result<(), Refusal> {
    Ok(())
}

async fn call(
    service: &ServiceEntry,
    request: Request<WasiBody>,
    invocation: Arc<Invocation>,
) -> Result<Response<WasiBody>, Refusal> {
    service.call(request, invocation).await
}

impl Target {
    fn new(trigger: &HttpTrigger) -> Result<Self, GatewayError> {
        Ok(match &trigger.target {
            HttpTarget::Component(id) => Self::Service(id.clone()),
            HttpTarget::Static(model) => {
                Self::Static(StaticResponse::new(model).map_err(|source| {
                    GatewayError::StaticResponse {
                        trigger: trigger.id.clone(),
                        source,
                    }
                })?)
            }
        })
    }
}

impl Exchange<'_> {
    fn begin(request: &Request<Incoming>) -> Self {
        Self {
            request_id: identity::request_id().into(),
            method: request.method().clone(),
            version: request.version(),
            uri: request.uri().clone(),
            began: Instant::now(),
            route: None,
            service: None,
        }
    }

    /// The one line that the log has of a request; not by default, for it would cost more than the
    /// call.
    fn end(&self, response: &Response<OutgoingBody>) {
        tracing::debug!(
            method = %self.method,
            path = self.uri.path(),
            route = self.route,
            service = self.service,
            status = response.status().as_u16(),
            duration_us = u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX),
            request_id = &*self.request_id,
            "request"
        );
    }
}

#[cfg(test)]
mod tests;
