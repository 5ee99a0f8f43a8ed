//! The running app: its services and the gateway before them, put together from a checked manifest.
//! Flags, the listener's address and the signals are left to [`super`].

use std::future::Future;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::cli::up::arguments::UpOptions;
use crate::manifest::model::Manifest;
use crate::manifest::runtime_config::RuntimeConfig;

/// An app whose services are loaded, and which can answer as soon as it gets a listener.
pub struct Application {}

impl Application {
    /// Opens the state directory and the stores, resolves the variables, compiles and checks every
    /// service.
    pub async fn load(
        manifest: &Manifest,
        config: &RuntimeConfig,
        options: &UpOptions,
    ) -> anyhow::Result<Application> {
        // INTEGRATION: runtime, capabilities, storage and gateway are put together here.
        let _ = (manifest, config, options);
        Ok(Application {})
    }

    /// Answers clients until `stop` is ready, then accepts no more, and gives what runs
    /// `drain_timeout` to finish.
    pub async fn serve(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
        drain_timeout: Duration,
    ) -> anyhow::Result<()> {
        // INTEGRATION: the gateway's accept loop goes here.
        let _ = (listener, drain_timeout);
        stop.await;
        Ok(())
    }
}
