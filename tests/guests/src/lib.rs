//! What the guests under `examples/` share: the handler of `wasi:http` 0.2 and of 0.3 reduced to
//! one function, the query of a request, and the bindings of the interfaces that are not part of
//! WASI. Each guest shows one behaviour of the host; the tests that drive them are in `tests/e2e/`.
//!
//! A guest answers 200 with what the host returned, and 422 with the name of the error that the
//! host returned.

pub mod bindings;
pub mod incoming;
pub mod linked;
pub mod outgoing;
pub mod query;
pub mod service;
pub mod stored;
pub mod values;

pub use wasip2;
pub use wasip3;
