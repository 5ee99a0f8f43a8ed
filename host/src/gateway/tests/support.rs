//! A gateway on a port of its own, and clients that send exactly the bytes of a test.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, StreamBody};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use wasmtime_wasi_http::WasiBody;

use crate::capabilities::invocation::Invocation;
use crate::gateway::listener::{self, Drained};
use crate::gateway::services::{Handler, ServiceTable, Services};
use crate::gateway::{Config, Gateway, body};
use crate::manifest::model::{
    ApplicationSettings, HttpExecutor, HttpRoute, HttpTarget, HttpTrigger, ServiceSettings,
    StaticResponse,
};
use crate::runtime::failure::InvocationError;

/// No step of a test takes longer, however slow the machine is; a test that hangs fails here.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Stands in for a guest: what it does depends on the last segment of the path.
#[derive(Default)]
pub struct Script {
    /// Told when `hold` has begun.
    pub holding: Notify,
    /// Lets `hold` end.
    pub release: Notify,
    /// Told when the body of `endless` is dropped.
    pub dropped: Arc<Notify>,
    /// The headers of the last request.
    pub headers: Mutex<HeaderMap>,
    /// How the last request's body ended.
    pub body_end: Mutex<Option<String>>,
}

impl Script {
    async fn play(
        self: Arc<Self>,
        request: Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Result<Response<WasiBody>, InvocationError> {
        let (head, body) = request.into_parts();
        self.headers.lock().unwrap().clone_from(&head.headers);
        match head.uri.path().rsplit('/').next().unwrap() {
            "hold" => {
                self.holding.notify_one();
                self.release.notified().await;
                Ok(Response::new(body::full("held")))
            }
            "echo" => Ok(Response::new(body)),
            "collect" => {
                let end = body.collect().await;
                let text = end
                    .as_ref()
                    .map_or_else(ToString::to_string, |_| "whole".to_owned());
                *self.body_end.lock().unwrap() = Some(text);
                let bytes = end.map_err(|error| InvocationError::Trap(error.to_string()))?;
                Ok(Response::new(body::full(bytes.to_bytes())))
            }
            "silent" => {
                let silence = StreamBody::new(futures::stream::pending());
                Ok(Response::new(silence.boxed_unsync()))
            }
            "endless" => {
                let piece = Bytes::from(vec![b'x'; 64 * 1024]);
                let told = TellDrop(self.dropped.clone());
                let frame = move || {
                    let _held = &told;
                    Ok(http_body::Frame::data(piece.clone()))
                };
                let frames = futures::stream::repeat_with(frame);
                Ok(Response::new(StreamBody::new(frames).boxed_unsync()))
            }
            "continue" => Ok(Response::builder().status(100).body(body::empty()).unwrap()),
            "identity" => {
                let text = format!("{} {}", invocation.request_id, invocation.trace);
                Ok(Response::new(body::full(text)))
            }
            _ => Err(InvocationError::Trap("wasm backtrace: secret".to_owned())),
        }
    }
}

/// Tells when it is dropped.
struct TellDrop(Arc<Notify>);

impl Drop for TellDrop {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

impl Handler for Script {
    fn handle(
        self: Arc<Self>,
        request: Request<WasiBody>,
        invocation: Arc<Invocation>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<WasiBody>, InvocationError>> + Send>> {
        Box::pin(self.play(request, invocation))
    }
}

/// A gateway that serves until the test ends it.
pub struct Host {
    pub address: SocketAddr,
    pub script: Arc<Script>,
    shutdown: Option<oneshot::Sender<()>>,
    serving: JoinHandle<Drained>,
}

/// What differs between tests.
pub struct Setting {
    pub limits: ApplicationSettings,
    pub body_idle_timeout_ms: u64,
    pub drain_timeout: Duration,
    pub tls: Option<TlsAcceptor>,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            limits: ApplicationSettings::default(),
            body_idle_timeout_ms: 30_000,
            drain_timeout: PATIENCE,
            tls: None,
        }
    }
}

impl Host {
    pub async fn start(setting: Setting) -> Self {
        let script = Arc::new(Script::default());
        let services = Arc::new(ServiceTable::default());
        let settings = ServiceSettings {
            body_idle_timeout_ms: setting.body_idle_timeout_ms,
            ..ServiceSettings::default()
        };
        let mut loaded = Services::default();
        loaded.insert("script", script.clone(), &settings);
        services.publish(loaded);
        let config = Config {
            name: "shop".to_owned(),
            version: "1.2.3".to_owned(),
            limits: setting.limits,
            triggers: triggers(),
            services,
        };
        let gateway = Arc::new(Gateway::new(config).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel();
        let stopped = async move {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(listener::serve(
            gateway,
            listener,
            setting.tls,
            stopped,
            setting.drain_timeout,
        ));
        Self {
            address,
            script,
            shutdown: Some(shutdown),
            serving,
        }
    }

    pub async fn with_limits(limits: ApplicationSettings) -> Self {
        Self::start(Setting {
            limits,
            ..Setting::default()
        })
        .await
    }

    /// Begins to drain.
    pub fn shut_down(&mut self) {
        self.shutdown.take().unwrap().send(()).unwrap();
    }

    /// How the draining ended.
    pub async fn drained(self) -> Drained {
        patient(self.serving).await.unwrap()
    }

    pub async fn connect(&self) -> Client {
        Client {
            stream: patient(TcpStream::connect(self.address)).await.unwrap(),
        }
    }

    /// Sends bytes on a connection of their own and reads until the host closes it.
    pub async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut client = self.connect().await;
        client.send(bytes).await;
        client.read_to_end().await
    }
}

/// A socket on which a test says what it likes.
pub struct Client {
    pub stream: TcpStream,
}

impl Client {
    /// Ignores failures: a host that refuses early may have closed the socket.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = patient(self.stream.write_all(bytes.as_ref())).await;
    }

