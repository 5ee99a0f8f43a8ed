//! Both interfaces against a real redis-server, and the bounds against servers that misbehave.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::{prop_assert_eq, proptest};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime::{Engine, Store};

use super::async_interface::interface as redis3;
use super::connection::{Connection, Target};
use super::plain_interface::interface::{Error, HostConnection, RedisParameter, RedisResult};
use super::{Config, Context, HasRedis, Limits, RedisView};
use crate::network::allowed_hosts::AllowedHosts;
use crate::network::guard::Guard;
use crate::network::tls::TlsClient;

struct Instance {
    context: Context,
    table: ResourceTable,
}

impl Instance {
    fn new(allowed: &str, limits: Limits, guard: Guard) -> Self {
        let context = Context::new(Config {
            allowed_hosts: Arc::new(AllowedHosts::parse(&[allowed.to_owned()]).unwrap()),
            guard: Arc::new(guard),
            tls: TlsClient::new(&[], &[]).unwrap(),
            limits,
            app_limit: None,
        });
        Self {
            context,
            table: ResourceTable::new(),
        }
    }

    fn view(&mut self) -> RedisView<'_> {
        RedisView {
            context: &mut self.context,
            table: &mut self.table,
        }
    }

    async fn open(&mut self, address: &str) -> Result<Resource<Connection>, Error> {
        self.view().open(address.to_owned()).await.unwrap()
    }
}

fn instance() -> Instance {
    Instance::new("redis://127.0.0.1:*", Limits::default(), Guard::default())
}

fn same(connection: &Resource<Connection>) -> Resource<Connection> {
    Resource::new_borrow(connection.rep())
}

/// A redis-server of the test's own, stopped at the end of it.
struct Server {
    process: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    async fn start() -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .await
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let port_text = port.to_string();
        let started = Command::new("redis-server")
            .args([
                "--port",
                &port_text,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--dir",
                "/tmp",
            ])
            .stdout(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            eprintln!("SKIPPED: redis-server is not on PATH; install it to test redis for real");
            return None;
        };
        let server = Self {
            process,
            address: format!("redis://127.0.0.1:{port}"),
        };
        let deadline = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(
                Instant::now() < deadline,
                "redis-server did not start within 30 s"
            );
            tokio::task::yield_now().await;
        }
        Some(server)
    }
}

#[tokio::test]
async fn every_command_does_what_redis_does() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut instance = instance();
    let own = instance.open(&server.address).await.unwrap();
    let mut view = instance.view();
    let key = || "key".to_owned();

    assert_eq!(view.get(same(&own), key()).await.unwrap().unwrap(), None);
    view.set(same(&own), key(), b"Eureka\0!".to_vec())
        .await
        .unwrap()
        .unwrap();
    let value = view.get(same(&own), key()).await.unwrap().unwrap();
    assert_eq!(value.as_deref(), Some(b"Eureka\0!".as_slice()));
    let not_a_number = view.incr(same(&own), key()).await.unwrap();
    assert!(
        matches!(not_a_number, Err(Error::TypeError)),
        "{not_a_number:?}"
    );
    assert_eq!(
        view.incr(same(&own), "counter".to_owned())
            .await
            .unwrap()
            .unwrap(),
        1
    );

    let members = vec!["a".to_owned(), "b".to_owned()];
    let set = || "set".to_owned();
    assert_eq!(
        view.sadd(same(&own), set(), members.clone())
            .await
            .unwrap()
            .unwrap(),
        2
    );
    let mut found = view.smembers(same(&own), set()).await.unwrap().unwrap();
    found.sort();
    assert_eq!(found, members);
    assert_eq!(
        view.srem(same(&own), set(), vec!["a".to_owned()])
            .await
            .unwrap()
            .unwrap(),
        1
    );
    let wrong = view.sadd(same(&own), key(), members).await.unwrap();
    assert!(matches!(wrong, Err(Error::TypeError)), "{wrong:?}");
    let wrong = view.get(same(&own), set()).await.unwrap();
    assert!(matches!(wrong, Err(Error::TypeError)), "{wrong:?}");

    view.publish(same(&own), "channel".to_owned(), b"news".to_vec())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        view.del(same(&own), vec![key(), set()])
            .await
            .unwrap()
            .unwrap(),
        2
    );
    let binary = |text: &str| RedisParameter::Binary(text.as_bytes().to_vec());
    let arguments = vec![binary("list"), RedisParameter::Int64(7), binary("x")];
    let pushed = view
        .execute(same(&own), "RPUSH".to_owned(), arguments)
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(pushed[..], [RedisResult::Int64(2)]));
    let range = vec![
        binary("list"),
        RedisParameter::Int64(0),
        RedisParameter::Int64(-1),
    ];
    let list = view
        .execute(same(&own), "LRANGE".to_owned(), range)
        .await
        .unwrap()
        .unwrap();
    let [RedisResult::Binary(first), RedisResult::Binary(second)] = &list[..] else {
        panic!("{list:?}");
    };
    assert_eq!(
        (first.as_slice(), second.as_slice()),
        (b"7".as_slice(), b"x".as_slice())
    );
    let unknown = view
        .execute(same(&own), "NOSUCH".to_owned(), Vec::new())
        .await
        .unwrap();
    assert!(matches!(unknown, Err(Error::Other(_))));
    view.drop(own).await.unwrap();
    assert!(instance.table.is_empty());
}

