//! Interfaces that Spin has and this host does not. Some SDKs keep every import of their world,
//! used or not, so a component that imports one still loads; a call of it fails.
//!
//! Where the function can answer `connection-failed`, it does, as Spin answers for an address that
//! is not permitted; else the guest traps with the interface's name. An import that Spin does not
//! have either is left to be refused by the linker.

use std::sync::Arc;

use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType, Type, Val};

use super::contracts::{Contract, Item};
use super::state::InstanceState;
use crate::network::allowed_hosts::{AllowedHosts, Verdict, default_port};

/// How the names of these interfaces begin.
const ABSENT: [&str; 7] = [
    "fermyon:spin/llm@",
    "fermyon:spin/mqtt@",
    "fermyon:spin/mysql@",
    "fermyon:spin/postgres@",
    "spin:mqtt/",
    "spin:mysql/",
    "spin:postgres/",
];

/// Release candidates of WASI 0.3, which some SDKs import beside the version that they use.
const ABSENT_CANDIDATE: &str = "@0.3.0-rc-";

/// The case of an error that says why there is no connection.
const CONNECTION_FAILED: &str = "connection-failed";

/// The names of the absent interfaces that the component imports.
pub fn imports(contract: &Contract) -> Vec<String> {
    let names = contract.imports.iter().map(Item::name);
    names
        .filter(|name| is_absent(name))
        .map(str::to_owned)
        .collect()
}

/// Adds the absent interfaces that the component imports.
pub fn add_to_linker(
    linker: &mut Linker<InstanceState>,
    component: &Component,
    allowed_hosts: &Arc<AllowedHosts>,
) -> wasmtime::Result<()> {
    let engine = component.engine();
    for (name, item) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = item.ty else {
            continue;
        };
        if is_absent(name) {
            let mut instance = linker.instance(name)?;
            add_interface(&mut instance, name, &interface, engine, allowed_hosts)?;
        }
    }
    Ok(())
}

/// Whether Spin has an interface of this name and this host does not.
pub fn is_absent(name: &str) -> bool {
    ABSENT.iter().any(|absent| name.starts_with(absent)) || name.contains(ABSENT_CANDIDATE)
}

fn add_interface(
    instance: &mut LinkerInstance<'_, InstanceState>,
    name: &str,
    interface: &ComponentInstance,
    engine: &wasmtime::Engine,
    allowed_hosts: &Arc<AllowedHosts>,
) -> wasmtime::Result<()> {
    for (export, item) in interface.exports(engine) {
        let function = format!("{name}#{export}");
        match item.ty {
            ComponentItem::Resource(_) => {
                instance.resource(export, ResourceType::host::<()>(), |_, _| Ok(()))?;
            }
            ComponentItem::ComponentFunc(signature) if signature.async_() => {
                instance.func_new_concurrent(export, move |_, _, _, _| {
                    let error = not_offered(&function);
                    Box::pin(async move { Err(error) })
                })?;
            }
            ComponentItem::ComponentFunc(_) => {
                let allowed_hosts = allowed_hosts.clone();
                instance.func_new(export, move |_, signature, arguments, results| {
                    let failed = connection_failed(&signature, arguments, &allowed_hosts);
                    let (Some(failed), Some(result)) = (failed, results.first_mut()) else {
                        return Err(not_offered(&function));
                    };
                    *result = failed;
                    Ok(())
                })?;
            }
            ComponentItem::CoreFunc(_)
            | ComponentItem::Module(_)
            | ComponentItem::Component(_)
            | ComponentItem::ComponentInstance(_)
            | ComponentItem::Type(_) => {}
        }
    }
    Ok(())
}

fn not_offered(function: &str) -> wasmtime::Error {
    wasmtime::format_err!("`{function}` is not offered by kumiki")
}

/// `connection-failed(reason)`, if the function takes an address first and can answer so.
fn connection_failed(
    signature: &ComponentFunc,
    arguments: &[Val],
    allowed_hosts: &AllowedHosts,
) -> Option<Val> {
    let (Some(Val::String(address)), Some(Type::Result(result))) =
        (arguments.first(), signature.results().next())
    else {
        return None;
    };
    let Some(Type::Variant(error)) = result.err() else {
        return None;
    };
    error.cases().find(|case| case.name == CONNECTION_FAILED)?;
    let reason = if permits(allowed_hosts, address) {
        format!("address {address} cannot be reached: kumiki does not offer this interface")
    } else {
        format!("address {address} is not permitted")
    };
    let reason = Some(Box::new(Val::String(reason)));
    let error = Val::Variant(CONNECTION_FAILED.to_owned(), reason);
    Some(Val::Result(Err(Some(Box::new(error)))))
}

fn permits(allowed_hosts: &AllowedHosts, address: &str) -> bool {
    let Ok(url) = url::Url::parse(address) else {
        return false;
    };
    let port = url.port().or_else(|| default_port(url.scheme()));
    let (Some(host), Some(port)) = (url.host_str(), port) else {
        return false;
    };
    allowed_hosts.check(url.scheme(), host, port) != Verdict::Denied
}

#[cfg(test)]
mod tests {
    use super::{AllowedHosts, is_absent, permits};

    #[test]
    fn only_what_spin_has_is_absent() {
        assert!(is_absent("spin:postgres/postgres@3.0.0"));
        assert!(is_absent("wasi:http/types@0.3.0-rc-2026-03-15"));
        assert!(!is_absent("store:catalog/products@1.0.0"));
        assert!(!is_absent("wasi:http/types@0.3.0"));
    }

    #[test]
    fn an_address_is_judged_by_scheme_host_and_port() {
        let allowed = AllowedHosts::parse(&["mqtt://localhost:1883".to_owned()]).unwrap();
        assert!(permits(&allowed, "mqtt://localhost:1883?client_id=one"));
        assert!(!permits(&allowed, "mqtt://localhost:1884"));
        assert!(!permits(&allowed, "host=localhost"));
    }
}
