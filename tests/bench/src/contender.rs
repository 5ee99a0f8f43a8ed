//! Who is measured: the host, and its peers as far as they are on this machine. How each is started
//! on an app; what is done with it then is left to the works.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::app::App;

/// One whose figures are measured.
#[derive(Clone, Debug)]
pub struct Contender {
    pub kind: Kind,
    pub program: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Kumiki,
    /// A hyper service, served by a child process of this binary.
    Native,
    WasmtimeServe,
    Spin,
}

impl Contender {
    /// The name in the table.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Kumiki => "kumiki",
            Kind::Native => "native",
            Kind::WasmtimeServe => "wasmtime serve",
            Kind::Spin => "spin",
        }
    }

    /// The command that serves the app on a port of 127.0.0.1. The native one answers one line,
    /// whatever the app is; `wasmtime serve` runs the app's first component. Both it and Spin are
    /// asked for a fresh instance for each request, as the host takes one.
    pub fn command(&self, app: &App, port: u16) -> Command {
        let mut command = Command::new(&self.program);
        let address = format!("127.0.0.1:{port}");
        match self.kind {
            Kind::Kumiki => command
                .args(["up", "--listen", &address, "--from"])
                .arg(&app.manifest)
                .arg("--state-dir")
                .arg(&app.state),
            Kind::Native => command.args(["native-hello", &port.to_string()]),
            Kind::WasmtimeServe => command
                .args([
                    "serve",
                    "-Scli",
                    "--max-instance-reuse-count",
                    "1",
                    "--addr",
                    &address,
                ])
                .arg(&app.first_source),
            Kind::Spin => command
                .args(["up", "--listen", &address, "--from"])
                .arg(&app.manifest)
                .args(["--max-instance-reuse-count", "1"]),
        };
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
        let output = Command::new(&self.program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    }
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
