//! The store of docs/STORE.md as one native process: the very code of the services, linked with
//! each other by direct calls, on files with the settings of the host's stores. It follows the
//! manifest of the app, so that both do the same for a request.
//!
//! # Layout
//!
//! - [`manifest`]: what it takes from there.
//! - [`services`]: the services of one thread; [`peers`]: how they call each other.
//! - [`host`]: the surroundings of one of them; [`file`]: its file and its events; [`bus`]: who
//!   gets them.

mod bus;
mod file;
mod host;
mod manifest;
mod peers;
mod services;

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Response;
use hyper::body::Incoming;
use kit::host::{self as kit_host, Outgoing, SendError};
use kit::http::{Answer, Request};
use kit::problem::Problem;

use self::bus::Bus;
use self::file::File;
use self::manifest::Manifest;
use self::services::{SERVICES, Services};

/// Requests that are answered at once. Each such thread has services of its own, because a service
/// stays on its thread.
const THREADS: usize = 16;
/// As in the host: runs of an atomic handler whose commits meet conflicts.
const ATTEMPTS_MAX: u32 = 8;
/// What follows a service's name in the hosts by which services call each other.
const CHAINED: &str = ".spin.internal/";

/// Answers until the process is ended. The files lie in `folder`.
///
/// # Errors
/// When the port is taken, the manifest is wrong, or the files cannot be made.
pub fn run(port: u16, manifest: &Path, folder: &Path, values: &[(String, String)]) -> Result<()> {
    let store = Store::open(Manifest::read(manifest, values)?, folder)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .max_blocking_threads(THREADS)
        // Its services live on a thread, so it must not end.
        .thread_keep_alive(Duration::from_secs(24 * 60 * 60))
        .build()?;
    super::serve_on(&runtime, port, move |request| {
        let store = Arc::clone(&store);
        async move {
            let request = read(request).await?;
            let answer = tokio::task::spawn_blocking(move || store.handle(&request));
            respond(answer.await?)
        }
    })
}

async fn read(request: hyper::Request<Incoming>) -> Result<Request> {
    let (head, body) = request.into_parts();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let mut request = Request::new(head.method.as_str(), target);
    for (name, value) in &head.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        request = request.with_header(name.as_str(), &value);
    }
    request.body = Ok(body.collect().await?.to_bytes().into());
    Ok(request)
}

fn respond(answer: Answer) -> Result<Response<Full<Bytes>>> {
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    Ok(builder.body(Full::new(answer.body.into()))?)
}

/// What the services of all threads share.
pub struct Store {
    manifest: Arc<Manifest>,
    folder: PathBuf,
    files: BTreeMap<&'static str, Arc<File>>,
}

thread_local! {
    /// The services of this thread, made when they are first needed.
    static OF_THREAD: OnceCell<&'static Services> = const { OnceCell::new() };
}

impl Store {
    fn open(manifest: Manifest, folder: &Path) -> Result<Arc<Store>> {
        for service in manifest.services().filter(|name| !SERVICES.contains(name)) {
            eprintln!("the native store has no `{service}`");
        }
        let manifest = Arc::new(manifest);
        let (bus, deliverers) = Bus::new(&manifest);
        let files = SERVICES.iter().map(|service| {
            let file = File::create(service, folder, bus.clone())?;
            Ok((*service, Arc::new(file)))
        });
        let store = Arc::new(Store {
            manifest,
            folder: folder.to_owned(),
            files: files.collect::<Result<_>>()?,
        });
        for deliverer in deliverers {
            let store = Arc::clone(&store);
            std::thread::Builder::new().spawn(move || deliverer.run(&store))?;
        }
        for (service, path, seconds) in store.manifest.schedules() {
            let (service, path) = (service.to_owned(), path.to_owned());
            let store = Arc::clone(&store);
            std::thread::Builder::new().spawn(move || {
                loop {
                    std::thread::sleep(Duration::from_secs(seconds));
                    store.answer(&service, &Request::new("POST", &path));
                }
            })?;
        }
        Ok(store)
    }

    fn file(&self, service: &str) -> Result<Arc<File>> {
        let file = self.files.get(service).cloned();
        file.with_context(|| format!("{service} has no file"))
    }

    fn services(self: &Arc<Self>) -> Result<&'static Services> {
        OF_THREAD.with(|services| match services.get() {
            Some(services) => Ok(*services),
            None => {
                let made: &Services = Box::leak(Box::new(Services::new(self)?));
                Ok(*services.get_or_init(|| made))
            }
        })
    }

    /// Answers a client.
    fn handle(self: &Arc<Self>, request: &Request) -> Answer {
        match self.manifest.service_of(&request.path) {
            Some(service) => self.answer(service, request),
            None => Problem::not_found("No service has this path.").answer(),
        }
    }

    /// Answers a client, another service or the bus; by a unit where the handler is atomic.
    fn answer(self: &Arc<Self>, service: &str, request: &Request) -> Answer {
        let services = match self.services() {
            Ok(services) => services,
            Err(error) => return Problem::internal(&format!("{error:#}")).answer(),
        };
        let Some((host, answer)) = services.get(service) else {
            return Problem::not_found("There is no such service.").answer();
        };
        if !self.manifest.is_atomic(service, &request.path) {
            return answer(request);
        }
        for _ in 0..ATTEMPTS_MAX {
            host.begin();
            let answer = answer(request);
            if !self.manifest.commits(service, answer.status) {
                host.abandon();
                return answer;
            }
            match host.commit() {
                Ok(true) => return answer,
                Ok(false) => {}
                Err(error) => return Problem::from(error).answer(),
            }
        }
        Problem::unavailable("Other writers were faster.").answer()
    }

    /// What one service asks another by HTTP.
    fn send(self: &Arc<Self>, outgoing: &Outgoing) -> Result<kit_host::Incoming, SendError> {
        let target = outgoing.url.strip_prefix("http://");
        let target = target.and_then(|target| target.split_once(CHAINED));
        let unknown = || SendError(format!("`{}` is not in this process", outgoing.url));
        let (service, path) = target.ok_or_else(unknown)?;
        let mut request = Request::new(outgoing.method, &format!("/{path}"));
        for (name, value) in &outgoing.headers {
            request = request.with_header(name, value);
        }
        request.body = Ok(outgoing.body.clone());
        let answer = self.answer(service, &request);
        Ok(kit_host::Incoming {
            status: answer.status,
            body: answer.body,
        })
    }
}
