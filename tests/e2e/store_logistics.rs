//! The service `logistics` through the real host.
