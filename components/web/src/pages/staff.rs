//! The staff's pages. Each service checks itself who may do what; here is only the way there.

pub mod orders;
pub mod products;
pub mod stock;