    /// All that comes until the host closes; a reset counts as closing.
    pub async fn read_to_end(&mut self) -> String {
        let mut all = Vec::new();
        let _ = patient(self.stream.read_to_end(&mut all)).await;
        String::from_utf8_lossy(&all).into_owned()
    }

    /// Reads until the text has come.
    pub async fn read_until(&mut self, text: &str) -> String {
        let mut all = Vec::new();
        while !String::from_utf8_lossy(&all).contains(text) {
            let read = patient(self.stream.read_buf(&mut all)).await.unwrap();
            assert_ne!(read, 0, "closed after {:?}", String::from_utf8_lossy(&all));
        }
        String::from_utf8_lossy(&all).into_owned()
    }
}

/// Fails the test when a step hangs.
pub async fn patient<T>(step: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, step)
        .await
        .expect("the step hangs")
}

/// The status of the first answer in `text`; 0 when there is none.
pub fn status(text: &str) -> u16 {
    text.split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}

/// How many answers `text` has.
pub fn answers(text: &str) -> usize {
    text.matches("HTTP/1.1 ").count() + text.matches("HTTP/1.0 ").count()
}

fn triggers() -> Vec<HttpTrigger> {
    let trigger = |id: &str, route: HttpRoute, target: HttpTarget| HttpTrigger {
        id: id.to_owned(),
        route,
        target,
        executor: HttpExecutor::Http,
    };
    let pattern = |text: &str| HttpRoute::Pattern(text.to_owned());
    let service = |id: &str| HttpTarget::Component(id.to_owned());
    let greeting = StaticResponse {
        status_code: 200,
        headers: BTreeMap::from([("x-kind".to_owned(), "static".to_owned())]),
        body: b"hello".to_vec(),
    };
    vec![
        trigger("hello", pattern("/hello"), HttpTarget::Static(greeting)),
        trigger("script", pattern("/script/:action"), service("script")),
        trigger("gone", pattern("/gone"), service("gone")),
        trigger("hidden", HttpRoute::Private, service("script")),
    ]
}
