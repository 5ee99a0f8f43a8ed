//! Which trigger answers a path, by the rules of Spin's HTTP trigger.
//!
//! A pattern is a list of segments: text, `:name`, or at the end `...` (or `*`) for the rest of the
//! path. Segments are compared from the left, text before `:name` before the rest, so an exact
//! route wins and then the longest prefix. Of two identical patterns the last one declared wins; of
//! two that differ only in names (`/:a`, `/:b`) the first. A slash at the end of a path or a
//! pattern does not matter.
//!
//! One difference to Spin: a segment that begins with a dot (`/a/.b`) is text like any other; Spin
//! takes it for `/a.b`. Paths are matched as they were sent: nothing is percent-decoded and `..` is
//! a segment like any other, as in Spin. What a path means to a guest is left to the guest; private
//! routes are left out by the caller.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue};

/// All public routes of an app, most specific first.
#[derive(Debug)]
pub struct Router {
    routes: Vec<Route>,
    shadowed: Vec<Shadowed>,
}

/// One pattern and the trigger that it leads to.
#[derive(Debug)]
pub struct Route {
    pattern: String,
    segments: Vec<Segment>,
    trigger: usize,
    /// `spin-path-match-NAME` for every `:name`, in order; `None` where the name cannot stand in a
    /// header.
    capture_headers: Vec<Option<HeaderName>>,
    /// The three forms of the pattern that a guest is told.
    headers: RouteHeaders,
}

/// The pattern as header values, made once per route.
#[derive(Clone, Debug)]
pub struct RouteHeaders {
    /// `spin-raw-component-route`: as written in the manifest.
    pub raw: HeaderValue,
    /// `spin-component-route`: without the `/...` at the end.
    pub component: HeaderValue,
    /// `spin-matched-route`: with a leading and without a trailing slash, so `/` becomes empty, as
    /// in Spin.
    pub matched: HeaderValue,
}

/// A trigger that no path can reach, because a later one has the same pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadowed {
    /// The pattern that both have.
    pub pattern: String,
    /// The trigger that is never called.
    pub hidden: usize,
    /// The trigger that is called instead.
    pub effective: usize,
}

/// The route of one path, with what the pattern left open.
#[derive(Debug)]
pub struct RouteMatch<'router, 'path> {
    route: &'router Route,
    path_info: Cow<'path, str>,
    captures: Vec<&'path str>,
}

/// A pattern that cannot be a route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    #[error("route `{0}`: `...` and `*` may only be the last segment")]
    WildcardNotLast(String),
    #[error("route `{0}`: a `:` needs a name after it")]
    UnnamedCapture(String),
    #[error("route `{0}`: only visible characters may stand in a route")]
    NotPrintable(String),
}

/// What stands between two slashes of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    /// Text and captures in turn; a capture that text follows ends at the first dot (`:name.json`).
    Pieces(Vec<Piece>),
    /// The rest of the path, possibly nothing.
    Rest,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Capture(String),
}

impl Router {
    /// Builds the router from pairs of a pattern and the index of its trigger, in the order of the
    /// manifest.
    pub fn new<'a>(
        patterns: impl IntoIterator<Item = (&'a str, usize)>,
    ) -> Result<Self, RouteError> {
        let mut routes: Vec<Route> = Vec::new();
        let mut shadowed = Vec::new();
        for (pattern, trigger) in patterns {
            match routes.iter_mut().find(|route| route.pattern == pattern) {
                Some(earlier) => {
                    shadowed.push(Shadowed {
                        pattern: pattern.to_owned(),
                        hidden: earlier.trigger,
                        effective: trigger,
                    });
                    earlier.trigger = trigger;
                }
                None => routes.push(Route::new(pattern, trigger)?),
            }
        }
        routes.sort_by_cached_key(Route::precedence);
        Ok(Self { routes, shadowed })
    }

    /// The most specific route that matches; `path` is the request's path without its query.
    pub fn route<'router, 'path>(
        &'router self,
        path: &'path str,
    ) -> Option<RouteMatch<'router, 'path>> {
        self.routes.iter().find_map(|route| route.matches(path))
    }

