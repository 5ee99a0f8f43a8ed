//! Paths of a service that the host alone calls: those of its subscriptions and schedules. Which
//! calls are the host's is left to the caller.
//!
//! A guest may decode a path, drop slashes in excess, or resolve dot segments before it chooses a
//! handler, and one that is mounted below a route may look at `spin-path-info` alone. So a request
//! is judged on both, after one percent-decoding, by the segments that are left.

use std::borrow::Cow;

use http::Request;
use percent_encoding::percent_decode_str;

use super::request_head::PATH_INFO;
use crate::manifest::model::ServiceSettings;

/// The kept paths of one service.
#[derive(Debug, Default)]
pub struct KeptPaths {
    /// Each as its segments.
    paths: Vec<Vec<Vec<u8>>>,
}

impl KeptPaths {
    /// Those that the settings name.
    pub fn new(settings: &ServiceSettings) -> Self {
        let subscriptions = settings.subscriptions.iter().map(|known| &known.path);
        let schedules = settings.schedules.iter().map(|known| &known.path);
        let owned = |path: &String| {
            let decoded = decoded(path);
            segments(&decoded).into_iter().map(<[u8]>::to_vec).collect()
        };
        Self {
            paths: subscriptions.chain(schedules).map(owned).collect(),
        }
    }

    /// Whether a guest could take a request for one to a kept path.
    pub fn are_meant_by<B>(&self, request: &Request<B>) -> bool {
        if self.paths.is_empty() {
            return false;
        }
        let path_info = request.headers().get(PATH_INFO);
        let path_info = path_info.and_then(|value| value.to_str().ok());
        let mut seen = [Some(request.uri().path()), path_info]
            .into_iter()
            .flatten();
        seen.any(|path| self.have(path))
    }

    fn have(&self, path: &str) -> bool {
        let decoded = decoded(path);
        let segments = segments(&decoded);
        self.paths.iter().any(|kept| kept.iter().eq(&segments))
    }
}

fn decoded(path: &str) -> Cow<'_, [u8]> {
    percent_decode_str(path).into()
}

/// The parts between slashes; backslashes count as such, as in the URLs of browsers.
fn segments(path: &[u8]) -> Vec<&[u8]> {
    let mut segments = Vec::new();
    for segment in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        match segment {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use http::Request;
    use proptest::prelude::*;

    use super::KeptPaths;
    use crate::manifest::model::ServiceSettings;
    use crate::manifest::model::events::{From, Retry, Schedule, Subscription};

    fn kept() -> KeptPaths {
        let subscription = |path: &str| Subscription {
            topic: "a".to_owned(),
            path: path.to_owned(),
            concurrency: 1,
            retry: Retry::default(),
            from: From::Now,
        };
        KeptPaths::new(&ServiceSettings {
            subscriptions: vec![subscription("/events/order"), subscription("/a%2fb%20c")],
            schedules: vec![Schedule {
                cron: "0 3 * * *".to_owned(),
                timezone: "UTC".to_owned(),
                path: "/nightly/".to_owned(),
                catch_up: false,
                retry: Retry::default(),
            }],
            ..ServiceSettings::default()
        })
    }

    fn is_meant(path: &str, path_info: &str) -> bool {
        let request = Request::get(format!("http://a{path}"));
        let request = request.header("spin-path-info", path_info).body(());
        kept().are_meant_by(&request.unwrap())
    }

    #[test]
    fn a_kept_path_is_known_in_every_dress() {
        for path in [
            "/events/order",
            "/events/order?x=y",
            "/%65vents/order",
            "/events%2Forder",
            "/events/order/",
            "//events///order",
            "/events/./order",
            "/x/../events/order",
            "/x/%2e%2E/events/order",
            "/events%5Corder",
            "/nightly",
            "/nightly/",
            "/a/b%20c",
            "/a%2Fb%20c",
        ] {
            assert!(is_meant(path, "/"), "{path}");
        }
        assert!(is_meant("/base/events/order", "/events/order"));
    }

    #[test]
    fn other_paths_pass() {
        for path in [
            "/",
            "/events",
            "/events/order/7",
            "/events/orders",
            "/Events/order",
            "/%2565vents/order",
            "/events%252Forder",
            "/base/events/order",
            "/events/order/..",
        ] {
            assert!(!is_meant(path, "/"), "{path}");
        }
        let request = Request::get("http://a/events/order").body(()).unwrap();
        assert!(!KeptPaths::default().are_meant_by(&request));
    }

    proptest! {
        #[test]
        fn what_is_encoded_once_is_known(encode in proptest::collection::vec(any::<bool>(), 13)) {
            let encoded = |(byte, encode): (u8, &bool)| match encode {
                true => format!("%{byte:02x}"),
                false => char::from(byte).to_string(),
            };
            let path = "events/order\0".bytes().take(12).zip(&encode);
            let path: String = path.map(encoded).collect();
            let path = format!("/{path}");
            prop_assert!(is_meant(&path, "/"), "{path}");
        }
    }
}
