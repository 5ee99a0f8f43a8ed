//! Links: the functions of a component's imports that a live service answers.
//!
//! A linked call leaves the caller's sandbox as dynamic values, runs in an instance of the callee
//! with the callee's own grants and limits, and comes back. Which instance that is, and for how
//! long it may run, is left to [`super::service`]; whether the contracts agree, to
//! [`super::contracts`].

mod messages;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use wasmtime::StoreContextMut;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, Linker, Val};

use super::code::Code;
use super::contracts::{UNAVAILABLE, unavailable_case};
use super::failure::InvocationError;
use super::service::Service;
use super::state::InstanceState;
use crate::telemetry::metrics::EdgeMetrics;

/// An import of one service that another one answers.
pub struct Link {
    /// The interface, as the caller imports it.
    pub import: Arc<str>,
    pub callee_id: Arc<str>,
    /// Set once all services are made; weak, because services may call each other in a circle.
    pub callee: OnceLock<Weak<Service>>,
    /// Where the calls are counted.
    pub edge: OnceLock<Arc<EdgeMetrics>>,
    /// Whether services on the way from the callee lead back to the caller.
    in_circle: AtomicBool,
    /// Arguments of one call, and its result.
    pub message_bytes_max: usize,
}

/// One function of a link.
struct LinkedFunction {
    link: Arc<Link>,
    name: Arc<str>,
    /// Whether the result has a place for the reason why there is no answer.
    has_unavailable: bool,
    /// The callee's code that was called last, and the function's number in it: both in one word,
    /// so that calls of the same revision look nothing up.
    last_found: AtomicU64,
}

/// A linked call without an answer, where the function has no way to say so: the caller traps.
#[derive(Debug, thiserror::Error)]
#[error("the linked call `{interface}#{function}` has no answer: {reason}")]
struct NoAnswer {
    interface: Arc<str>,
    function: Arc<str>,
    reason: String,
}

/// Adds the functions of all links that the component imports.
pub fn add_to_linker(
    linker: &mut Linker<InstanceState>,
    component: &Component,
    links: &[Arc<Link>],
) -> wasmtime::Result<()> {
    let engine = component.engine();
    let ty = component.component_type();
    for link in links {
        let Some(import) = ty.get_import(engine, &link.import) else {
            continue;
        };
        let ComponentItem::ComponentInstance(interface) = import.ty else {
            continue;
        };
        let mut instance = linker.instance(&link.import)?;
        for (name, export) in interface.exports(engine) {
            let ComponentItem::ComponentFunc(signature) = export.ty else {
                continue;
            };
            let function = Arc::new(LinkedFunction::new(link, name, &signature));
            instance.func_new_async(name, move |store, _, params, results| {
                let function = function.clone();
                Box::new(async move { function.answer(store, params, results).await })
            })?;
        }
    }
    Ok(())
}

impl Link {
    /// A link that leads nowhere yet.
    pub fn new(import: &str, callee_id: &str, in_circle: bool, message_bytes_max: usize) -> Self {
        Self {
            import: import.into(),
            callee_id: callee_id.into(),
            callee: OnceLock::new(),
            edge: OnceLock::new(),
            in_circle: AtomicBool::new(in_circle),
            message_bytes_max,
        }
    }

    /// Leads the link of `caller` to its callee.
    pub fn join(&self, caller: &Arc<str>, callee: &Arc<Service>) {
        // A service stays the same while its revisions change, so this is done once.
        let _ = self.callee.set(Arc::downgrade(callee));
        let _ = self.edge.set(callee.linked_by(caller));
    }

    /// Whether services on the way from the callee lead back to the caller.
    pub fn set_in_circle(&self, in_circle: bool) {
        self.in_circle.store(in_circle, Ordering::Relaxed);
    }
}

impl LinkedFunction {
    fn new(link: &Arc<Link>, name: &str, signature: &ComponentFunc) -> Self {
        Self {
            link: link.clone(),
            name: name.into(),
            has_unavailable: unavailable_case(signature),
            last_found: AtomicU64::new(u64::MAX),
        }
    }

    /// Calls the linked service; what keeps it from answering becomes the contract's own error
    /// where there is one.
    async fn answer(
        &self,
        mut store: StoreContextMut<'_, InstanceState>,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let callee = self.link.callee.get().and_then(Weak::upgrade);
        let Some(callee) = callee else {
            return self.no_answer("the service is gone".to_owned(), results);
        };
        let state = store.data_mut();
        let Some(caller) = state.invocation.clone() else {
            let reason = "a service cannot be called while its caller is started";
            return self.no_answer(reason.to_owned(), results);
        };
        let meter = state.meter.clone();
        let call = LinkedCall {
            function: self,
            params,
        };
        let answered = callee.call(call, &caller, meter, results).await;
        answered.or_else(|error| self.no_answer(error.for_caller(callee.id()), results))
    }

    fn no_answer(&self, reason: String, results: &mut [Val]) -> wasmtime::Result<()> {
        if let Some(result) = results.first_mut().filter(|_| self.has_unavailable) {
            let reason = Some(Box::new(Val::String(reason)));
            let unavailable = Val::Variant(UNAVAILABLE.to_owned(), reason);
            *result = Val::Result(Err(Some(Box::new(unavailable))));
            return Ok(());
        }
        Err(wasmtime::Error::from(NoAnswer {
            interface: self.link.import.clone(),
            function: self.name.clone(),
            reason,
        }))
    }
}

/// A call on its way to the callee.
pub struct LinkedCall<'a> {
    function: &'a LinkedFunction,
    pub params: &'a [Val],
}

impl LinkedCall<'_> {
    /// Whether services on the way from the callee lead back to the caller.
    pub fn in_circle(&self) -> bool {
        self.function.link.in_circle.load(Ordering::Relaxed)
    }

    /// Where the call is counted.
    pub fn edge(&self) -> Option<&Arc<EdgeMetrics>> {
        self.function.link.edge.get()
    }

    /// Refuses arguments that are too large.
    pub fn check_params(&self) -> Result<(), InvocationError> {
        messages::check(
            "the arguments",
            self.params,
            self.function.link.message_bytes_max,
        )
    }

    /// Refuses a result that is too large.
    pub fn check_results(&self, results: &[Val]) -> Result<(), InvocationError> {
        messages::check("the results", results, self.function.link.message_bytes_max)
    }

    /// The function's name, for the log.
    pub fn name(&self) -> &str {
        &self.function.name
    }

    /// The function's number in this code of the callee.
    pub fn number(&self, code: &Code) -> Result<usize, InvocationError> {
        let LinkedFunction {
            link,
            name,
            last_found,
            ..
        } = self.function;
        let found = last_found.load(Ordering::Relaxed);
        if found >> NUMBER_BITS == code.number {
            return Ok((found & NUMBER_MASK) as usize);
        }
        let number = code.function_number(&link.import, name).ok_or_else(|| {
            let reason = format!("it does not export `{}#{name}`", link.import);
            InvocationError::Instantiation(reason)
        })?;
        let packed = code.number << NUMBER_BITS | number as u64;
        last_found.store(packed, Ordering::Relaxed);
        Ok(number)
    }
}

/// Functions of one component that can be told apart in a word with the code's number.
const NUMBER_BITS: u32 = 20;
const NUMBER_MASK: u64 = (1 << NUMBER_BITS) - 1;
