//! The admin API on a real socket, over an app that is none: what a client sends, and what the one
//! who changes the app is asked to do.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::subject;
use crate::admin::address::{Address, Setting};
use crate::admin::listener::Listener;
use crate::admin::operations::shapes::{
    Action, Applied, Audit, AuditEntry, Break, Change, DeployReport, Origin, Outcome, Revision,
    RevisionState, Revisions, Step, StepName, Switched, Weighted,
};
use crate::admin::operations::{DeployRequest, OperateError, Operator};
use crate::admin::roles::Caller;
use crate::admin::server::{self, Running};
use crate::admin::tokens::{self, Tokens};
use crate::storage::operations::Operations;
use crate::storage::state_dir::StateDir;

/// An admin API, and all that it works on.
pub struct Served {
    folder: TempDir,
    address: std::net::SocketAddr,
    pub operator: Arc<StandIn>,
    pub store: Arc<Operations>,
    _state: StateDir,
    _running: Running,
}

impl Served {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let setting = Setting::At(Address::Tcp("127.0.0.1:0".parse().unwrap()));
        let nowhere = "127.0.0.1:1".parse().unwrap();
        let listener = Listener::open(&setting, nowhere).unwrap().unwrap();
        let address = listener.endpoint().unwrap();
        let operator = Arc::<StandIn>::default();
        let store = Arc::new(Operations::open(&state).unwrap());
        let tokens = Tokens::open(folder.path()).unwrap();
        let tokens = tokens.with_store(Some(store.clone()));
        let mut subject = subject(&state);
        subject.operator = Some(operator.clone());
        let running = server::start(listener, tokens, subject, &state).unwrap();
        Self {
            folder,
            address,
            operator,
            store,
            _state: state,
            _running: running,
        }
    }

    /// The token in a file of the state directory.
    pub fn file(&self, name: &str) -> String {
        tokens::read_token(&self.folder.path().join(name)).unwrap()
    }

    /// What the operator is answered.
    pub async fn ask(&self, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let token = self.file(tokens::ADMIN_TOKEN);
        self.ask_as(&token, method, path, body).await
    }

    pub async fn ask_as(&self, token: &str, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-length: {length}\r\n\r\n"
        );
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(body).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A new token.
    pub async fn add(&self, name: &str, role: &str, services: &[&str]) -> String {
        let request = serde_json::json!({"name": name, "role": role, "services": services});
        let (status, made) = self
            .ask("POST", "/tokens", request.to_string().as_bytes())
            .await;
        assert_eq!(status, 200, "{made}");
        made["token"].as_str().unwrap().to_owned()
    }
}

/// Changes nothing, and remembers what it was asked. The service's name says how it ends.
#[derive(Default)]
pub struct StandIn {
    pub calls: Mutex<Vec<String>>,
    pub deployed: Mutex<Option<DeployRequest>>,
}

impl StandIn {
    fn note(&self, caller: &Caller, what: &str, service: &str) -> Result<(), OperateError> {
        let call = format!("{} {what} {service}", caller.name);
        self.calls.lock().unwrap().push(call);
        let reason = "the reason and the mend".to_owned();
        Err(match service {
            "malformed" => OperateError::Malformed(reason),
            "none" => OperateError::NoSuchService(service.to_owned()),
            "young" => OperateError::NoSuchRevision {
                service: service.to_owned(),
                number: 3,
            },
            "broken" => OperateError::Breaks {
                service: service.to_owned(),
                breaks: vec![broken("shop"), broken("admin")],
            },
            "busy" => OperateError::Conflict(reason),
            "refused" => OperateError::Refused(reason),
            "ending" => OperateError::Unavailable(reason),
            _ => return Ok(()),
        })
    }
}

fn broken(consumer: &str) -> Break {
    Break {
        consumer: consumer.to_owned(),
        function: "store:catalog/products@1.0.0#get".to_owned(),
        was: "func(id: u64)".to_owned(),
        is: "func(id: string)".to_owned(),
        why: "parameter `id`: u64 became string".to_owned(),
    }
}

const TIME: &str = "2026-01-31T12:00:00.000Z";

impl Operator for StandIn {
    fn deploy(
        &self,
        caller: &Caller,
        service: &str,
        request: DeployRequest,
    ) -> Result<DeployReport, OperateError> {
        *self.deployed.lock().unwrap() = Some(request.clone());
        self.note(caller, "deploys", service)?;
        Ok(DeployReport {
            service: service.to_owned(),
            outcome: Outcome::Deployed,
            revision: Some(2),
            digest: "0".repeat(64),
            weight: request.weight.unwrap_or(100),
            steps: vec![Step {
                step: StepName::Compile,
                ms: 1.5,
            }],
            breaks: Vec::new(),
        })
    }

    fn promote(&self, caller: &Caller, service: &str) -> Result<Switched, OperateError> {
        self.note(caller, "promotes", service)?;
        Ok(Switched {
            service: service.to_owned(),
            revision: 2,
            was: vec![Weighted {
                revision: 1,
                weight: 90,
            }],
        })
    }

    fn rollback(
        &self,
        caller: &Caller,
        service: &str,
        to: Option<u64>,
    ) -> Result<Switched, OperateError> {
        self.note(caller, &format!("rolls back to {to:?}"), service)?;
        Ok(Switched {
            service: service.to_owned(),
            revision: to.unwrap_or(1),
            was: Vec::new(),
        })
    }

    fn revisions(&self, service: &str) -> Result<Revisions, OperateError> {
        Ok(Revisions {
            revisions: vec![Revision {
                number: 1,
                digest: service.to_owned(),
                settings: "1".repeat(64),
                origin: Origin::Start,
                made: TIME.to_owned(),
                by: "host".to_owned(),
                note: None,
                weight: 100,
                state: RevisionState::Live,
            }],
        })
    }

    fn apply(
        &self,
        caller: &Caller,
        manifest: &Path,
        dry_run: bool,
    ) -> Result<Applied, OperateError> {
        self.note(caller, "applies", &manifest.display().to_string())?;
        Ok(Applied {
            plan: vec![Change {
                action: Action::Add,
                service: Some("coupons".to_owned()),
                key: None,
                was: None,
                is: Some("/api/coupons/...".to_owned()),
            }],
            applied: !dry_run,
        })
    }

    fn audit(
        &self,
        after: i64,
        service: Option<&str>,
        limit: usize,
    ) -> Result<Audit, OperateError> {
        let entry = |id| AuditEntry {
            id,
            time: TIME.to_owned(),
            by: "operator".to_owned(),
            action: "deploy".to_owned(),
            service: service.map(str::to_owned),
            revision: Some(2),
            detail: serde_json::Value::Null,
        };
        let last = after.saturating_add(i64::try_from(limit).unwrap());
        Ok(Audit {
            entries: (after + 1..=last).map(entry).collect(),
            more: true,
        })
    }
}
