//! Waits until the host has unloaded every service: it asks the host's admin API, whose address and
//! token stand in the state directory. A host without that API is waited for until its memory
//! does not change any more.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::app::App;
use crate::contender::Contender;
use crate::http::Connection;
use crate::server::Server;

/// Longest wait for all services to be unloaded.
const PATIENCE: Duration = Duration::from_secs(120);

const PAUSE: Duration = Duration::from_millis(100);

/// Time over which memory must not change, and by how much it may.
const STABLE: Duration = Duration::from_secs(3);
const STABLE_KIB: u64 = 256;

/// # Errors
/// When services are still loaded after two minutes, or the host does not say.
pub fn wait_until_unloaded(contender: &Contender, server: &Server, app: &App) -> Result<()> {
    if !contender.has_admin {
        eprintln!("    this host does not say what is loaded: waiting until its memory is stable");
        return wait_until_stable(server);
    }
    let asked = Instant::now();
    loop {
        let loaded = loaded(&registry(&app.state)?)?;
        if loaded == 0 {
            return Ok(());
        }
        if asked.elapsed() > PATIENCE {
            bail!("{loaded} services are still loaded after {PATIENCE:?}");
        }
        std::thread::sleep(PAUSE);
    }
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
    Ok(address.trim_start_matches("http://").parse()?)
}

/// How many services are not idle: an idle one holds neither instances nor code.
fn loaded(registry: &Value) -> Result<usize> {
    let services = registry.get("services").and_then(Value::as_array);
    let services = services.context("the registry has no list `services`")?;
    let is_idle = |service: &&Value| service.get("health").and_then(Value::as_str) == Some("idle");
    Ok(services.len() - services.iter().filter(is_idle).count())
}

fn wait_until_stable(server: &Server) -> Result<()> {
    let begun = Instant::now();
    let resident_kib = || Ok::<_, anyhow::Error>(server.process.memory()?.resident_kib);
    let (mut since, mut kib) = (begun, resident_kib()?);
    while since.elapsed() < STABLE {
        std::thread::sleep(PAUSE);
        let now_kib = resident_kib()?;
        if now_kib.abs_diff(kib) > STABLE_KIB {
            (since, kib) = (Instant::now(), now_kib);
        }
        if begun.elapsed() > PATIENCE {
            bail!("the memory still changes after {PATIENCE:?}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{address, loaded};

    #[test]
    fn services_that_are_not_idle_are_loaded() {
        let service = |health: &str| json!({ "id": "a", "health": health });
        let registry = json!({ "services": [service("idle"), service("ready"), service("idle")] });
        assert_eq!(loaded(&registry).unwrap(), 1);
        assert!(loaded(&json!({})).is_err());
    }

    #[test]
    fn the_address_is_found() {
        let found = address(r#"{ "address": "127.0.0.1:3001" }"#).unwrap();
        assert_eq!(found.port(), 3001);
        assert!(address("127.0.0.1:3001").is_err());
    }
}
