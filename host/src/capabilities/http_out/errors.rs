//! What goes wrong on a connection, in the words of `wasi:http`.

use std::error::Error as StdError;
use std::io;

use wasmtime_wasi_http::Error;

use crate::network::guard::ConnectError;
use crate::network::tls::TlsError;

/// The error of a connection that was not made.
pub(super) fn from_connect(error: ConnectError) -> Error {
    match error {
        ConnectError::NotAllowed => Error::HttpRequestDenied,
        ConnectError::Refused(reason) => {
            tracing::warn!(%reason, "an outbound request was stopped by the guard");
            Error::DestinationIpProhibited
        }
        ConnectError::Resolve(error) => {
            tracing::debug!(%error, "an outbound request's host has no address");
            Error::DnsError {
                rcode: Some("address not available".to_owned()),
                info_code: Some(0),
            }
        }
        ConnectError::TimedOut => Error::ConnectionTimeout,
        ConnectError::Connect(error) => match error.kind() {
            io::ErrorKind::TimedOut => Error::ConnectionTimeout,
            io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                Error::DestinationUnavailable
            }
            _ => Error::ConnectionRefused,
        },
    }
}

/// The error of a TLS handshake.
pub(super) fn from_tls(error: TlsError) -> Error {
    let error = match error {
        TlsError::Handshake(error) => error,
        TlsError::Setup(error) => return Error::InternalError(Some(error.to_string())),
        TlsError::InvalidName(_) => {
            let rcode = Some("invalid dns name".to_owned());
            return Error::DnsError {
                rcode,
                info_code: Some(0),
            };
        }
    };
    tracing::debug!(%error, "an outbound TLS handshake failed");
    let inner = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some(u8::from(*alert)),
            alert_message: Some(format!("{alert:?}")),
        },
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    }
}

/// The error of an exchange on a connection that stands.
pub(super) fn from_hyper(error: hyper::Error) -> Error {
    if let Some(own) = source::<Error>(&error) {
        return from_request_body(own);
    }
    tracing::debug!(%error, "an outbound HTTP exchange failed");
    if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if error.is_parse() {
        Error::HttpProtocolError
    } else if error.is_timeout() {
        Error::HttpResponseTimeout
    } else if error.is_incomplete_message()
        || error.is_closed()
        || error.is_canceled()
        || source::<io::Error>(&error).is_some()
    {
        Error::ConnectionTerminated
    } else {
        Error::HttpProtocolError
    }
}

/// The guest's own body failed. The error cannot be cloned out of its source, and only its size is
/// worth telling.
fn from_request_body(error: &Error) -> Error {
    match error {
        Error::HttpRequestBodySize(size) => Error::HttpRequestBodySize(*size),
        other => Error::InternalError(Some(format!("the request body failed: {other}"))),
    }
}

fn source<E: StdError + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
