//! The head of a request: what it must be for the host to take it, and what the guest sees of it.
//!
//! A guest gets an absolute URI and the headers that Spin gives (`spin-path-info`, `spin-full-url`,
//! …). All headers of that name that came with the request are removed first, so that no client can
//! forge one; Spin does not do that. So are those of kumiki's own (`kumiki-attempt`,
//! `kumiki-invocation-id`, …), from clients and from services that call others. The other headers
//! stay as they are; those that `wasi:http` forbids are left to the runtime.

use std::net::SocketAddr;

use http::header::{HOST, HeaderName, TRANSFER_ENCODING};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Uri, Version};

use super::answers::Refusal;
use super::routes::RouteMatch;

/// Hosts below this domain are services of the app, which only guests can call.
const INTERNAL_DOMAIN: &str = ".spin.internal";

/// The path below the route.
pub const PATH_INFO: HeaderName = HeaderName::from_static("spin-path-info");
const FULL_URL: HeaderName = HeaderName::from_static("spin-full-url");
const MATCHED_ROUTE: HeaderName = HeaderName::from_static("spin-matched-route");
const BASE_PATH: HeaderName = HeaderName::from_static("spin-base-path");
const RAW_COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-raw-component-route");
const COMPONENT_ROUTE: HeaderName = HeaderName::from_static("spin-component-route");
const CLIENT_ADDR: HeaderName = HeaderName::from_static("spin-client-addr");

/// Checks the head of a client's request and makes its URI absolute, with the listener's scheme.
pub fn accept(head: &mut Parts, scheme: &Scheme) -> Result<(), Refusal> {
    if head.method == Method::CONNECT {
        return Err(Refusal::NotImplemented("This server is no proxy."));
    }
    check_framing(head)?;
    let uri = std::mem::take(&mut head.uri);
    let authority = authority(&uri, &head.headers, head.version)?;
    head.uri = absolute(uri, scheme.clone(), authority)?;
    Ok(())
}

/// Tells the guest where it was reached, in the headers that Spin has for it.
///
/// `head.uri` is absolute.
pub fn describe(head: &mut Parts, matched: &RouteMatch<'_, '_>, client: SocketAddr) {
    strip_reserved(&mut head.headers);
    let headers = &mut head.headers;
    headers.reserve(8);
    let route = matched.headers();
    insert(headers, PATH_INFO, matched.path_info().to_owned());
    insert(headers, FULL_URL, head.uri.to_string());
    headers.insert(MATCHED_ROUTE, route.matched.clone());
    // Always this: the setting that changed it is gone from Spin, the header is not.
    headers.insert(BASE_PATH, HeaderValue::from_static("/"));
    headers.insert(RAW_COMPONENT_ROUTE, route.raw.clone());
    headers.insert(COMPONENT_ROUTE, route.component.clone());
    insert(headers, CLIENT_ADDR, client.to_string());
    for (name, value) in matched.captures() {
        insert(headers, name.clone(), value.to_owned());
    }
}

/// What stands in a URI can stand in a header, so nothing is left out in practice.
fn insert(headers: &mut HeaderMap, name: HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(value)) {
        headers.insert(name, value);
    }
}

/// Removes every header whose name begins like one of the host's own, also with `_`, which some
/// guests read as `-`.
fn strip_reserved(headers: &mut HeaderMap) {
    let reserved = |name: &HeaderName| {
        let name = name.as_str();
        let rest = name.strip_prefix("spin").or(name.strip_prefix("kumiki"));
        rest.is_some_and(|rest| rest.starts_with(['-', '_']))
    };
    let forged: Vec<HeaderName> = headers
        .keys()
        .filter(|name| reserved(name))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
}

/// Only `chunked` is a transfer coding that the host undoes; a body in any other would reach the
/// guest coded.
fn check_framing(head: &Parts) -> Result<(), Refusal> {
    let mut codings = head.headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        (Some(_), _) => Err(Refusal::NotImplemented(
            "The only transfer coding here is `chunked`.",
        )),
    }
}

/// The host that the client means: the target's, or the one of `Host`. Two that differ are refused,
/// as in Spin.
fn authority(uri: &Uri, headers: &HeaderMap, version: Version) -> Result<Authority, Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, another) = (hosts.next(), hosts.next());
    if another.is_some() {
        return Err(Refusal::BadRequest(
            "The request has more than one `Host` header.",
        ));
    }
    let host = host
        .map(|value| Authority::try_from(value.as_bytes()))
        .transpose();
    let host = host.map_err(|_| Refusal::BadRequest("The `Host` header is not a host."))?;
    let authority = match (uri.authority(), host) {
        (Some(target), Some(host)) if *target != host => {
            return Err(Refusal::BadRequest(
                "The `Host` header and the target differ.",
            ));
        }
        (Some(_) | None, None) if version == Version::HTTP_11 => {
            return Err(Refusal::BadRequest("The request has no `Host` header."));
        }
        (_, Some(host)) => host,
        (Some(target), None) => target.clone(),
        (None, None) if version == Version::HTTP_10 => Authority::from_static("localhost"),
        (None, None) => return Err(Refusal::BadRequest("The request names no host.")),
    };
    if authority.as_str().contains('@') {
        return Err(Refusal::BadRequest("A host may not have user information."));
    }
    if is_internal(authority.host()) {
        return Err(Refusal::BadRequest(
            "Hosts below `spin.internal` are reached from inside only.",
        ));
    }
    Ok(authority)
}

fn is_internal(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let start = host.len().saturating_sub(INTERNAL_DOMAIN.len());
    host.get(start..)
        .is_some_and(|end| end.eq_ignore_ascii_case(INTERNAL_DOMAIN))
}

/// Origin-form and absolute-form become absolute; the other forms of a target name no resource
/// here.
fn absolute(uri: Uri, scheme: Scheme, authority: Authority) -> Result<Uri, Refusal> {
    let mut parts = uri.into_parts();
    if !parts
        .path_and_query
        .as_ref()
        .is_some_and(|path| path.as_str().starts_with('/'))
    {
        return Err(Refusal::BadRequest("The request's target is not a path."));
    }
    parts.scheme = Some(scheme);
    parts.authority = Some(authority);
    Uri::from_parts(parts).map_err(|_| Refusal::BadRequest("The request's target is not a path."))
}

#[cfg(test)]
mod tests;
