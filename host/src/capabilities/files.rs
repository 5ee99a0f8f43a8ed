//! stub
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct FilesError;
pub struct Config;
impl Config {
    pub fn prepare(
        _: &[crate::manifest::model::FileMount],
        _: &[String],
        _: &std::path::Path,
        _: &std::path::Path,
    ) -> Result<Self, FilesError> {
        Ok(Config)
    }
    pub fn apply(&self, _: &mut wasmtime_wasi::WasiCtxBuilder) -> Result<(), FilesError> {
        Ok(())
    }
}
