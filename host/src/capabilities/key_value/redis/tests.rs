//! The Redis backend on a real server, started for the test on a socket of its own.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::super::all_keys;
use super::{Backend, CasVersion, Error, Redis};

struct Server {
    process: Child,
    directory: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `None` where no server is installed, which only a developer's machine may lack.
fn start() -> Option<Server> {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("redis.sock");
    let process = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--unixsocket"])
        .arg(&socket)
        .arg("--dir")
        .arg(directory.path())
        .stdout(Stdio::null())
        .spawn();
    let process = match process {
        Ok(process) => process,
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "redis-server is missing: {error}"
            );
            eprintln!("not tested, because redis-server is missing: {error}");
            return None;
        }
    };
    let server = Server { process, directory };
    let deadline = Instant::now() + Duration::from_secs(20);
    while !socket.exists() {
        assert!(Instant::now() < deadline, "redis-server does not start");
        std::thread::yield_now();
    }
    Some(server)
}

fn backend(server: &Server) -> Redis {
    let socket = server.directory.path().join("redis.sock");
    Redis::new(&format!("redis+unix://{}", socket.display())).unwrap()
}

#[tokio::test]
async fn a_store_on_redis_works_as_the_others() {
    let Some(server) = start() else { return };
    let store = backend(&server);
    store.open().await.unwrap();
    assert_eq!(store.get("a").await.unwrap(), None);
    let entries = (0..3000)
        .map(|number| (format!("k{number:04}"), vec![0, 255]))
        .collect();
    store.set_many(entries).await.unwrap();
    assert_eq!(store.get("k0000").await.unwrap(), Some(vec![0, 255]));
    assert!(store.exists("k0001").await.unwrap());
    let keys = all_keys(&store).await.unwrap();
    assert_eq!(keys.len(), 3000);
    let wanted: Vec<String> = (0..40)
        .map(|number| format!("k{:04}", number * 100))
        .collect();
    let values = store.get_many(&wanted).await.unwrap();
    assert_eq!(values.iter().filter(|value| value.is_some()).count(), 30);
    assert_eq!(values[30], None);
    store.delete_many(keys).await.unwrap();
    store.delete_many(vec![]).await.unwrap();
    store.set_many(vec![]).await.unwrap();
    assert_eq!(all_keys(&store).await.unwrap(), [""; 0]);
    assert_eq!(store.increment("n".to_owned(), 3).await, Ok(3));
    assert_eq!(store.get("n").await.unwrap(), Some(b"3".to_vec()));
    store
        .set_many(vec![("n".to_owned(), b"x".to_vec())])
        .await
        .unwrap();
    let error = store.increment("n".to_owned(), 3).await.unwrap_err();
    assert!(matches!(error, Error::Other(text) if text.contains("integer")));
    assert!(store.keys_page(Some("no number")).await.is_err());
}

#[tokio::test]
async fn a_swap_on_redis_sees_every_change() {
    let Some(server) = start() else { return };
    let store = backend(&server);
    let swap =
        |version: CasVersion, value: &[u8]| store.swap("k".to_owned(), version, value.to_vec());
    let absent = store.version("k").await.unwrap();
    assert_eq!(absent, CasVersion::Digest(None));
    assert_eq!(swap(absent.clone(), b"1").await, Ok(true));
    assert_eq!(swap(absent, b"2").await, Ok(false));
    let (value, version) = store.current("k").await.unwrap();
    assert_eq!(value, Some(b"1".to_vec()));
    assert_eq!(store.version("k").await.unwrap(), version);
    assert_eq!(swap(version.clone(), &[0, 255]).await, Ok(true));
    assert_eq!(swap(version, b"3").await, Ok(false));
    assert_eq!(store.get("k").await.unwrap(), Some(vec![0, 255]));
    store.delete_many(vec!["k".to_owned()]).await.unwrap();
    assert_eq!(
        store.current("k").await.unwrap(),
        (None, CasVersion::Digest(None))
    );
}

#[tokio::test]
async fn a_server_that_is_gone_is_named_in_the_log_only() {
    let Some(mut server) = start() else { return };
    let store = backend(&server);
    store.open().await.unwrap();
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    let error = store.get("k").await.unwrap_err();
    let path = server.directory.path().display().to_string();
    assert!(matches!(error, Error::Other(text) if !text.contains(&path)));
    // The failure has forgotten the connection, so a new server will be found.
    assert!(store.connection.lock().await.is_none());
}
