//! How many sockets an instance may make. Each holds a file descriptor from its first moment, long
//! before an address is judged, and the host's clients need descriptors as well.
//!
//! The functions stand in front of wasmtime's own, which have no such limit.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi::p2::bindings::sockets as p2;
use wasmtime_wasi::p3::bindings::sockets::types as p3;
use wasmtime_wasi::sockets::WasiSocketsCtxView;

/// Sockets that one instance may make in its life; with `instances_max` instances a service stays
/// below the 20,000 descriptors that a process commonly has.
const SOCKETS_MAX: u32 = 128;

/// The sockets of one instance.
pub struct Context {
    left: u32,
}

impl Default for Context {
    fn default() -> Self {
        Self { left: SOCKETS_MAX }
    }
}

/// The capability as the functions see it.
pub struct SocketsView<'a> {
    /// What is left of the limit.
    pub context: &'a mut Context,
    /// wasmtime's own sockets.
    pub sockets: WasiSocketsCtxView<'a>,
}

impl SocketsView<'_> {
    /// Takes one socket from the limit.
    fn may_make_one(&mut self) -> bool {
        let left = self.context.left.checked_sub(1);
        self.context.left = left.unwrap_or_default();
        left.is_some()
    }
}

/// Puts the limit before the sockets of WASI 0.2. To be called after wasmtime's own interfaces were
/// added.
pub fn add_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> SocketsView<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let added = limit_plain(linker, get);
    linker.allow_shadowing(false);
    added
}

/// Puts the limit before the sockets of WASI 0.3. Only for an engine with concurrency support; to
/// be called after wasmtime's own interfaces were added.
pub fn add_concurrent_to_linker<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> SocketsView<'_>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    let added = limit_concurrent(linker, get);
    linker.allow_shadowing(false);
    added
}

type Made<S, E> = wasmtime::Result<(Result<Resource<S>, E>,)>;

fn limit_plain<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> SocketsView<'_>,
) -> wasmtime::Result<()> {
    use p2::network::{ErrorCode, IpAddressFamily};
    type Tcp = Made<p2::tcp_create_socket::TcpSocket, ErrorCode>;
    type Udp = Made<p2::udp_create_socket::UdpSocket, ErrorCode>;

    linker
        .instance("wasi:sockets/tcp-create-socket@0.2.12")?
        .func_wrap(
            "create-tcp-socket",
            move |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| -> Tcp {
                let mut view = get(store.data_mut());
                if !view.may_make_one() {
                    return Ok((Err(ErrorCode::NewSocketLimit),));
                }
                match p2::tcp_create_socket::Host::create_tcp_socket(&mut view.sockets, family) {
                    Ok(socket) => Ok((Ok(socket),)),
                    Err(error) => Ok((Err(error.downcast()?),)),
                }
            },
        )?;
    linker
        .instance("wasi:sockets/udp-create-socket@0.2.12")?
        .func_wrap_async(
            "create-udp-socket",
            move |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| {
                Box::new(async move {
                    let mut view = get(store.data_mut());
                    let made: Udp = if view.may_make_one() {
                        let sockets = &mut view.sockets;
                        match p2::udp_create_socket::Host::create_udp_socket(sockets, family).await
                        {
                            Ok(socket) => Ok((Ok(socket),)),
                            Err(error) => Ok((Err(error.downcast()?),)),
                        }
                    } else {
                        Ok((Err(ErrorCode::NewSocketLimit),))
                    };
                    made
                })
            },
        )
}

fn limit_concurrent<T: Send + 'static>(
    linker: &mut Linker<T>,
    get: fn(&mut T) -> SocketsView<'_>,
) -> wasmtime::Result<()> {
    use p3::{ErrorCode, IpAddressFamily};
    type Tcp = Made<p3::TcpSocket, ErrorCode>;
    type Udp = Made<p3::UdpSocket, ErrorCode>;

    let too_many = || ErrorCode::Other(Some("this instance has made too many sockets".to_owned()));
    let mut types = linker.instance("wasi:sockets/types@0.3.0")?;
    types.func_wrap(
        "[static]tcp-socket.create",
        move |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| -> Tcp {
            let mut view = get(store.data_mut());
            if !view.may_make_one() {
                return Ok((Err(too_many()),));
            }
            match p3::HostTcpSocket::create(&mut view.sockets, family) {
                Ok(socket) => Ok((Ok(socket),)),
                Err(error) => Ok((Err(error.downcast()?),)),
            }
        },
    )?;
    types.func_wrap_async(
        "[static]udp-socket.create",
        move |mut store: StoreContextMut<'_, T>, (family,): (IpAddressFamily,)| {
            Box::new(async move {
                let mut view = get(store.data_mut());
                let made: Udp = if view.may_make_one() {
                    match p3::HostUdpSocket::create(&mut view.sockets, family).await {
                        Ok(socket) => Ok((Ok(socket),)),
                        Err(error) => Ok((Err(error.downcast()?),)),
                    }
                } else {
                    Ok((Err(too_many()),))
                };
                made
            })
        },
    )
}
