//! Service chaining: a guest's request to `http://ID.spin.internal/…` runs the service `ID` in
//! process.
//!
//! As in Spin, the callee's path-info is the whole path, its client address is `0.0.0.0:0`, and
//! private routes can be called. Which hosts a guest may call is decided before, by the outbound
//! HTTP capability.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use http::{Request, Uri};
use wasmtime_wasi_http::WasiBody;

use super::body;
use super::request_head;
use super::routes::Route;
use super::services::{ServiceEntry, ServiceTable};
use crate::capabilities::invocation::{Chain, ChainError, ChainResult, DEPTH_MAX, Invocation};

/// The address of a client that is not on the network.
const CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);

/// Calls between the services of one table.
pub struct Chaining {
    services: Arc<ServiceTable>,
    route: Route,
}

/// A call that can be made: the callee, the request as it sees it, and its invocation.
type Prepared = (Arc<ServiceEntry>, Request<WasiBody>, Arc<Invocation>);

impl Chaining {
    /// Chaining over the services that the table holds at each call.
    pub fn new(services: Arc<ServiceTable>) -> Self {
        Self {
            services,
            route: Route::chained(),
        }
    }

    fn prepare(
        &self,
        id: &str,
        request: Request<WasiBody>,
        caller: &Arc<Invocation>,
    ) -> Result<Prepared, ChainError> {
        if caller.depth >= DEPTH_MAX {
            return Err(ChainError::TooDeep(DEPTH_MAX));
        }
        let service = self
            .services
            .get(id)
            .filter(|service| service.has_trigger())
            .ok_or_else(|| ChainError::NoSuchService(id.into()))?;
        let invocation = caller.calls(service.id().clone(), service.deadline());
        let (mut head, body) = request.into_parts();
        let uri: Uri = head.uri.clone();
        request_head::describe(&mut head, &self.route.match_whole(uri.path()), CLIENT);
        let body = body::paced(body, service.body_idle_timeout_ms());
        Ok((service, Request::from_parts(head, body), invocation))
    }
}

/// Tells the guest of a request of the host's own where it was reached, as of a chained one.
pub fn describe(request: Request<WasiBody>) -> Request<WasiBody> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    request_head::describe(&mut head, &Route::chained().match_whole(&path), CLIENT);
    Request::from_parts(head, body)
}

