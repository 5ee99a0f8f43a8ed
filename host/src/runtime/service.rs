//! One service of the app, and the life of one invocation of it: admitted, given an instance, run,
//! counted.
//!
//! Left to others: who may run ([`super::admission`]), where instances come from
//! ([`super::instances`]), what runs in them ([`super::instance`]).

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use wasmtime::component::Val;
use wasmtime_wasi_http::WasiBody;

use super::admission::{Admission, AdmissionLimits, Place, Refused};
use super::answer::{AnswerLimits, Head, Run, RunsOn};
use super::atomic::{AtomicHandlers, AtomicInvocation};
use super::failure::InvocationError;
use super::instances::Instances;
use super::links::LinkedCall;
use super::meter::{Meter, Metered};
use super::standstill::Standstill;
use super::time_limit::within;
use crate::capabilities::invocation::{DEPTH_MAX, Invocation};
use crate::manifest::model::ServiceSettings;
use crate::telemetry::metrics::{EdgeMetrics, Outcome, ServiceMetrics};

/// Who may call a service, apart from requests.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    /// Whether any service links it, or may send it chained requests.
    pub any: bool,
    /// The services whose calls could lead back to themselves.
    pub in_circle: Vec<Arc<str>>,
}

/// A service that is ready to be called.
pub struct Service {
    id: Arc<str>,
    instances: Arc<Instances>,
    admission: Arc<Admission>,
    callers: Callers,
    /// None for most services.
    atomic: Option<Arc<AtomicHandlers>>,
    metrics: Arc<ServiceMetrics>,
    /// Requests from outside.
    outside: Arc<EdgeMetrics>,
    /// By calling service.
    chained: Mutex<BTreeMap<Arc<str>, Arc<EdgeMetrics>>>,
}

impl Service {
    pub fn new(
        id: Arc<str>,
        instances: Instances,
        metrics: Arc<ServiceMetrics>,
        callers: Callers,
        standstill: Arc<Standstill>,
    ) -> Self {
        let settings = instances.settings();
        let places = settings.instances_max;
        let limits = AdmissionLimits {
            places,
            // Without anybody to link it, no instance needs to be kept back.
            reserved_for_links: match settings.instances_reserved_for_links {
                Some(reserved) => reserved,
                None if callers.any => places / 4,
                None => 0,
            },
            queue: settings.queue_max,
        };
        Self {
            admission: Arc::new(Admission::new(id.clone(), limits, standstill)),
            instances: Arc::new(instances),
            callers,
            atomic: None,
            outside: Arc::new(EdgeMetrics::new(metrics.clone())),
            chained: Mutex::default(),
            metrics,
            id,
        }
    }

    /// The service with handlers that are atomic.
    pub fn with_atomic(mut self, handlers: AtomicHandlers) -> Self {
        self.atomic = Some(Arc::new(handlers));
        self
    }

    /// The component's id in the manifest.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The service's limits.
    pub fn settings(&self) -> &ServiceSettings {
        self.instances.settings()
    }

    /// The service's instances.
    pub fn instances(&self) -> &Arc<Instances> {
        &self.instances
    }

    /// Calls that run, and calls that wait.
    pub fn load(&self) -> (usize, usize) {
        self.admission.load()
    }

    /// What is counted of the service.
    pub fn metrics(&self) -> &Arc<ServiceMetrics> {
        &self.metrics
    }

    /// Where requests from outside are counted.
    pub fn outside(&self) -> &Arc<EdgeMetrics> {
        &self.outside
    }

