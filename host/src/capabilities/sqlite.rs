//! stub
use wasmtime::component::{Linker, ResourceTable};
pub struct Config;
impl Config {
    pub fn new(_: u64) -> Self {
        Config
    }
    pub fn grant(&mut self, _: &str, _: &std::path::Path) {}
}
pub struct Context;
impl Context {
    pub fn new(_: std::sync::Arc<Config>) -> Self {
        Context
    }
    pub fn begin(&mut self, _: &super::invocation::Invocation) {}
}
pub struct SqliteView<'a> {
    pub context: &'a mut Context,
    pub table: &'a mut ResourceTable,
}
pub fn add_to_linker<T>(
    _: &mut Linker<T>,
    _: fn(&mut T) -> SqliteView<'_>,
) -> wasmtime::Result<()> {
    Ok(())
}
pub fn add_concurrent_to_linker<T>(
    _: &mut Linker<T>,
    _: fn(&mut T) -> SqliteView<'_>,
) -> wasmtime::Result<()> {
    Ok(())
}
