//! The HTTP handler that a component exports, and one call of it in an instance. Instances are left
//! to [`super::instance`].

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{Instance, InstancePre};
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, Scheme};
use wasmtime_wasi_http::p2::bindings::{Proxy, ProxyIndices};
use wasmtime_wasi_http::p3::bindings::{Service, ServiceIndices};
use wasmtime_wasi_http::{Error as HttpError, WasiBody, WasiHttpView, p3};

use super::answer::Head;
use super::failure::InvocationError;
use super::state::InstanceState;

/// Where a component's HTTP handler lies among its exports.
pub enum Handler {
    /// `wasi:http/incoming-handler@0.2.x`
    V02(ProxyIndices),
    /// `wasi:http/handler@0.3.0`
    V03(ServiceIndices),
}

/// The handler of one instance.
pub enum BoundHandler {
    V02(Proxy),
    V03(Arc<Service>),
}

impl Handler {
    /// Finds the handler; `None` for a component that exports none.
    pub fn find(pre: &InstancePre<InstanceState>) -> Option<Self> {
        if let Ok(indices) = ProxyIndices::new(pre) {
            return Some(Self::V02(indices));
        }
        ServiceIndices::new(pre).ok().map(Self::V03)
    }

    /// The handler of an instance in `store`.
    pub fn bind(
        &self,
        store: &mut Store<InstanceState>,
        instance: &Instance,
    ) -> wasmtime::Result<BoundHandler> {
        Ok(match self {
            Self::V02(indices) => BoundHandler::V02(indices.load(store, instance)?),
            Self::V03(indices) => BoundHandler::V03(Arc::new(indices.load(store, instance)?)),
        })
    }
}

impl BoundHandler {
    /// Runs the handler to its end; the head goes out as soon as it is set.
    pub async fn run(
        &self,
        store: &mut Store<InstanceState>,
        request: http::Request<WasiBody>,
        head: oneshot::Sender<Head>,
    ) -> wasmtime::Result<()> {
        match self {
            Self::V02(proxy) => run_v02(proxy, store, request, head).await,
            Self::V03(service) => run_v03(service.clone(), store, request, head).await,
        }
    }
}

async fn run_v02(
    proxy: &Proxy,
    store: &mut Store<InstanceState>,
    request: http::Request<WasiBody>,
    head: oneshot::Sender<Head>,
) -> wasmtime::Result<()> {
    let scheme = match request.uri().scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    let mut http = store.data_mut().http();
    let request = http.new_incoming_request(scheme, request)?;
    // The callback must be `Sync`, which a sender of a body is not.
    let head = Mutex::new(Some(head));
    let answer = http.new_response_outparam_from_callback(move |answer| {
        let sender = head.lock().ok().and_then(|mut head| head.take());
        if let Some(sender) = sender {
            let _ = sender.send(answer.map_err(guest_error));
        }
    })?;
    proxy
        .wasi_http_incoming_handler()
        .call_handle(store, request, answer)
        .await
}

/// Ends when the guest has read its request's body, or given it up.
type BodyRead = Pin<Box<dyn Future<Output = Result<(), HttpError>> + Send>>;

async fn run_v03(
    service: Arc<Service>,
    store: &mut Store<InstanceState>,
    request: http::Request<WasiBody>,
    head: oneshot::Sender<Head>,
) -> wasmtime::Result<()> {
    store
        .run_concurrent(async move |accessor| -> wasmtime::Result<()> {
            let (request, body_read) = accessor.with(|mut access| {
                let http = access.data_mut().http();
                let (request, body_read) = p3::Request::from_http(http.hooks, request);
                (request, Box::pin(body_read) as BodyRead)
            });
            let (ended, body_ended) = oneshot::channel();
            let answer = match service.handle(accessor, request).await? {
                Ok(response) => {
                    let response =
                        accessor.with(|mut access| response.into_http(&mut access, body_read))?;
                    Ok(response.map(|body| EndingBody::new(body, ended).boxed_unsync()))
                }
                Err(error) => {
                    drop(ended);
                    Err(InvocationError::GuestError(format!("{error:?}")))
                }
            };
            let _ = head.send(answer);
            // The body and work after the response run in the guest's tasks; what they leave of the
            // body, its trailers last, is read from the store.
            std::future::poll_fn(|context| accessor.poll_no_interesting_tasks(context)).await;
            let _ = body_ended.await;
            Ok(())
        })
        .await?
}

/// A body that tells when it has ended or is no longer read.
struct EndingBody {
    inner: WasiBody,
    ended: Option<oneshot::Sender<()>>,
}

impl EndingBody {
    fn new(inner: WasiBody, ended: oneshot::Sender<()>) -> Self {
        Self {
            inner,
            ended: Some(ended),
        }
    }
}

impl Body for EndingBody {
    type Data = Bytes;
    type Error = HttpError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, HttpError>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        if !matches!(frame, Some(Ok(_)))
            && let Some(ended) = self.ended.take()
        {
            // Nobody waits for it in a run that has failed.
            let _ = ended.send(());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

fn guest_error(error: ErrorCode) -> InvocationError {
    InvocationError::GuestError(format!("{error:?}"))
}
