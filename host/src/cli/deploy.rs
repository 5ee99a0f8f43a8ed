//! `kumiki deploy`: what it prints.

pub mod breaks;
