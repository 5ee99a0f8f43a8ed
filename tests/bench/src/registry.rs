//! Waits until the host has unloaded every service, and reads its memory then: memory must not
//! change any more, and afterwards the host's admin API, whose address and token stand in the
//! state directory, must confirm that nothing is loaded. In this order, because the registry of
//! many services takes memory itself while it is made. A host without that API is believed.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::app::App;
use crate::contender::Contender;
use crate::http::Connection;
use crate::process::Memory;
use crate::server::Server;

/// Longest wait for all services to be unloaded.
const PATIENCE: Duration = Duration::from_secs(180);

/// Time over which memory must not change, how often it is read, and what counts as a change.
const STABLE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(100);
const CHANGE_KIB: u64 = 256;

/// # Errors
/// When services are still loaded after three minutes, or the host does not say.
pub fn memory_when_unloaded(contender: &Contender, server: &Server, app: &App) -> Result<Memory> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let memory = stable_memory(server, deadline)?;
        if !contender.has_admin {
            eprintln!("    this host does not say what is loaded; its memory is stable");
            return Ok(memory);
        }
        let loaded = loaded(&registry(&app.state)?)?;
        if loaded == 0 {
            return Ok(memory);
        }
        if Instant::now() > deadline {
            bail!("{loaded} services are still loaded after {PATIENCE:?}");
        }
    }
}

/// The memory once it has stayed the same for a while.
fn stable_memory(server: &Server, deadline: Instant) -> Result<Memory> {
    let mut memory = server.process.memory()?;
    let mut since = Instant::now();
    while since.elapsed() < STABLE {
        std::thread::sleep(PAUSE);
        let now = server.process.memory()?;
        if now.resident_kib.abs_diff(memory.resident_kib) > CHANGE_KIB {
            (memory, since) = (now, Instant::now());
        }
        if Instant::now() > deadline {
            bail!("the memory still changes after {PATIENCE:?}");
        }
    }
    Ok(memory)
}

/// `GET /registry` of the host whose state this is.
fn registry(state: &Path) -> Result<Value> {
    let read = |name: &str| {
        let path = state.join(name);
        std::fs::read_to_string(&path).with_context(|| format!("{} is missing", path.display()))
    };
    let mut connection = Connection::open(address(&read("admin")?)?)?;
    let token = format!("authorization: Bearer {}", read("admin-token")?.trim());
    let answer = connection.get_with("/registry", &[&token])?.ok()?;
    serde_json::from_str(&answer).context("the registry is not JSON")
}

/// The address in the host's `admin` file.
fn address(text: &str) -> Result<SocketAddr> {
    let json: Value = serde_json::from_str(text).context("the `admin` file is not JSON")?;
    let address = json.get("address").and_then(Value::as_str);
    let address = address.with_context(|| format!("no `address` in the `admin` file: {text}"))?;
    Ok(address
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .parse()?)
}

/// How many services have code or instances in memory.
fn loaded(registry: &Value) -> Result<usize> {
    let services = registry.get("services").and_then(Value::as_array);
    let services = services.context("the registry has no list `services`")?;
    let mut loaded = 0;
    for service in services {
        let number = |name: &str| service.get(name).and_then(Value::as_u64);
        let of = |name: &str| number(name).with_context(|| format!("a service has no `{name}`"));
        let code = service.get("code_loaded").and_then(Value::as_bool);
        let has_code = code.context("a service has no `code_loaded`")?;
        if has_code || of("instances_ready")? + of("instances_busy")? > 0 {
            loaded += 1;
        }
    }
    Ok(loaded)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use serde_json::json;

    use super::{address, loaded, registry};

    #[test]
    fn the_registry_is_asked_for_with_the_token() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = tempfile::tempdir().unwrap();
        let admin = json!({ "address": listener.local_addr().unwrap().to_string(), "pid": 1 });
        std::fs::write(state.path().join("admin"), admin.to_string()).unwrap();
        std::fs::write(state.path().join("admin-token"), "secret\n").unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _client) = listener.accept().unwrap();
            let lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let head: Vec<String> = lines
                .map(Result::unwrap)
                .take_while(|line| !line.is_empty())
                .collect();
            write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n").unwrap();
            write!(stream, "{{\"services\":[]}}").unwrap();
            head
        });
        assert_eq!(loaded(&registry(state.path()).unwrap()).unwrap(), 0);
        let head = server.join().unwrap();
        assert_eq!(head[0], "GET /registry HTTP/1.1");
        assert!(head.contains(&"authorization: Bearer secret".to_owned()));
    }

    #[test]
    fn code_and_instances_count_as_loaded() {
        let service = |code_loaded: bool, ready: u64, busy: u64| {
            json!({
                "code_loaded": code_loaded,
                "instances_ready": ready,
                "instances_busy": busy,
            })
        };
        let services = [
            service(false, 0, 0),
            service(true, 0, 0),
            service(true, 2, 0),
            service(false, 0, 1),
        ];
        assert_eq!(loaded(&json!({ "services": services })).unwrap(), 3);
        assert!(loaded(&json!({})).is_err());
        assert!(loaded(&json!({ "services": [{ "code_loaded": false }] })).is_err());
    }

    #[test]
    fn the_address_is_found() {
        let found = address(r#"{ "address": "127.0.0.1:3001" }"#).unwrap();
        assert_eq!(found.port(), 3001);
        assert!(address("127.0.0.1:3001").is_err());
    }
}
