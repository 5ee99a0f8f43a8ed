//! The fields that concern one hop only and are not carried over it (RFC 9110, section 7.6.1), for
//! both directions.

use http::{HeaderMap, HeaderName, header};

const HOP_BY_HOP: [HeaderName; 7] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::PROXY_AUTHENTICATE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("http2-settings"),
];

/// Removes the hop's own fields from a guest's request. `expect` goes too: the client sends the
/// body at once, so there is nothing to wait for. `te` may say that trailers are welcome, which
/// they are.
pub(super) fn strip_request(headers: &mut HeaderMap) {
    strip(headers);
    headers.remove(header::PROXY_AUTHORIZATION);
    headers.remove(header::EXPECT);
    if headers.get(header::TE).is_some_and(|te| te != "trailers") {
        headers.remove(header::TE);
    }
}

/// Removes the hop's own fields from a response before the guest sees it.
pub(super) fn strip_response(headers: &mut HeaderMap) {
    strip(headers);
}

fn strip(headers: &mut HeaderMap) {
    let nominated: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in nominated.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::{strip_request, strip_response};
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        fields.iter().copied().map(pair).collect()
    }

    #[test]
    fn the_hops_own_fields_and_those_it_nominates_are_removed() {
        let mut response = headers(&[
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("x-end-to-end", "kept"),
        ]);
        strip_response(&mut response);
        assert_eq!(response, headers(&[("x-end-to-end", "kept")]));
    }

    #[test]
    fn a_request_keeps_te_only_for_trailers() {
        let mut request = headers(&[("te", "trailers"), ("expect", "100-continue")]);
        strip_request(&mut request);
        assert_eq!(request, headers(&[("te", "trailers")]));
        let mut request = headers(&[("te", "gzip"), ("proxy-authorization", "secret")]);
        strip_request(&mut request);
        assert!(request.is_empty());
    }
}
