//! What is linked into a component: every interface that the host offers, for both kinds of engine.

use std::borrow::Cow;

use wasmtime::Engine;
use wasmtime::component::{Component, Linker};
use wasmtime_wasi_http::WasiHttpView;

use super::engine::{EngineKind, Engines};
use super::state::InstanceState;
use crate::capabilities::{http_out, key_value, redis, sockets, sqlite, variables};

/// One linker for each kind of engine, shared by all components.
pub struct Linkers {
    plain: Linker<InstanceState>,
    concurrent: Linker<InstanceState>,
}

impl Linkers {
    pub fn new(engines: &Engines) -> wasmtime::Result<Self> {
        let linker = |kind| linker(engines.get(kind), kind);
        Ok(Self {
            plain: linker(EngineKind::Plain)?,
            concurrent: linker(EngineKind::Concurrent)?,
        })
    }

    /// The linker for a component; one that runs in an on-demand engine gets its own.
    pub fn get(
        &self,
        component: &Component,
        kind: EngineKind,
    ) -> wasmtime::Result<Cow<'_, Linker<InstanceState>>> {
        let shared = match kind {
            EngineKind::Plain => &self.plain,
            EngineKind::Concurrent => &self.concurrent,
        };
        let engine = component.engine();
        if Engine::same(engine, shared.engine()) {
            Ok(Cow::Borrowed(shared))
        } else {
            linker(engine, kind).map(Cow::Owned)
        }
    }
}

/// A linker with every interface that components of this kind may import.
fn linker(engine: &Engine, kind: EngineKind) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker)?;
    http_out::add_to_linker(&mut linker, InstanceState::http)?;
    sockets::add_to_linker(&mut linker, InstanceState::sockets)?;
    key_value::add_to_linker(&mut linker, InstanceState::key_value)?;
    redis::add_to_linker(&mut linker, InstanceState::redis)?;
    variables::add_to_linker(&mut linker, InstanceState::variables)?;
    sqlite::add_to_linker(&mut linker, InstanceState::sqlite)?;
    if kind == EngineKind::Concurrent {
        wasmtime_wasi::p3::add_to_linker(&mut linker)?;
        wasmtime_wasi_http::p3::add_to_linker(&mut linker)?;
        http_out::add_concurrent_to_linker(&mut linker, InstanceState::http)?;
        sockets::add_concurrent_to_linker(&mut linker, InstanceState::sockets)?;
        key_value::add_concurrent_to_linker(&mut linker, InstanceState::key_value)?;
        redis::add_concurrent_to_linker(&mut linker, InstanceState::redis)?;
        variables::add_concurrent_to_linker(&mut linker, InstanceState::variables)?;
        sqlite::add_concurrent_to_linker(&mut linker, InstanceState::sqlite)?;
    }
    Ok(linker)
}
