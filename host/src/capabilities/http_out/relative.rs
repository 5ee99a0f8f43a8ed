//! Requests without an authority, which go to the app's own listener as in Spin. The bindings of
//! wasmtime refuse them before any hook is asked, so these two functions stand in front of them and
//! write `self.alt` as the authority.

use http::uri::{Authority, PathAndQuery};
use wasmtime::StoreContextMut;
use wasmtime::component::{Accessor, Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::{outgoing_handler, types as p2_types};
use wasmtime_wasi_http::p2::types::{HostFutureIncomingResponse, HostOutgoingRequest};
use wasmtime_wasi_http::p3::bindings::http::{client, types as p3_types};
use wasmtime_wasi_http::p3::{Request, Response};
use wasmtime_wasi_http::{RequestOptions, WasiHttp, WasiHttpCtxView};

/// The authority that stands for the app's own listener.
const SELF: &str = "self.alt";

/// Puts itself before `wasi:http/outgoing-handler@0.2`. To be called after wasmtime's own
/// interfaces were added.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> WasiHttpCtxView<'_>,
) -> wasmtime::Result<()> {
    type Handled = Result<Resource<HostFutureIncomingResponse>, p2_types::ErrorCode>;
    type Parameters = (
        Resource<HostOutgoingRequest>,
        Option<Resource<RequestOptions>>,
    );

    let handle = move |mut store: StoreContextMut<'_, T>,
                       (request, options): Parameters|
          -> wasmtime::Result<(Handled,)> {
        let mut view = get(store.data_mut());
        let outgoing = view.table.get_mut(&request)?;
        if outgoing.authority.as_deref().is_none_or(str::is_empty) {
            outgoing.authority = Some(SELF.to_owned());
            outgoing
                .path_with_query
                .get_or_insert_with(|| "/".to_owned());
        }
        match outgoing_handler::Host::handle(&mut view, request, options) {
            Ok(response) => Ok((Ok(response),)),
            Err(error) => Ok((Err(error.downcast()?),)),
        }
    };
    linker.allow_shadowing(true);
    let added = linker
        .instance("wasi:http/outgoing-handler@0.2.12")
        .and_then(|mut instance| instance.func_wrap("handle", handle));
    linker.allow_shadowing(false);
    added
}

/// Puts itself before `wasi:http/client@0.3`. Only for an engine with concurrency support; to be
/// called after wasmtime's own interfaces were added.
pub fn add_concurrent_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> WasiHttpCtxView<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let added = linker
        .instance("wasi:http/client@0.3.0")
        .and_then(|mut instance| {
            instance.func_wrap_concurrent("send", move |accessor, (request,)| {
                let getter = accessor.with_getter::<WasiHttp>(get);
                Box::pin(async move { Ok((send(&getter, request).await?,)) })
            })
        });
    linker.allow_shadowing(false);
    added
}

async fn send<T: Send + 'static>(
    accessor: &Accessor<T, WasiHttp>,
    request: Resource<Request>,
) -> wasmtime::Result<Result<Resource<Response>, p3_types::ErrorCode>> {
    accessor.with(|mut access| -> wasmtime::Result<()> {
        let outgoing = access.get().table.get_mut(&request)?;
        if outgoing.authority.is_none() {
            outgoing.authority = Some(Authority::from_static(SELF));
            outgoing
                .path_with_query
                .get_or_insert_with(|| PathAndQuery::from_static("/"));
        }
        Ok(())
    })?;
    match <WasiHttp as client::HostWithStore<T>>::send(accessor, request).await {
        Ok(response) => Ok(Ok(response)),
        Err(error) => Ok(Err(error.downcast()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::{add_concurrent_to_linker, add_to_linker};
    use wasmtime::Engine;
    use wasmtime::component::{Linker, ResourceTable};
    use wasmtime_wasi_http::{WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, p2, p3};

    struct Instance {
        hooks: Box<dyn WasiHttpHooks>,
        table: ResourceTable,
        http: WasiHttpCtx,
    }

    impl Instance {
        fn view(&mut self) -> WasiHttpCtxView<'_> {
            WasiHttpCtxView {
                hooks: &mut *self.hooks,
                table: &mut self.table,
                ctx: &mut self.http,
            }
        }
    }

    #[test]
    fn both_stand_in_front_of_the_bindings_and_leave_shadowing_off() {
        let mut linker = Linker::<Instance>::new(&Engine::default());
        p2::bindings::http::outgoing_handler::add_to_linker::<_, WasiHttp>(
            &mut linker,
            Instance::view,
        )
        .unwrap();
        add_to_linker(&mut linker, Instance::view).unwrap();
        p3::bindings::http::client::add_to_linker::<_, WasiHttp>(&mut linker, Instance::view)
            .unwrap();
        add_concurrent_to_linker(&mut linker, Instance::view).unwrap();
        let again =
            p3::bindings::http::client::add_to_linker::<_, WasiHttp>(&mut linker, Instance::view);
        assert!(again.is_err());
    }
}
