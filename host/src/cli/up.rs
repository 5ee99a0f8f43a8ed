//! `kumiki up`: from the flags to a running app, and from the first signal to its end.

pub mod arguments;
pub mod descriptors;
pub mod listen;
pub mod refused;
pub mod routes;
pub mod values;

use std::io::Write;
use std::time::Duration;

pub use arguments::UpArguments;

use crate::app::application::Application;
use crate::app::options::UpOptions;
use crate::app::overrides;
use crate::cli::build::{self, BuildPlan};
use crate::cli::locate::load_manifest;
use crate::cli::signals::StopSignals;
use crate::manifest::model::Manifest;
use crate::manifest::runtime_config::{self, RuntimeConfig};

/// Runs the app until the first SIGTERM or Ctrl-C, then drains. Returns when nothing runs any more,
/// or when the time to drain is over; a second signal ends the process at once.
pub async fn run(options: UpOptions) -> anyhow::Result<()> {
    let manifest_path = options.manifest_path.as_path();
    let mut manifest = load_manifest(manifest_path, options.profile.as_deref(), options.stock)?;
    let config = match &options.runtime_config_file {
        Some(path) => runtime_config::load(path)?,
        None => RuntimeConfig::default(),
    };
    overrides::apply(&mut manifest, &options, &config)?;
    let mut stop = Box::pin(StopSignals::listen()?.stop_requested());
    if options.build {
        tokio::select! {
            built = build_for(&manifest, &options) => built?,
            () = &mut stop => return Ok(()),
        }
    }
    descriptors::take_all();
    let bound = listen::bind(options.listen, options.find_free_port)?;
    // In a task of its own: compiling and fetching hold its thread, and signals must be heard.
    let loading = tokio::spawn({
        let (manifest, config, options) = (manifest.clone(), config.clone(), options.clone());
        let address = bound.address();
        async move { Application::load(&manifest, &config, &options, address).await }
    });
    let application = tokio::select! {
        loaded = loading => loaded??,
        // Nothing has been accepted yet, so there is nothing to drain.
        () = &mut stop => return Ok(()),
    };
    let scheme = if options.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let listener = bound.listen()?;
    let base_url = format!("{scheme}://{}", listener.local_addr()?);
    announce(&routes::describe(&manifest, &base_url, options.format));
    // Everything is made from it by now; of many services it is a large one.
    drop(manifest);
    let drain_timeout = Duration::from_secs(options.drain_timeout_seconds);
    application.serve(listener, stop, drain_timeout).await
}

/// Builds what is run. What a stock run runs may be composed, and the tables that it ignores say of
/// what.
async fn build_for(manifest: &Manifest, options: &UpOptions) -> anyhow::Result<()> {
    if !options.stock {
        return build::build(BuildPlan::of(manifest, &[])?, false).await;
    }
    let whole = load_manifest(&options.manifest_path, options.profile.as_deref(), false)?;
    build::build_and_compose(&whole, &[], false).await
}

/// Prints to standard output. That nobody reads it any more is no reason to stop serving.
fn announce(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}