#[tokio::test]
async fn the_async_interface_runs_commands_side_by_side() {
    let Some(server) = Server::start().await else {
        return;
    };
    let mut linker = Linker::<Instance>::new(&Engine::default());
    super::add_to_linker(&mut linker, Instance::view).unwrap();
    super::add_concurrent_to_linker(&mut linker, Instance::view).unwrap();
    let mut store = Store::new(linker.engine(), instance());
    let address = server.address.clone();
    store
        .run_concurrent(async |accessor| {
            let accessor = &accessor.with_getter::<HasRedis>(Instance::view);
            type Commands = HasRedis;
            let open = <Commands as redis3::HostConnectionWithStore<Instance>>::open;
            let incr = <Commands as redis3::HostConnectionWithStore<Instance>>::incr;
            let own = open(accessor, address).await.unwrap().unwrap();
            let key = || "counter".to_owned();
            let counts =
                futures::future::join_all((0..20).map(|_| incr(accessor, same(&own), key())));
            let mut counts: Vec<_> = counts
                .await
                .into_iter()
                .map(|count| count.unwrap().unwrap())
                .collect();
            counts.sort_unstable();
            assert_eq!(counts, (1..=20).collect::<Vec<_>>());
            let denied = open(accessor, "redis://localhost:1".to_owned())
                .await
                .unwrap();
            assert!(matches!(denied, Err(redis3::Error::InvalidAddress)));
        })
        .await
        .unwrap();
}

#[tokio::test]
async fn an_address_that_is_not_permitted_is_invalid() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut guard = Guard::default();
    guard.refuse_endpoint(listener.local_addr().unwrap());
    let mut guarded = Instance::new("*://*:*", Limits::default(), guard);
    let mut elsewhere = Instance::new("redis://example.com", Limits::default(), Guard::default());
    let mut other_scheme = Instance::new("http://127.0.0.1:*", Limits::default(), Guard::default());
    let address = format!("redis://127.0.0.1:{port}");
    for instance in [&mut guarded, &mut elsewhere, &mut other_scheme] {
        assert!(matches!(
            instance.open(&address).await,
            Err(Error::InvalidAddress)
        ));
    }
    for address in [
        "",
        "localhost",
        "redis://",
        "unix:///run/redis.sock",
        "http://127.0.0.1",
    ] {
        let mut instance = Instance::new("*://*:*", Limits::default(), Guard::default());
        assert!(
            matches!(instance.open(address).await, Err(Error::InvalidAddress)),
            "{address}"
        );
    }
}

#[tokio::test]
async fn an_instance_has_a_bounded_number_of_connections() {
    let address = answering(b"+OK\r\n").await;
    let limits = Limits {
        connections_max: 2,
        ..Limits::default()
    };
    let mut instance = Instance::new("*://*:*", limits, Guard::default());
    let first = instance.open(&address).await.unwrap();
    instance.open(&address).await.unwrap();
    assert!(matches!(
        instance.open(&address).await,
        Err(Error::TooManyConnections)
    ));
    instance.view().drop(first).await.unwrap();
    instance.open(&address).await.unwrap();
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let address = answering(b"$1000000000\r\n").await;
    let limits = Limits {
        reply_bytes_max: 64 * 1024,
        ..Limits::default()
    };
    let mut instance = Instance::new("*://*:*", limits, Guard::default());
    let own = instance.open(&address).await.unwrap();
    let endless = instance.view().get(own, "key".to_owned()).await.unwrap();
    assert!(matches!(endless, Err(Error::Other(_))), "{endless:?}");
}

#[tokio::test]
async fn rediss_speaks_tls_to_a_trusted_server_only() {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key =
        rustls_pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(answer(stream, b"$1\r\nv\r\n"));
            }
        }
    });
    let address = format!("rediss://localhost:{port}");
    let allowed = format!("rediss://localhost:{port}");
    let mut stranger = Instance::new(&allowed, Limits::default(), Guard::default());
    assert!(matches!(
        stranger.open(&address).await,
        Err(Error::Other(_))
    ));
    let mut trusting = Instance::new(&allowed, Limits::default(), Guard::default());
    trusting.context = Context::new(Config {
        allowed_hosts: Arc::new(AllowedHosts::parse(&[allowed]).unwrap()),
        guard: Arc::default(),
        tls: TlsClient::new(&[certificate], &[]).unwrap(),
        limits: Limits::default(),
        app_limit: None,
    });
    let own = trusting.open(&address).await.unwrap();
    let pong = trusting
        .view()
        .execute(own, "GET".to_owned(), Vec::new())
        .await
        .unwrap()
        .unwrap();
    assert!(
        matches!(&pong[..], [RedisResult::Binary(value)] if value == b"v"),
        "{pong:?}"
    );
}

proptest! {
    #[test]
    fn an_address_is_read_or_refused(text in ".{0,40}", host in "[a-z]{1,9}", port in 1u16..) {
        let _ = Target::parse(&text);
        let _ = Target::parse(&format!("redis://{text}"));
        let target = Target::parse(&format!("rediss://user:secret@{host}:{port}/3")).unwrap();
        prop_assert_eq!((target.host, target.port), (host, port));
    }
}

/// A server that greets as redis does and then begins every answer with `start`, followed by bytes
/// without end when that is the head of a long one.
async fn answering(start: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, start));
        }
    });
    format!("redis://{address}")
}

async fn answer<S>(mut stream: S, start: &'static [u8]) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk).await?;
        if count == 0 {
            return Ok(());
        }
        let is_greeting = chunk[..count].windows(7).any(|window| window == b"SETINFO");
        if is_greeting {
            stream.write_all(b"+OK\r\n+OK\r\n").await?;
            continue;
        }
        stream.write_all(start).await?;
        while start.starts_with(b"$1000") {
            stream.write_all(&[b'x'; 4096]).await?;
        }
    }
}