    /// Triggers that can never be reached, for a warning at start.
    pub fn shadowed(&self) -> &[Shadowed] {
        &self.shadowed
    }
}

impl Route {
    fn new(pattern: &str, trigger: usize) -> Result<Self, RouteError> {
        let segments = parse(pattern)?;
        let capture_headers = captures(&segments).map(capture_header).collect();
        let absolute = if pattern.starts_with('/') {
            Cow::Borrowed(pattern)
        } else {
            Cow::Owned(format!("/{pattern}"))
        };
        let value = |text: &str| {
            HeaderValue::from_str(text).map_err(|_| RouteError::NotPrintable(pattern.to_owned()))
        };
        let headers = RouteHeaders {
            raw: value(pattern)?,
            component: value(pattern.strip_suffix("/...").unwrap_or(pattern))?,
            matched: value(absolute.strip_suffix('/').unwrap_or(&absolute))?,
        };
        Ok(Self {
            pattern: pattern.to_owned(),
            segments,
            trigger,
            capture_headers,
            headers,
        })
    }

    /// The route that a chained call has: the whole path is its path-info.
    pub fn chained() -> Self {
        Self {
            pattern: "/...".to_owned(),
            segments: vec![Segment::Rest],
            trigger: usize::MAX,
            capture_headers: Vec::new(),
            headers: RouteHeaders {
                raw: HeaderValue::from_static("/..."),
                component: HeaderValue::from_static(""),
                matched: HeaderValue::from_static("/..."),
            },
        }
    }

    /// The match of a chained call, which no pattern decided.
    pub fn match_whole<'router, 'path>(
        &'router self,
        path: &'path str,
    ) -> RouteMatch<'router, 'path> {
        RouteMatch {
            route: self,
            path_info: Cow::Borrowed(path),
            captures: Vec::new(),
        }
    }

    /// Sorts text before captures before the rest of the path, compared segment by segment; a
    /// capture that text follows (`:name.json`) says more than one that takes the whole segment.
    fn precedence(&self) -> Vec<u8> {
        let mut ranks = Vec::new();
        for segment in &self.segments {
            match segment {
                Segment::Rest => ranks.push(3),
                Segment::Pieces(pieces) => {
                    let mut pieces = pieces.iter().peekable();
                    while let Some(piece) = pieces.next() {
                        ranks.push(match (piece, pieces.peek()) {
                            (Piece::Text(_), _) => 0,
                            (Piece::Capture(_), Some(_)) => 1,
                            (Piece::Capture(_), None) => 2,
                        });
                    }
                }
            }
        }
        ranks
    }

    fn matches<'router, 'path>(
        &'router self,
        path: &'path str,
    ) -> Option<RouteMatch<'router, 'path>> {
        let mut rest = path.trim_matches('/');
        let mut captures = Vec::new();
        let mut path_info = Cow::Borrowed("");
        for (index, segment) in self.segments.iter().enumerate() {
            match segment {
                Segment::Rest => {
                    if index > 0 && !rest.is_empty() {
                        rest = rest.strip_prefix('/')?;
                    }
                    path_info = rest_as_path_info(rest, path);
                    rest = "";
                }
                Segment::Pieces(pieces) => {
                    if index > 0 {
                        rest = rest.strip_prefix('/')?;
                    }
                    if rest.is_empty() {
                        return None;
                    }
                    let end = rest.find('/').unwrap_or(rest.len());
                    let (part, after) = rest.split_at_checked(end)?;
                    match_pieces(pieces, part, &mut captures)?;
                    rest = after;
                }
            }
        }
        rest.is_empty().then_some(RouteMatch {
            route: self,
            path_info,
            captures,
        })
    }
}

impl<'router, 'path> RouteMatch<'router, 'path> {
    /// The index that was given for the pattern.
    pub fn trigger(&self) -> usize {
        self.route.trigger
    }

