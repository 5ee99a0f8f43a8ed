//! From the bytes of an artifact to a component, and which engine it needs.
//!
//! A core module with embedded WIT (what `wit-bindgen` leaves before componentization) becomes a
//! component with the preview1 adapter, as Spin does. Compiling is left to
//! [`super::artifact_cache`].

use std::borrow::Cow;

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

use super::engine::EngineKind;

/// How every module and component begins.
const MAGIC: &[u8] = b"\0asm";

/// Why an artifact is not a component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentizeError {
    /// The bytes are no WebAssembly at all.
    #[error("it is not WebAssembly: {0}")]
    NotWasm(String),
    /// A core module that says nothing of its contract.
    #[error(
        "it is a core module without embedded WIT; build it for the target wasm32-wasip2, or with \
         wit-bindgen"
    )]
    NoEmbeddedWit,
    /// The component encoder refused the module.
    #[error("the core module could not be made a component: {0}")]
    Encode(String),
    /// The component is invalid.
    #[error("it is not a valid component: {0}")]
    Invalid(String),
}

/// The component that `wasm` is, or becomes.
pub fn componentize(wasm: &[u8]) -> Result<Cow<'_, [u8]>, ComponentizeError> {
    match encoding(wasm)? {
        Encoding::Component => Ok(Cow::Borrowed(wasm)),
        Encoding::Module => encode(wasm).map(Cow::Owned),
    }
}

/// The engine that a component needs: the plain one if it is valid without the component model's
/// async features.
pub fn engine_kind(component: &[u8]) -> Result<EngineKind, ComponentizeError> {
    let plain = WasmFeatures::all()
        & !WasmFeatures::CM_ASYNC
        & !WasmFeatures::CM_ASYNC_STACKFUL
        & !WasmFeatures::CM_MORE_ASYNC_BUILTINS;
    if Validator::new_with_features(plain)
        .validate_all(component)
        .is_ok()
    {
        return Ok(EngineKind::Plain);
    }
    Validator::new_with_features(WasmFeatures::all())
        .validate_all(component)
        .map(|_| EngineKind::Concurrent)
        .map_err(|error| ComponentizeError::Invalid(error.to_string()))
}

fn encoding(wasm: &[u8]) -> Result<Encoding, ComponentizeError> {
    if !wasm.starts_with(MAGIC) {
        let reason = "it does not begin with the bytes 00 61 73 6d";
        return Err(ComponentizeError::NotWasm(reason.to_owned()));
    }
    match Parser::new(0).parse_all(wasm).next() {
        Some(Ok(Payload::Version { encoding, .. })) => Ok(encoding),
        Some(Ok(_)) | None => Err(ComponentizeError::NotWasm(
            "the header is missing".to_owned(),
        )),
        Some(Err(error)) => Err(ComponentizeError::NotWasm(error.to_string())),
    }
}

fn encode(module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    let shape = ModuleShape::read(module)?;
    if !shape.has_embedded_wit {
        return Err(ComponentizeError::NoEmbeddedWit);
    }
    let adapter = if shape.is_command {
        WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER
    } else {
        WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER
    };
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|encoder| encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, adapter))
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| ComponentizeError::Encode(format!("{error:#}")))
}

/// What decides how a core module is componentized.
#[derive(Default)]
struct ModuleShape {
    has_embedded_wit: bool,
    /// It has `_start`, so the adapter exports `wasi:cli/run`.
    is_command: bool,
}

impl ModuleShape {
    fn read(module: &[u8]) -> Result<Self, ComponentizeError> {
        let mut shape = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload.map_err(|error| ComponentizeError::NotWasm(error.to_string()))? {
                Payload::CustomSection(section) => {
                    shape.has_embedded_wit |= section.name().starts_with("component-type");
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export
                            .map_err(|error| ComponentizeError::NotWasm(error.to_string()))?;
                        shape.is_command |= export.name == "_start";
                    }
                }
                _ => {}
            }
        }
        Ok(shape)
    }
}

#[cfg(test)]
mod tests {
    use super::{ComponentizeError, componentize, engine_kind};
    use crate::runtime::engine::EngineKind;

    #[test]
    fn bytes_that_are_no_wasm_are_refused() {
        assert!(matches!(
            componentize(b"hello"),
            Err(ComponentizeError::NotWasm(_))
        ));
        assert!(matches!(
            componentize(b""),
            Err(ComponentizeError::NotWasm(_))
        ));
    }

    #[test]
    fn a_module_without_wit_is_refused_with_the_mend() {
        let empty_module = b"\0asm\x01\0\0\0";
        let error = componentize(empty_module).unwrap_err();
        assert!(error.to_string().contains("wasm32-wasip2"), "{error}");
    }

    #[test]
    fn an_empty_component_needs_the_plain_engine() {
        let empty_component = b"\0asm\x0d\0\x01\0";
        assert!(componentize(empty_component).is_ok());
        assert_eq!(engine_kind(empty_component).unwrap(), EngineKind::Plain);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            if let Ok(component) = componentize(&bytes) {
                let _ = engine_kind(&component);
            }
        }
    }
}
