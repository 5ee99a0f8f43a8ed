//! stub
use wasmtime::component::{Linker,ResourceTable};
pub struct Config{pub allowed_hosts:std::sync::Arc<crate::network::allowed_hosts::AllowedHosts>,pub guard:std::sync::Arc<crate::network::guard::Guard>}
pub struct Context; impl Context{ pub fn new(_:std::sync::Arc<Config>)->Self{Context} }
pub struct RedisView<'a>{pub context:&'a mut Context,pub table:&'a mut ResourceTable}
pub fn add_to_linker<T>(_:&mut Linker<T>,_:fn(&mut T)->RedisView<'_>)->wasmtime::Result<()>{Ok(())}
pub fn add_concurrent_to_linker<T>(_:&mut Linker<T>,_:fn(&mut T)->RedisView<'_>)->wasmtime::Result<()>{Ok(())}
