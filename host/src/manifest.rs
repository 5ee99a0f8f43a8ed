//! The Spin manifest and the runtime config: read, checked, and every mistake reported with its position.

pub mod model;