impl Chain for Chaining {
    fn call(
        &self,
        id: &str,
        request: Request<WasiBody>,
        caller: &Arc<Invocation>,
    ) -> Pin<Box<dyn Future<Output = ChainResult> + Send>> {
        let version = request.version();
        let prepared = self.prepare(id, request, caller);
        Box::pin(async move {
            let (service, request, invocation) = prepared?;
            let request_id = invocation.request_id.clone();
            Ok(match service.call(request, invocation).await {
                Ok(response) => {
                    response.map(|body| body::paced(body, service.body_idle_timeout_ms()))
                }
                Err(refusal) => {
                    refusal.log(&request_id);
                    refusal.answer(&request_id, version)
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::time::{Duration, Instant};

    use http::{Request, Response, StatusCode};
    use wasmtime_wasi_http::WasiBody;

    use super::Chaining;
    use crate::capabilities::invocation::{Chain, ChainError, DEPTH_MAX, Invocation};
    use crate::gateway::body;
    use crate::gateway::services::{Handler, ServiceTable, Services};
    use crate::manifest::model::ServiceSettings;
    use crate::manifest::model::events::{From, Retry, Subscription};
    use crate::runtime::failure::InvocationError;

    /// Keeps the head and the invocation that it was called with; fails when asked for `/fail`.
    #[derive(Default)]
    struct Recorder(Mutex<Option<(http::request::Parts, Arc<Invocation>)>>);

    impl Handler for Recorder {
        fn handle(
            self: Arc<Self>,
            request: Request<WasiBody>,
            invocation: Arc<Invocation>,
        ) -> Pin<Box<dyn Future<Output = Result<Response<WasiBody>, InvocationError>> + Send>>
        {
            let fails = request.uri().path() == "/fail";
            *self.0.lock().unwrap() = Some((request.into_parts().0, invocation));
            Box::pin(async move {
                match fails {
                    true => Err(InvocationError::Trap("internal text".to_owned())),
                    false => Ok(Response::new(body::full("hello"))),
                }
            })
        }
    }

    fn chaining(timeout_ms: u64) -> (Chaining, Arc<Recorder>) {
        let recorder = Arc::new(Recorder::default());
        let mut services = Services::default();
        let settings = ServiceSettings {
            timeout_ms,
            ..ServiceSettings::default()
        };
        services.insert("catalog", recorder.clone(), &settings);
        let table = Arc::new(ServiceTable::default());
        table.publish(services);
        (Chaining::new(table), recorder)
    }

    fn caller(depth: u32, deadline: Instant) -> Arc<Invocation> {
        let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let root = Invocation::root("ab".into(), trace.parse().unwrap(), "s0".into(), deadline);
        (1..=depth).fold(root, |caller, depth| {
            caller.calls(format!("s{depth}").into(), deadline)
        })
    }

    fn request(uri: &str) -> Request<WasiBody> {
        let builder = Request::get(uri).header("spin-client-addr", "6.6.6.6:6");
        builder.body(body::empty()).unwrap()
    }

    #[tokio::test]
    async fn the_callee_sees_a_chained_request_in_the_callers_tree() {
        let (chaining, recorder) = chaining(60_000);
        let deadline = Instant::now() + Duration::from_secs(5);
        let request = request("http://catalog.spin.internal/products/1?x=y");
        let response = chaining
            .call("catalog", request, &caller(3, deadline))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let (head, invocation) = recorder.0.lock().unwrap().take().unwrap();
        assert_eq!(head.headers["spin-path-info"], "/products/1");
        assert_eq!(head.headers["spin-client-addr"], "0.0.0.0:0");
        assert_eq!(head.headers["spin-component-route"], "");
        assert_eq!(head.headers["spin-matched-route"], "/...");
        let full_url = "http://catalog.spin.internal/products/1?x=y";
        assert_eq!(head.headers["spin-full-url"], full_url);
        assert_eq!((&*invocation.request_id, invocation.depth), ("ab", 4));
        assert_eq!(invocation.deadline.instant(), deadline);
        let trace = invocation.trace.to_string();
        assert!(trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
        assert!(!trace.contains("b7ad6b7169203331"));
    }

    #[tokio::test]
    async fn the_callee_has_no_more_than_its_own_time() {
        let (chaining, recorder) = chaining(10);
        let now = Instant::now();
        let far = caller(0, now + Duration::from_secs(600));
        let answering = caller(0, now + Duration::from_millis(1));
        answering.deadline.meet();
        for caller in [far, answering] {
            let request = request("http://catalog.spin.internal/");
            chaining.call("catalog", request, &caller).await.unwrap();
            let (_, invocation) = recorder.0.lock().unwrap().take().unwrap();
            assert!(invocation.deadline.instant() >= now + Duration::from_millis(10));
            assert!(invocation.deadline.instant() < now + Duration::from_secs(600));
        }
    }

    #[tokio::test]
    async fn a_failed_callee_answers_as_over_a_socket() {
        let (chaining, _) = chaining(1000);
        let request = request("http://catalog.spin.internal/fail");
        let caller = caller(0, Instant::now() + Duration::from_secs(5));
        let response = chaining.call("catalog", request, &caller).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(response.headers()["x-request-id"], "ab");
    }

    #[tokio::test]
    async fn what_is_the_hosts_alone_is_not_called() {
        let recorder = Arc::new(Recorder::default());
        let subscription = Subscription {
            topic: "#".to_owned(),
            path: "/events/a".to_owned(),
            concurrency: 1,
            retry: Retry::default(),
            from: From::Now,
        };
        let settings = ServiceSettings {
            subscriptions: vec![subscription],
            ..ServiceSettings::default()
        };
        let mut services = Services::default();
        services.insert("catalog", recorder.clone(), &settings);
        services.insert_unreached("worker", recorder.clone(), &settings);
        let table = Arc::new(ServiceTable::default());
        table.publish(services);
        let chaining = Chaining::new(table.clone());
        let caller = caller(0, Instant::now() + Duration::from_secs(5));

        let kept = request("http://catalog.spin.internal/%65vents/a");
        let response = chaining.call("catalog", kept, &caller).await.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(recorder.0.lock().unwrap().is_none());
        let other = request("http://catalog.spin.internal/events/b");
        let response = chaining.call("catalog", other, &caller).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);

        let worker = request("http://worker.spin.internal/");
        let refused = chaining.call("worker", worker, &caller).await.err();
        assert_eq!(
            refused,
            Some(ChainError::NoSuchService("worker".to_owned()))
        );
        let kept = request("http://worker.spin.internal/events/a");
        let delivered = table.get("worker").unwrap().deliver(kept, caller).await;
        assert_eq!(delivered.unwrap().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn unknown_services_and_deep_chains_are_errors() {
        let (chaining, _) = chaining(1000);
        let deadline = Instant::now() + Duration::from_secs(5);
        let call = |id: &str, depth| {
            chaining.call(
                id,
                request("http://x.spin.internal/"),
                &caller(depth, deadline),
            )
        };
        let unknown = call("nobody", 0).await.err();
        assert_eq!(
            unknown,
            Some(ChainError::NoSuchService("nobody".to_owned()))
        );
        assert!(call("catalog", DEPTH_MAX - 1).await.is_ok());
        let deep = call("catalog", DEPTH_MAX).await.err();
        assert_eq!(deep, Some(ChainError::TooDeep(DEPTH_MAX)));
    }
}
