//! One service of the app, whatever its revision, and the life of one invocation of it: given a
//! revision, admitted, given an instance, run, counted.
//!
//! Left to others: which revision a call takes ([`super::live`]), who may run
//! ([`super::admission`]), where instances come from ([`super::instances`]), what runs in them
//! ([`super::instance`]).

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::oneshot;
use wasmtime::component::Val;
use wasmtime_wasi_http::WasiBody;

use super::admission::{Admission, AdmissionLimits, Place, Refused};
use super::answer::{AnswerLimits, Head, Run, RunsOn};
use super::atomic::{AtomicHandlers, AtomicInvocation};
use super::failure::InvocationError;
use super::links::LinkedCall;
use super::live::Live;
use super::meter::{Meter, Metered};
use super::revision::{Revision, Taken};
use super::standstill::Standstill;
use super::time_limit::within;
use crate::capabilities::invocation::{DEPTH_MAX, Invocation};
use crate::telemetry::metrics::{EdgeMetrics, Outcome, ServiceMetrics};

/// Who may call a service, apart from requests.
#[derive(Clone, Debug, Default)]
pub struct Callers {
    /// Whether any service links it, or may send it chained requests.
    pub any: bool,
    /// The services whose calls could lead back to themselves.
    pub in_circle: Vec<Arc<str>>,
}

/// Calls that are counted apart, by the other service.
type Edges = Mutex<BTreeMap<Arc<str>, Arc<EdgeMetrics>>>;

/// A service: what stays while its revisions come and go.
pub struct Service {
    id: Arc<str>,
    /// Unlike that of any other service of this process.
    number: u64,
    live: ArcSwap<Live>,
    admission: Arc<Admission>,
    callers: ArcSwap<Callers>,
    metrics: Arc<ServiceMetrics>,
    /// Requests from outside.
    outside: Arc<EdgeMetrics>,
    /// By calling service.
    chained: Edges,
    /// Linked calls, by calling service.
    linked: Edges,
}

