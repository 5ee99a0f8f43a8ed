//! `kumiki apply`: what it prints.

pub mod plan;