    /// The pattern as written in the manifest.
    pub fn pattern(&self) -> &'router str {
        &self.route.pattern
    }

    /// The pattern's forms that a guest is told.
    pub fn headers(&self) -> &'router RouteHeaders {
        &self.route.headers
    }

    /// What `/...` stands for, with the slash before it and the slash at the path's end; else
    /// empty.
    pub fn path_info(&self) -> &str {
        &self.path_info
    }

    /// Every `:name` that can stand in a header: the header and what it matched, undecoded.
    pub fn captures(&self) -> impl Iterator<Item = (&'router HeaderName, &'path str)> {
        let names = self.route.capture_headers.iter();
        names
            .zip(&self.captures)
            .filter_map(|(name, value)| Some((name.as_ref()?, *value)))
    }
}

/// Spin tells whether the path ended with a slash, though it matches without it.
fn rest_as_path_info<'path>(rest: &'path str, path: &str) -> Cow<'path, str> {
    match (rest.is_empty(), path.ends_with('/')) {
        (true, false) => Cow::Borrowed(""),
        (true, true) => Cow::Borrowed("/"),
        (false, false) => Cow::Owned(format!("/{rest}")),
        (false, true) => Cow::Owned(format!("/{rest}/")),
    }
}

fn match_pieces<'path>(
    pieces: &[Piece],
    part: &'path str,
    captures: &mut Vec<&'path str>,
) -> Option<()> {
    let mut rest = part;
    let mut pieces = pieces.iter().peekable();
    while let Some(piece) = pieces.next() {
        match piece {
            Piece::Text(text) => rest = rest.strip_prefix(text.as_str())?,
            Piece::Capture(_) => {
                let end = match pieces.peek() {
                    Some(_) => rest.find('.')?,
                    None => rest.len(),
                };
                let (value, after) = rest.split_at_checked(end)?;
                captures.push(value);
                rest = after;
            }
        }
    }
    rest.is_empty().then_some(())
}

fn parse(pattern: &str) -> Result<Vec<Segment>, RouteError> {
    let mut segments = Vec::new();
    let mut parts = pattern
        .split('/')
        .filter(|part| !part.is_empty())
        .peekable();
    while let Some(part) = parts.next() {
        segments.push(match part {
            "..." | "*" if parts.peek().is_none() => Segment::Rest,
            _ if part == "..." || part.contains('*') => {
                return Err(RouteError::WildcardNotLast(pattern.to_owned()));
            }
            _ => Segment::Pieces(parse_pieces(part, pattern)?),
        });
    }
    Ok(segments)
}

fn parse_pieces(part: &str, pattern: &str) -> Result<Vec<Piece>, RouteError> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (index, section) in part.split('.').enumerate() {
        let mut text = String::from(if index > 0 { "." } else { "" });
        match section.strip_prefix(':') {
            Some("") => return Err(RouteError::UnnamedCapture(pattern.to_owned())),
            Some(name) => {
                push_text(&mut pieces, &text);
                pieces.push(Piece::Capture(name.to_owned()));
            }
            None => {
                text.push_str(section);
                push_text(&mut pieces, &text);
            }
        }
    }
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(before)) => before.push_str(text),
        Some(Piece::Capture(_)) | None => pieces.push(Piece::Text(text.to_owned())),
    }
}

fn captures(segments: &[Segment]) -> impl Iterator<Item = &str> {
    let pieces = segments.iter().flat_map(|segment| match segment {
        Segment::Pieces(pieces) => pieces.as_slice(),
        Segment::Rest => &[],
    });
    pieces.filter_map(|piece| match piece {
        Piece::Capture(name) => Some(name.as_str()),
        Piece::Text(_) => None,
    })
}

/// Spin writes `:user_id` as `spin-path-match-user-id`.
fn capture_header(name: &str) -> Option<HeaderName> {
    let name = name.replace('_', "-").to_ascii_lowercase();
    HeaderName::try_from(format!("spin-path-match-{name}")).ok()
}

#[cfg(test)]
mod tests;