impl Service {
    /// A service that answers nothing until it is given a revision.
    pub fn new(id: Arc<str>, metrics: Arc<ServiceMetrics>, standstill: Arc<Standstill>) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        Self {
            admission: Arc::new(Admission::new(
                id.clone(),
                AdmissionLimits::default(),
                standstill,
            )),
            number: NUMBER.fetch_add(1, Ordering::Relaxed),
            live: ArcSwap::default(),
            callers: ArcSwap::default(),
            outside: Arc::new(EdgeMetrics::new(metrics.clone())),
            chained: Edges::default(),
            linked: Edges::default(),
            metrics,
            id,
        }
    }

    /// The component's id in the manifest.
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The revisions in memory.
    pub fn live(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// The revision whose settings are the service's.
    pub fn main(&self) -> Option<Arc<Revision>> {
        self.live.load().main().cloned()
    }

    /// From now on request trees take what `live` gives them at their first call.
    pub fn set_live(&self, live: Live) {
        self.live.store(Arc::new(live));
        self.limit();
    }

    /// Who may call the service from now on.
    pub fn set_callers(&self, callers: Callers) {
        self.callers.store(Arc::new(callers));
        self.limit();
    }

    fn limit(&self) {
        let live = self.live.load();
        let Some(main) = live.main() else {
            return;
        };
        let settings = main.settings();
        let places = settings.instances_max;
        self.admission.set_limits(AdmissionLimits {
            places,
            // Without anybody to link it, no instance needs to be kept back.
            reserved_for_links: match settings.instances_reserved_for_links {
                Some(reserved) => reserved,
                None if self.callers.load().any => places / 4,
                None => 0,
            },
            queue: settings.queue_max,
        });
    }

    /// The revision that a request tree has taken, or takes now.
    fn revision(&self, invocation: &Invocation) -> Result<Arc<Taken>, InvocationError> {
        let choose = || {
            let live = self.live.load();
            let hash = || {
                let rule = live.main()?.settings().canary.as_ref()?;
                invocation.tree.key(rule.sticky.as_ref()?)
            };
            live.choose(hash).map(|revision| Arc::new(revision.take()))
        };
        let taken = invocation.tree.take(self.number, choose);
        taken.ok_or_else(|| InvocationError::Instantiation("the service is gone".to_owned()))
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
        of_all(&self.chained)
    }

    /// Where linked calls are counted, by calling service.
    pub fn linked(&self) -> BTreeMap<Arc<str>, Arc<EdgeMetrics>> {
        of_all(&self.linked)
    }

    /// Where the linked calls of this service are counted.
    pub fn linked_by(&self, caller: &Arc<str>) -> Arc<EdgeMetrics> {
        self.of(&self.linked, caller)
    }

    fn of(&self, edges: &Edges, caller: &Arc<str>) -> Arc<EdgeMetrics> {
        let mut edges = edges.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || Arc::new(EdgeMetrics::new(self.metrics.clone()));
        edges.entry(caller.clone()).or_insert_with(made).clone()
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
        let (revision, place) = match self.prepare(&invocation).await {
            Ok(prepared) => prepared,
            Err(error) => {
                self.record(&edge, error.outcome(), began, &invocation, "handle");
                return Err(error);
            }
        };
        let atomic = revision.atomic.clone();
        let atomic = atomic.filter(|handlers| handlers.covers(request.uri().path()));
        RunsOn::new(async move {
            let head = match atomic {
                None => {
                    let run = run(revision.clone(), request, invocation.clone(), place);
                    run.answer().await
                }
                // Boxed, so that the others' future stays small.
                Some(atomic) => {
                    let run = self.run_atomically(&revision, &atomic, request, &invocation, place);
                    Box::pin(run).await
                }
            };
            let outcome = outcome_of(&head);
            let failed = match &head {
                Ok(response) => response.status().is_server_error(),
                Err(_) => outcome.verdict() == Some(false),
            };
            count(&revision, failed, began);
            self.record(&edge, outcome, began, &invocation, "handle");
            head
        })
        .await
    }

    /// What a request needs before its guest can run.
    async fn prepare(
        &self,
        invocation: &Arc<Invocation>,
    ) -> Result<(Arc<Revision>, Place), InvocationError> {
        let taken = self.revision(invocation)?;
        let caller = invocation.caller.as_ref();
        let in_circle =
            caller.is_some_and(|caller| self.callers.load().in_circle.contains(&caller.service));
        let place = self.admit(&taken, invocation, in_circle).await?;
        // The tree holds what was taken for as long as its invocation lives.
        Ok((taken.revision().clone(), place))
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
        let taken = self.revision(caller)?;
        let revision = taken.revision();
        let timeout_ms = revision.settings().timeout_ms;
        let timeout = Duration::from_millis(timeout_ms);
        let invocation = caller.calls(self.id.clone(), began + timeout);
        let meter = revision.instances.meter(invocation.deadline.clone());
        let mut counted = Counted {
            service: self,
            revision,
            edge: call.edge(),
            invocation: &invocation,
            function: call.name(),
            began,
            outcome: Outcome::DeadlineExceeded,
        };
        let answer = {
            let run = pin!(self.run_linked(&taken, &call, &invocation, &meter, results));
            let metered = Metered::called(run, meter.clone(), caller_meter);
            within(invocation.deadline.instant(), metered).await
        };
        let answer = answer.unwrap_or(Err(InvocationError::DeadlineExceeded(timeout_ms)));
        counted.outcome = outcome_of(&answer);
        drop(counted);
        if let Err(error) = &answer {
            self.log_failure(error, &invocation, call.name());
        }
        answer
    }

    /// All runs of an atomic handler, in one place.
    async fn run_atomically(
        &self,
        revision: &Revision,
        handlers: &AtomicHandlers,
        request: http::Request<WasiBody>,
        invocation: &Arc<Invocation>,
        _place: Place,
    ) -> Head {
        let run = AtomicInvocation {
            handlers,
            instances: &revision.instances,
            metrics: &self.metrics,
            invocation,
        };
        run.answer(request).await
    }

    async fn run_linked(
        self: &Arc<Self>,
        taken: &Taken,
        call: &LinkedCall<'_>,
        invocation: &Arc<Invocation>,
        meter: &Arc<Meter>,
        results: &mut [Val],
    ) -> Result<(), InvocationError> {
        if invocation.depth > DEPTH_MAX {
            return Err(InvocationError::TooDeep(DEPTH_MAX));
        }
        call.check_params()?;
        let _place = self.admit(taken, invocation, call.in_circle()).await?;
        let deadline = invocation.deadline.instant();
        let instances = &taken.revision().instances;
        let mut instance = instances.take(meter, false, deadline).await?;
        let number = call.number(instance.code())?;
        instance.begin(invocation, meter.clone());
        instance
            .call(number, call.params, results)
            .await
            .map_err(|error| instances.explain(&error))?;
        instances.give_back(instance);
        call.check_results(results)
    }

    async fn admit(
        &self,
        taken: &Taken,
        invocation: &Arc<Invocation>,
        in_circle: bool,
    ) -> Result<Place, InvocationError> {
        let instances_max = taken.revision().settings().instances_max;
        let admitted = self.admission.admit(invocation, in_circle, &self.metrics);
        admitted.await.map_err(|refused| match refused {
            Refused::Saturated => InvocationError::Saturated(instances_max),
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
        match &invocation.caller {
            None => self.outside.clone(),
            Some(caller) => self.of(&self.chained, &caller.service),
        }
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

/// Counts a call of a revision, for the judgement of canaries, and notes that it was used.
fn count(revision: &Revision, failed: bool, began: Instant) {
    let now = Instant::now();
    let nanoseconds = u64::try_from(now.duration_since(began).as_nanos()).unwrap_or(u64::MAX);
    revision.calls.latency.record_ns(nanoseconds);
    revision.instances.set_used(now);
    if failed {
        revision.calls.failed.increment();
    }
}

/// One run of a request's handler, whose body streams on.
fn run(
    revision: Arc<Revision>,
    request: http::Request<WasiBody>,
    invocation: Arc<Invocation>,
    place: Place,
) -> Run {
    let settings = revision.settings();
    let limits = AnswerLimits {
        deadline: invocation.deadline.instant(),
        timeout_ms: settings.timeout_ms,
        body_idle: Duration::from_millis(settings.body_idle_timeout_ms),
    };
    let meter = revision.instances.meter(invocation.deadline.clone());
    let cut = revision.cut().clone();
    let (head_sender, head) = oneshot::channel();
    let guest = guest(
        revision,
        request,
        invocation,
        meter.clone(),
        head_sender,
        place,
    );
    Run::new(Box::pin(guest), head, meter, limits, cut)
}

/// One guest from its instance to its end.
async fn guest(
    revision: Arc<Revision>,
    request: http::Request<WasiBody>,
    invocation: Arc<Invocation>,
    meter: Arc<Meter>,
    head: oneshot::Sender<Head>,
    _place: Place,
) -> Result<(), InvocationError> {
    let instances = &revision.instances;
    let may_wait = invocation.caller.is_none();
    let deadline = invocation.deadline.instant();
    let mut instance = instances.take(&meter, may_wait, deadline).await?;
    instance.begin(&invocation, meter.clone());
    match instance.handle(request, head).await {
        Ok(true) => {
            instances.give_back(instance);
            Ok(())
        }
        Ok(false) => Err(InvocationError::Instantiation(
            "it exports no HTTP handler".to_owned(),
        )),
        Err(error) => {
            // Said before the store goes: its end closes a streaming body as if it were
            // complete.
            meter.fail();
            Err(instances.explain(&error))
        }
    }
}

/// A linked call that is counted when it ends, also when its caller's time is up first and it is
/// dropped.
struct Counted<'a> {
    service: &'a Service,
    revision: &'a Revision,
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
            revision,
            edge,
            invocation,
            function,
            began,
            outcome,
        } = self;
        count(revision, outcome.verdict() == Some(false), *began);
        if let Some(edge) = edge {
            service.record(edge, *outcome, *began, invocation, function);
        }
    }
}

fn of_all(edges: &Edges) -> BTreeMap<Arc<str>, Arc<EdgeMetrics>> {
    let edges = edges.lock().unwrap_or_else(PoisonError::into_inner);
    edges.clone()
}

fn outcome_of<T>(answer: &Result<T, InvocationError>) -> Outcome {
    match answer {
        Ok(_) => Outcome::Answered,
        Err(error) => error.outcome(),
    }
}
