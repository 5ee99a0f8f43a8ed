//! Who is measured: the host, and its peers as far as they are on this machine. How each is started
//! on an app; what is done with it then is left to the works.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::app::App;
use crate::broker;

/// One whose figures are measured.
#[derive(Clone, Debug)]
pub struct Contender {
    pub kind: Kind,
    pub program: PathBuf,
    /// Whether it tells by its admin API which services are loaded: only a host can, and an older
    /// one has no such API.
    pub has_admin: bool,
    /// Whether it syncs what it acknowledges: an older nats-server has no setting for that.
    pub is_durable: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Kumiki,
    /// A hyper service, served by a child process of this binary.
    Native,
    WasmtimeServe,
    Spin,
    /// A broker, which runs no app; `broker` starts it.
    Redis,
    Nats,
}

impl Contender {
    pub fn new(kind: Kind, program: PathBuf) -> Self {
        let has_admin = kind == Kind::Kumiki
            && output(&program, &["up", "--help"]).is_some_and(|help| help.contains("--admin"));
        let is_durable = kind != Kind::Nats || broker::nats_syncs(&program);
        Self {
            kind,
            program,
            has_admin,
            is_durable,
        }
    }

    /// The name in the table.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Kumiki => "kumiki",
            Kind::Native => "native",
            Kind::WasmtimeServe => "wasmtime serve",
            Kind::Spin => "spin",
            Kind::Redis => "redis",
            Kind::Nats if self.is_durable => "nats",
            Kind::Nats => "nats, not synced",
        }
    }

    /// The command that serves the app on a port of 127.0.0.1. The native one answers one line,
    /// whatever the app is; `wasmtime serve` runs the app's first component; brokers run none.
    pub fn command(&self, app: &App, port: u16) -> Command {
        let mut command = Command::new(&self.program);
        let address = format!("127.0.0.1:{port}");
        let reuse_max = app.peers_reuse_max.to_string();
        match self.kind {
            Kind::Kumiki => {
                command.args(["up", "--listen", &address, "--from"]);
                command.arg(&app.manifest);
                command.arg("--state-dir").arg(&app.state);
                if self.has_admin {
                    command.args(["--admin", "127.0.0.1:0"]);
                }
            }
            Kind::Native => {
                command.args(["native-hello", &port.to_string()]);
            }
            Kind::WasmtimeServe => {
                command.args(["serve", "-Scli", "--addr", &address]);
                command.args(["--max-instance-reuse-count", &reuse_max]);
                command.arg(&app.first_source);
            }
            Kind::Spin => {
                command.args(["up", "--listen", &address, "--from"]);
                command.arg(&app.manifest);
                command.args(["--max-instance-reuse-count", &reuse_max]);
            }
            Kind::Redis | Kind::Nats => {}
        }
        if let Some(folder) = app.manifest.parent() {
            command.current_dir(folder);
        }
        // Settings of the user's own would make it another contender.
        for name in [
            "RUNTIME_CONFIG_FILE",
            "RUST_LOG",
            "KUMIKI_LOG",
            "http_proxy",
            "https_proxy",
        ] {
            command.env_remove(name);
        }
        command
    }

    /// Name and version, as it tells them.
    pub fn version(&self) -> Option<String> {
        if self.kind == Kind::Native {
            return None;
        }
        output(&self.program, &["--version"]).filter(|text| !text.is_empty())
    }
}

/// What a program prints when it succeeds.
fn output(program: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    output.status.success().then_some(text)
}

/// The program of this name in the folders of PATH.
pub fn on_path(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders)
        .map(|folder| folder.join(name))
        .find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
