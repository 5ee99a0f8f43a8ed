//! Places, turns and circles, without a guest.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;

use super::{Admission, AdmissionLimits, Place, Refused};
use crate::capabilities::invocation::Invocation;
use crate::runtime::standstill::Standstill;
use crate::telemetry::metrics::ServiceMetrics;
use crate::telemetry::trace_context::TraceContext;

fn admission(service: &str, limits: AdmissionLimits) -> Arc<Admission> {
    admission_in(service, limits, &Arc::default())
}

fn admission_in(
    service: &str,
    limits: AdmissionLimits,
    standstill: &Arc<Standstill>,
) -> Arc<Admission> {
    Arc::new(Admission::new(service.into(), limits, standstill.clone()))
}

fn limits(places: usize, reserved_for_links: usize, queue: usize) -> AdmissionLimits {
    AdmissionLimits {
        places,
        reserved_for_links,
        queue,
    }
}

fn far() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// An invocation of the last service, called by the ones before it.
fn chain(services: &[&str]) -> Arc<Invocation> {
    let (first, rest) = services.split_first().unwrap();
    let trace = TraceContext::start();
    let root = Invocation::root("r".into(), trace, (*first).into(), far());
    rest.iter().fold(root, |caller, service| {
        caller.calls((*service).into(), far())
    })
}

async fn admit(admission: &Arc<Admission>, services: &[&str]) -> Result<Place, Refused> {
    let metrics = ServiceMetrics::default();
    admission.admit(&chain(services), false, &metrics).await
}

async fn admit_in_circle(admission: &Arc<Admission>, services: &[&str]) -> Result<Place, Refused> {
    let metrics = ServiceMetrics::default();
    admission.admit(&chain(services), true, &metrics).await
}

#[tokio::test]
async fn requests_from_outside_leave_the_reserved_places() {
    let admission = admission("b", limits(3, 1, 0));
    let first = admit(&admission, &["b"]).await;
    let second = admit(&admission, &["b"]).await;
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(
        admit(&admission, &["b"]).await.err(),
        Some(Refused::Saturated)
    );
    let linked = admit(&admission, &["a", "b"]).await;
    assert!(linked.is_ok());
    let none = admit(&admission, &["a", "b"]).await;
    assert_eq!(none.err(), Some(Refused::Saturated));
    assert_eq!(admission.load(), (3, 0));
    drop((first, second, linked));
    assert_eq!(admission.load(), (0, 0));
}

#[tokio::test]
async fn linked_calls_go_first_and_each_caller_waits_behind_itself() {
    let admission = admission("z", limits(1, 0, 100));
    let held = admit(&admission, &["z"]).await.unwrap();
    let order = std::sync::Mutex::new(Vec::new());
    let call = async |name: &'static str, services: &[&str]| {
        let place = admit(&admission, services).await.unwrap();
        order.lock().unwrap().push(name);
        drop(place);
    };
    let flood = (0..5).map(|_| call("flood", &["a", "z"]));
    let waiting = futures::future::join_all([
        call("outside", &["z"]).boxed_local(),
        futures::future::join_all(flood).map(drop).boxed_local(),
        call("other", &["b", "z"]).boxed_local(),
        // The last to be polled: by now all of them wait.
        async { drop(held) }.boxed_local(),
    ]);
    waiting.await;
    let order = order.into_inner().unwrap();
    let other = order.iter().position(|name| *name == "other").unwrap();
    assert!(other <= 1, "{order:?}");
    assert_eq!(order.last(), Some(&"outside"));
}

#[tokio::test]
async fn of_a_full_queue_the_longest_line_gives_way() {
    let admission = admission("z", limits(1, 0, 3));
    let held = admit(&admission, &["z"]).await.unwrap();
    let mut flood: Vec<_> = (0..3)
        .map(|_| Box::pin(admit(&admission, &["a", "z"])))
        .collect();
    for call in &mut flood {
        assert!(call.now_or_never().is_none());
    }
    let mut other = Box::pin(admit(&admission, &["b", "z"]));
    assert!((&mut other).now_or_never().is_none());
    assert_eq!(flood.pop().unwrap().await.err(), Some(Refused::Saturated));
    assert_eq!(admission.load(), (1, 3));
    let more = admit(&admission, &["a", "z"]).await;
    assert_eq!(more.err(), Some(Refused::Saturated));
    // Who leaves makes room.
    drop(flood);
    assert_eq!(admission.load(), (1, 1));
    drop(held);
    assert!(other.await.is_ok());
}

#[tokio::test]
async fn a_deadline_ends_waiting() {
    let admission = admission("z", limits(1, 0, 3));
    let _held = admit(&admission, &["z"]).await;
    let late = Invocation::root(
        "r".into(),
        TraceContext::start(),
        "z".into(),
        Instant::now(),
    );
    let metrics = ServiceMetrics::default();
    let refused = admission.admit(&late, false, &metrics).await;
    assert_eq!(refused.err(), Some(Refused::Saturated));
    assert_eq!(
        (metrics.calls_queued.get(), metrics.queue_refused.get()),
        (1, 1)
    );
    assert_eq!(admission.load(), (1, 0));
}

#[tokio::test]
async fn a_chain_never_waits_for_itself() {
    let admission = admission("a", limits(1, 0, 3));
    let held = admit(&admission, &["a"]).await;
    let refused = admit_in_circle(&admission, &["a", "b", "a"]).await;
    let text = "cycle a → b → a".to_owned();
    assert_eq!(refused.err(), Some(Refused::Cycle(text)));
    drop(held);
    assert!(admit_in_circle(&admission, &["a", "b", "a"]).await.is_ok());
}

/// Three services in a circle, each with all places held by chains that wait for the next: the
/// last to come is refused, and as it ends the others go on.
#[tokio::test]
async fn a_circle_does_not_stand_still() {
    let standstill = Arc::default();
    let [a, b, c] = ["a", "b", "c"].map(|id| admission_in(id, limits(1, 0, 9), &standstill));
    let held_a = admit(&a, &["a"]).await;
    let held_b = admit(&b, &["b"]).await;
    let held_c = admit(&c, &["c"]).await;
    let mut a_to_b = Box::pin(admit_in_circle(&b, &["a", "b"]));
    let mut b_to_c = Box::pin(admit_in_circle(&c, &["b", "c"]));
    assert!((&mut a_to_b).now_or_never().is_none());
    assert!((&mut b_to_c).now_or_never().is_none());
    let refused = admit_in_circle(&a, &["c", "a"]).await;
    assert!(matches!(refused, Err(Refused::Cycle(text)) if text.starts_with("cycle c → a")));
    drop(held_c);
    let c_for_b = b_to_c.await;
    assert!(c_for_b.is_ok());
    drop((c_for_b, held_b));
    assert!(a_to_b.await.is_ok());
    drop(held_a);
    // Nothing is left behind of those who waited.
    let again = admit_in_circle(&a, &["c", "a"]).await;
    assert!(again.is_ok());
}
