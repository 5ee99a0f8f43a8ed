//! What goes through the bus: events that services publish and take, and schedules. docs/EVENTS.md is
//! the specification.
//!
//! Left to others: the log on disk (`storage::bus`), running a handler (the runtime), what an atomic
//! handler commits (`storage::key_value::unit`).

pub mod cloud_event;
pub mod endpoint;
