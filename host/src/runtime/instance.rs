//! One sandbox of a service: a store, the component instantiated in it, and the calls that it
//! serves, one after the other. Which instance serves a call is left to [`super::instances`].

use std::sync::Arc;

use http_body_util::BodyExt;
use tokio::sync::oneshot;
use wasmtime::Store;
use wasmtime::component::{Func, Val};
use wasmtime_wasi_http::WasiBody;

use super::answer::{Head, ObservedBody};
use super::code::Code;
use super::handler::BoundHandler;
use super::host_places::HostPlace;
use super::meter::{self, Meter};
use super::state::InstanceState;
use crate::capabilities::invocation::Invocation;

/// Bytes that one host call may copy out of a guest, as wasmtime counts them: the values of a
/// linked call of the largest `message_bytes_max` fit at 40 bytes for each byte of a list.
const HOSTCALL_BYTES_MAX: usize = 64 << 20;

/// A sandbox. One that failed is dropped, never used again.
pub struct Instance {
    store: Store<InstanceState>,
    instance: wasmtime::component::Instance,
    code: Arc<Code>,
    /// Looked up at the first request.
    handler: Option<BoundHandler>,
    /// Calls that it has served.
    served: u64,
    _place: HostPlace,
}

impl Instance {
    /// Instantiates `code`. The limits in `state` hold from the start, because start code can loop.
    pub async fn make(
        code: Arc<Code>,
        state: InstanceState,
        place: HostPlace,
    ) -> wasmtime::Result<Self> {
        let mut store = Store::new(code.pre.engine(), state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(HOSTCALL_BYTES_MAX);
        meter::install(&mut store);
        let instance = code.pre.instantiate_async(&mut store).await?;
        Ok(Self {
            store,
            instance,
            code,
            handler: None,
            served: 0,
            _place: place,
        })
    }

    /// Hands the instance to an invocation.
    pub fn begin(&mut self, invocation: &Arc<Invocation>, meter: Arc<Meter>) {
        self.served += 1;
        self.store.data_mut().begin(invocation, meter);
    }

    /// Takes from the instance what belongs to the invocation that has ended.
    pub fn end(&mut self) {
        self.store.data_mut().end();
    }

    /// Calls that it has served, the present one included.
    pub fn served(&self) -> u64 {
        self.served
    }

    /// The code that it runs.
    pub fn code(&self) -> &Arc<Code> {
        &self.code
    }

    /// Runs the HTTP handler to its end; the head goes out as soon as it is set. `Ok(false)`: there
    /// is no handler.
    pub async fn handle(
        &mut self,
        request: http::Request<WasiBody>,
        head: oneshot::Sender<Head>,
    ) -> wasmtime::Result<bool> {
        let handler = match (self.handler.take(), &self.code.handler) {
            (Some(bound), _) => bound,
            (None, Some(handler)) => handler.bind(&mut self.store, &self.instance)?,
            (None, None) => return Ok(false),
        };
        let observed = self.store.data().meter.clone();
        let request = request.map(|body| ObservedBody::new(body, observed).boxed_unsync());
        let handler = self.handler.insert(handler);
        handler.run(&mut self.store, request, head).await?;
        Ok(true)
    }

    /// Calls an exported function by its number in [`Instance::code`].
    pub async fn call(
        &mut self,
        function: usize,
        params: &[Val],
        results: &mut [Val],
    ) -> wasmtime::Result<()> {
        let function: Option<Func> = self
            .code
            .function(function)
            .and_then(|index| self.instance.get_func(&mut self.store, index));
        let Some(function) = function else {
            return Err(wasmtime::Error::msg("the function is not exported"));
        };
        function.call_async(&mut self.store, params, results).await
    }
}