    /// Where chained requests are counted, by calling service.
    pub fn chained(&self) -> BTreeMap<Arc<str>, Arc<EdgeMetrics>> {
        self.chained
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Runs the service's HTTP handler once and returns the head of its answer; the body streams
    /// on. When the returned future is dropped before it is ready (the client left), a handler
    /// that has begun still runs to its end.
    pub async fn handle(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Head {
        let began = Instant::now();
        let edge = self.edge(&invocation);
        let caller = invocation.caller.as_ref();
        let in_circle =
            caller.is_some_and(|caller| self.callers.in_circle.contains(&caller.service));
        let place = match self.admit(&invocation, in_circle).await {
            Ok(place) => place,
            Err(error) => {
                self.record(&edge, error.outcome(), began, &invocation, "handle");
                return Err(error);
            }
        };
        let atomic = self.atomic.clone();
        let atomic = atomic.filter(|handlers| handlers.covers(request.uri().path()));
        RunsOn::new(async move {
            let head = match atomic {
                None => {
                    let run = self.clone().run(request, invocation.clone(), place);
                    run.answer().await
                }
                // Boxed, so that the others' future stays small.
                Some(atomic) => {
                    let run = self.run_atomically(&atomic, request, &invocation, place);
                    Box::pin(run).await
                }
            };
            let outcome = outcome_of(&head);
            self.record(&edge, outcome, began, &invocation, "handle");
            head
        })
        .await
    }

    /// Calls a linked function of the service once, from inside the guest of `caller`.
    pub async fn call(
        self: &Arc<Self>,
        call: LinkedCall<'_>,
        caller: &Arc<Invocation>,
        caller_meter: Arc<Meter>,
        results: &mut [Val],
    ) -> Result<(), InvocationError> {
        let began = Instant::now();
        let timeout = Duration::from_millis(self.settings().timeout_ms);
        let invocation = caller.calls(self.id.clone(), began + timeout);
        let meter = self.instances.meter(invocation.deadline.clone());
        let mut counted = Counted {
            service: self,
            edge: call.edge(),
            invocation: &invocation,
            function: call.name(),
            began,
            outcome: Outcome::DeadlineExceeded,
        };
        let answer = {
            let run = pin!(self.run_linked(&call, &invocation, &meter, results));
            let metered = Metered::called(run, meter.clone(), caller_meter);
            within(invocation.deadline.instant(), metered).await
        };
        let answer = answer.unwrap_or(Err(InvocationError::DeadlineExceeded(
            self.settings().timeout_ms,
        )));
        counted.outcome = outcome_of(&answer);
        drop(counted);
        if let Err(error) = &answer {
            self.log_failure(error, &invocation, call.name());
        }
        answer
    }

    fn run(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        invocation: Arc<Invocation>,
        place: Place,
    ) -> Run {
        let settings = self.settings();
        let limits = AnswerLimits {
            deadline: invocation.deadline.instant(),
            timeout_ms: settings.timeout_ms,
            body_idle: Duration::from_millis(settings.body_idle_timeout_ms),
        };
        let meter = self.instances.meter(invocation.deadline.clone());
        let (head_sender, head) = oneshot::channel();
        let guest = self.guest(request, invocation, meter.clone(), head_sender, place);
        Run::new(Box::pin(guest), head, meter, limits)
    }

    /// All runs of an atomic handler, in one place.
    async fn run_atomically(
        &self,
        handlers: &AtomicHandlers,
        request: http::Request<WasiBody>,
        invocation: &Arc<Invocation>,
        _place: Place,
    ) -> Head {
        let run = AtomicInvocation {
            handlers,
            instances: &self.instances,
            metrics: &self.metrics,
            invocation,
        };
        run.answer(request).await
    }

    /// One guest from its instance to its end.
    async fn guest(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        invocation: Arc<Invocation>,
        meter: Arc<Meter>,
        head: oneshot::Sender<Head>,
        _place: Place,
    ) -> Result<(), InvocationError> {
        let may_wait = invocation.caller.is_none();
        let deadline = invocation.deadline.instant();
        let mut instance = self.instances.take(&meter, may_wait, deadline).await?;
        instance.begin(&invocation, meter.clone());
        match instance.handle(request, head).await {
            Ok(true) => {
                self.instances.give_back(instance);
                Ok(())
            }
            Ok(false) => Err(InvocationError::Instantiation(
                "it exports no HTTP handler".to_owned(),
            )),
            Err(error) => {
                // Said before the store goes: its end closes a streaming body as if it were
                // complete.
                meter.fail();
                Err(self.instances.explain(&error))
            }
        }
    }

    async fn run_linked(
        self: &Arc<Self>,
        call: &LinkedCall<'_>,
        invocation: &Arc<Invocation>,
        meter: &Arc<Meter>,
        results: &mut [Val],
    ) -> Result<(), InvocationError> {
        if invocation.depth > DEPTH_MAX {
            return Err(InvocationError::TooDeep(DEPTH_MAX));
        }
        call.check_params()?;
        let _place = self.admit(invocation, call.in_circle()).await?;
        let deadline = invocation.deadline.instant();
        let mut instance = self.instances.take(meter, false, deadline).await?;
        let number = call.number(instance.code())?;
        instance.begin(invocation, meter.clone());
        instance
            .call(number, call.params, results)
            .await
            .map_err(|error| self.instances.explain(&error))?;
        self.instances.give_back(instance);
        call.check_results(results)
    }

    async fn admit(
        &self,
        invocation: &Arc<Invocation>,
        in_circle: bool,
    ) -> Result<Place, InvocationError> {
        let admitted = self.admission.admit(invocation, in_circle, &self.metrics);
        admitted.await.map_err(|refused| match refused {
            Refused::Saturated => InvocationError::Saturated(self.settings().instances_max),
            Refused::Cycle(text) => InvocationError::Cycle(text),
        })
    }

    /// What the author of the callee must know of a linked call that failed; its caller's answer
    /// says none of it.
    fn log_failure(&self, error: &InvocationError, invocation: &Invocation, function: &str) {
        let (service, request_id) = (&*self.id, &*invocation.request_id);
        let path = invocation.path();
        if error.is_fault() {
            tracing::error!(service, function, path, request_id, %error, "the linked call failed");
        } else {
            tracing::warn!(service, function, path, request_id, %error, "not called");
        }
    }

    fn edge(&self, invocation: &Invocation) -> Arc<EdgeMetrics> {
        let Some(caller) = &invocation.caller else {
            return self.outside.clone();
        };
        let mut chained = self.chained.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(EdgeMetrics::new(self.metrics.clone()));
        chained
            .entry(caller.service.clone())
            .or_insert_with(made)
            .clone()
    }

    /// Counts an invocation, and writes its line into the log.
    fn record(
        &self,
        edge: &EdgeMetrics,
        outcome: Outcome,
        began: Instant,
        invocation: &Invocation,
        function: &str,
    ) {
        let took = began.elapsed();
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        edge.record(outcome, nanoseconds);
        tracing::debug!(
            target: "kumiki::invocation",
            service = &*self.id,
            caller = invocation.caller.as_ref().map(|caller| &*caller.service),
            function,
            outcome = outcome.name(),
            duration_us = nanoseconds / 1000,
            request_id = &*invocation.request_id,
            traceparent = %invocation.trace,
            "invocation"
        );
    }
}

/// A linked call that is counted when it ends, also when its caller's time is up first and it is
/// dropped.
struct Counted<'a> {
    service: &'a Service,
    edge: Option<&'a Arc<EdgeMetrics>>,
    invocation: &'a Invocation,
    function: &'a str,
    began: Instant,
    outcome: Outcome,
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let Self {
            service,
            edge,
            invocation,
            function,
            began,
            outcome,
        } = self;
        if let Some(edge) = edge {
            service.record(edge, *outcome, *began, invocation, function);
        }
    }
}

fn outcome_of<T>(answer: &Result<T, InvocationError>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Answered,
        Err(error) => error.outcome(),
    }
}
