//! The rule by which a canary is judged (docs/OPERATIONS.md, "kumiki deploy").

/// `[component.ID.tool.kumiki.canary]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Canary {
    /// What keeps a client at one revision. `None`: each request tree is drawn.
    pub sticky: Option<Sticky>,
    /// The calls of so long are compared.
    pub window_ms: u64,
    /// Calls of the new revision in a window, before it is judged.
    pub calls_min: u64,
    /// Failed calls, in percent points above the old revision's.
    pub errors_max_percent_more: f64,
    /// Of the old revision's p99.
    pub p99_max_ratio: f64,
}

/// The part of a request whose value chooses the revision.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sticky {
    /// A cookie's name.
    Cookie(String),
    /// A header's name, in lower case.
    Header(String),
}

impl Default for Canary {
    fn default() -> Self {
        Self {
            sticky: None,
            window_ms: 10_000,
            calls_min: 50,
            errors_max_percent_more: 1.0,
            p99_max_ratio: 2.0,
        }
    }
}
