//! The patterns of HTTP routes: which ones are valid. Matching is left to the gateway.

/// Paths that the host itself answers.
const RESERVED: &str = "/.well-known/spin";

/// Checks a route and answers it with the leading slash that Spin lets one omit.
///
/// A route is a list of segments: a text, `:name` for any one segment, and at the end `...` or `*`
/// for any rest.
///
/// # Errors
/// What is wrong and how to mend it.
pub(super) fn check(route: &str) -> Result<String, (String, String)> {
    let absolute = if route.starts_with('/') {
        route.to_owned()
    } else {
        format!("/{route}")
    };
    if absolute == RESERVED || absolute.starts_with(&format!("{RESERVED}/")) {
        return Err((
            format!("`{RESERVED}/…` is answered by the host, the component would never be called"),
            "choose another route".to_owned(),
        ));
    }
    let mut segments = absolute.split('/').skip(1).peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        check_segment(segment, last)?;
    }
    Ok(absolute)
}

fn check_segment(segment: &str, last: bool) -> Result<(), (String, String)> {
    let refuse = |message: String, help: &str| Err((message, help.to_owned()));
    if segment == "..." || segment == "*" {
        if last {
            return Ok(());
        }
        return refuse(
            format!("`/{segment}` may only stand at the end"),
            "end the route there, or write `:name` for a single segment",
        );
    }
    if segment.contains('*') || segment.contains("...") {
        return refuse(
            format!("`{segment}` mixes a text with a wildcard"),
            "write `/...` at the end, or `:name` for a single segment",
        );
    }
    if segment.split('.').any(|part| part == ":") {
        return refuse(
            "`:` must be followed by a name".to_owned(),
            "write `:id`, for example",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn routes_that_spin_takes_are_valid() {
        for route in [
            "/",
            "/...",
            "/*",
            "/a",
            "/a/",
            "/a/:b/c",
            "/a/:b/...",
            "/.well-known/x",
        ] {
            assert_eq!(check(route).as_deref(), Ok(route));
        }
        assert_eq!(check("a/b").as_deref(), Ok("/a/b"));
        assert_eq!(check("").as_deref(), Ok("/"));
        assert_eq!(
            check("/.well-known/spinning").as_deref(),
            Ok("/.well-known/spinning")
        );
    }

    #[test]
    fn other_routes_are_refused() {
        for route in [
            "/.../a",
            "/*/a",
            "/a*",
            "/*a",
            "/a...",
            "/:",
            "/a/:/b",
            "/.well-known/spin/x",
        ] {
            assert!(check(route).is_err(), "{route}");
        }
    }

    proptest! {
        #[test]
        fn a_checked_route_stays_as_it_is(route in "[/a:.*]{0,12}") {
            if let Ok(checked) = check(&route) {
                prop_assert_eq!(check(&checked), Ok(checked.clone()));
            }
        }
    }
}
