//! The services that the gateway can call, by id. The table is replaced as a whole and read without
//! locks; instances, limits and the call itself are left to the runtime.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::header::COOKIE;
use http::{HeaderMap, Request, Response};
use wasmtime_wasi_http::WasiBody;
use xxhash_rust::xxh3::xxh3_64;

use super::answers::Refusal;
use super::kept_paths::KeptPaths;
use crate::capabilities::invocation::Invocation;
use crate::manifest::model::ServiceSettings;
use crate::manifest::model::canary::Sticky;
use crate::runtime::failure::InvocationError;
use crate::runtime::service::Service;

/// What runs a service's handler: the runtime's [`Service`], or a stand-in where no guest is
/// needed.
pub trait Handler: Send + Sync {
    /// Runs the handler once; see [`Service::handle`].
    fn handle(
        self: Arc<Self>,
        request: Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<WasiBody>, InvocationError>> + Send>>;
}

impl Handler for Service {
    fn handle(
        self: Arc<Self>,
        request: Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<WasiBody>, InvocationError>> + Send>> {
        Box::pin(Service::handle(self, request, invocation))
    }
}

/// A service and the limits that its callers are held to.
pub struct ServiceEntry {
    id: Arc<str>,
    handler: Arc<dyn Handler>,
    timeout_ms: u64,
    body_idle_timeout_ms: u64,
    kept_paths: KeptPaths,
    has_trigger: bool,
}

/// The services that the host calls over HTTP: those that have a trigger, private ones included,
/// and those that take events or run by a schedule.
#[derive(Default)]
pub struct Services {
    by_id: BTreeMap<String, Arc<ServiceEntry>>,
}

/// The current [`Services`]. It starts empty, so that services can be built that call each other.
#[derive(Default)]
pub struct ServiceTable {
    current: ArcSwap<Services>,
    /// What tells clients apart, where a service takes the same one to the same revision.
    sticky: ArcSwap<Vec<Sticky>>,
}

impl Services {
    /// Adds a service that has an HTTP trigger, or puts it in the place of the one with its id.
    pub fn insert(&mut self, id: &str, handler: Arc<dyn Handler>, settings: &ServiceSettings) {
        self.add(id, handler, settings, true);
    }

    /// Adds a service without a trigger, which nobody but the host itself calls.
    pub fn insert_unreached(
        &mut self,
        id: &str,
        handler: Arc<dyn Handler>,
        settings: &ServiceSettings,
    ) {
        self.add(id, handler, settings, false);
    }

    fn add(
        &mut self,
        id: &str,
        handler: Arc<dyn Handler>,
        settings: &ServiceSettings,
        has_trigger: bool,
    ) {
        let entry = ServiceEntry {
            id: id.into(),
            handler,
            timeout_ms: settings.timeout_ms,
            body_idle_timeout_ms: settings.body_idle_timeout_ms,
            kept_paths: KeptPaths::new(settings),
            has_trigger,
        };
        self.by_id.insert(id.to_owned(), Arc::new(entry));
    }
}

impl ServiceTable {
    /// Puts `services` in the place of all others; calls that have begun keep what they hold.
    pub fn publish(&self, services: Services) {
        self.current.store(Arc::new(services));
    }

    /// From now on request trees know these parts of their root's request.
    pub fn set_sticky(&self, sticky: Vec<Sticky>) {
        self.sticky.store(Arc::new(sticky));
    }

    /// The parts of a request that tell its client from others, hashed; mostly none are asked for.
    pub fn keys(&self, headers: &HeaderMap) -> Option<Vec<(Sticky, u64)>> {
        let sticky = self.sticky.load();
        if sticky.is_empty() {
            return None;
        }
        let keys = sticky.iter().filter_map(|sticky| {
            let value = match sticky {
                Sticky::Header(name) => headers.get(name)?.to_str().ok()?,
                Sticky::Cookie(name) => cookie(headers, name)?,
            };
            Some((sticky.clone(), xxh3_64(value.as_bytes())))
        });
        Some(keys.collect())
    }

    /// The service of this id, also one that has no trigger.
    pub fn get(&self, id: &str) -> Option<Arc<ServiceEntry>> {
        self.current.load().by_id.get(id).cloned()
    }
}

impl ServiceEntry {
    /// The component's id in the manifest.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// Longest pause between two reads or writes of a body.
    pub fn body_idle_timeout_ms(&self) -> u64 {
        self.body_idle_timeout_ms
    }

    /// The moment at which an answer must have begun, for a call that begins now.
    pub fn deadline(&self) -> Instant {
        // A timeout beyond the clock's range is as good as one of many years.
        let now = Instant::now();
        now.checked_add(Duration::from_millis(self.timeout_ms))
            .unwrap_or(now + FAR)
    }

    /// Whether others than the host itself may call it.
    pub fn has_trigger(&self) -> bool {
        self.has_trigger
    }

    /// Runs the handler once for somebody, who does not reach the paths that are kept for the host.
    pub async fn call(
        &self,
        request: Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Result<Response<WasiBody>, Refusal> {
        if self.kept_paths.are_meant_by(&request) {
            return Err(Refusal::NoRoute);
        }
        self.deliver(request, invocation).await
    }

    /// Runs the handler once for the host itself, which reaches every path.
    pub async fn deliver(
        &self,
        request: Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Result<Response<WasiBody>, Refusal> {
        let result = self.handler.clone().handle(request, invocation).await;
        match result {
            // A 1xx cannot end a request, and hyper would drop the connection over it.
            Ok(response) if response.status().is_informational() => {
                let text = format!("the answer has status {}", response.status());
                Err(self.failed(InvocationError::GuestError(text)))
            }
            Ok(response) => Ok(response),
            Err(error) => Err(self.failed(error)),
        }
    }

    fn failed(&self, error: InvocationError) -> Refusal {
        Refusal::Invocation {
            service: self.id.to_string(),
            error,
        }
    }
}

/// The value of a cookie.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers.get_all(COOKIE).iter();
    let mut pairs = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(of, _)| *of == name).map(|(_, value)| value)
}

/// Ten years.
const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 3600);
