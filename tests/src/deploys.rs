//! Builds of one guest that a test can tell apart, and what an operator has the host do with them:
//! by the admin API, and by the commands of the binary.

use std::net::SocketAddr;

use serde_json::Value;

use crate::host::{self, Host, Refusal};
use crate::http::{self, Answer, Connection};
use crate::{guests, wait};

/// What the guest `build_number` has where its number goes.
const NUMBER: &str = "build 00000000";

/// The guest `build_number` with this number.
pub fn build(number: u64) -> Vec<u8> {
    patch(&guest("build_number"), NUMBER, &line(number))
}

/// What a build of this number says.
pub fn line(number: u64) -> String {
    format!("build {number:08}")
}

/// The number of the build that said this.
pub fn number(text: &str) -> u64 {
    let number = text
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("build "));
    number
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no build says `{text}`"))
}

/// The artifact of a guest.
pub fn guest(name: &str) -> Vec<u8> {
    std::fs::read(guests::path(name)).unwrap()
}

/// An artifact in which another text of the same length stands wherever `was` stood.
///
/// # Panics
/// When it stood nowhere.
pub fn patch(artifact: &[u8], was: &str, is: &str) -> Vec<u8> {
    assert_eq!(was.len(), is.len(), "`{was}` and `{is}`");
    let mut artifact = artifact.to_vec();
    let places: Vec<usize> = artifact
        .windows(was.len())
        .enumerate()
        .filter(|(_, window)| *window == was.as_bytes())
        .map(|(place, _)| place)
        .collect();
    assert!(!places.is_empty(), "the artifact has no `{was}`");
    for place in places {
        artifact[place..place + is.len()].copy_from_slice(is.as_bytes());
    }
    artifact
}

/// One who may ask the admin API: its address, and a token.
#[derive(Clone, Debug)]
pub struct Operator {
    address: SocketAddr,
    authorization: String,
}

impl Operator {
    /// The same host, with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            address: self.address,
            authorization: format!("Bearer {}", token.trim()),
        }
    }

    pub fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let headers = [("authorization", self.authorization.as_str())];
        http::request(self.address, method, path, &headers, body)
    }

    /// Deploys, unless the host ends before it has answered.
    pub fn try_deploy(&self, service: &str, wasm: &[u8]) -> Option<Answer> {
        let headers = [("authorization", self.authorization.as_str())];
        let path = format!("/services/{service}/revisions");
        let mut connection = Connection::try_open(self.address)?;
        connection.send("POST", &path, &headers, wasm).ok()?;
        connection.answer("POST").ok()
    }

    pub fn get(&self, path: &str) -> Value {
        let answer = self.ask("GET", path, b"");
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    /// Asks for a deploy; `query` without the `?`.
    pub fn ask_deploy(&self, service: &str, query: &str, wasm: &[u8]) -> Answer {
        let path = format!("/services/{service}/revisions?{query}");
        self.ask("POST", &path, wasm)
    }

    /// Deploys, and returns the number of the revision.
    pub fn deploy(&self, service: &str, wasm: &[u8]) -> u64 {
        self.deploy_with(service, "", wasm)
    }

    /// Deploys as the query says, and returns the number of the revision.
    pub fn deploy_with(&self, service: &str, query: &str, wasm: &[u8]) -> u64 {
        let answer = self.ask_deploy(service, query, wasm);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let report = answer.json();
        assert_eq!(report["outcome"], "deployed", "{report}");
        report["revision"].as_u64().unwrap()
    }

    /// The revisions of a service, the newest first.
    pub fn revisions(&self, service: &str) -> Vec<Value> {
        let revisions = self.get(&format!("/services/{service}/revisions"));
        revisions["revisions"].as_array().unwrap().clone()
    }

    /// Numbers and weights of the revisions that take calls, the newest first.
    pub fn live(&self, service: &str) -> Vec<(u64, u64)> {
        let revisions = self.revisions(service);
        let live = revisions.iter().filter(|revision| revision["weight"] != 0);
        live.map(|revision| {
            let number = |member: &str| revision[member].as_u64().unwrap();
            (number("number"), number("weight"))
        })
        .collect()
    }

    /// The audit log: for each line who did what to which service and revision.
    pub fn audit(&self) -> Vec<String> {
        let audit = self.get("/audit?limit=1000");
        assert_eq!(audit["more"], false, "{audit}");
        let entries = audit["entries"].as_array().unwrap();
        let told = |entry: &Value| {
            let text = |member: &str| match &entry[member] {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            ["by", "action", "service", "revision"].map(text).join(" ")
        };
        entries.iter().map(told).collect()
    }
}

impl Host {
    /// The operator, whose token lies in the state directory.
    pub fn operator(&self) -> Operator {
        let state = self.folder().join(".kumiki");
        let read = |name: &str| {
            let read = || std::fs::read_to_string(state.join(name)).ok();
            wait::until(&format!("the file `{name}` of the state directory"), read)
        };
        let admin: Value = serde_json::from_str(&read("admin")).expect("`admin` is JSON");
        let address = admin["address"].as_str().unwrap();
        let operator = Operator {
            address: address.trim_start_matches("http://").parse().unwrap(),
            authorization: String::new(),
        };
        operator.with_token(&read("admin-token"))
    }

    /// Runs a command of the binary in the folder of the manifest, to its end.
    pub fn command(&self, arguments: &[&str]) -> Refusal {
        host::run(self.folder(), arguments)
    }

    /// The number of the build that answers a request.
    pub fn build(&self, path: &str) -> u64 {
        number(&self.get(path).expect(200))
    }
}
