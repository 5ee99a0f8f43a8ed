//! TLS towards others: the one place where a client trusts certificates.

use std::io;
use std::sync::{Arc, OnceLock};

use rustls::client::Resumption;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Sessions that a client keeps to resume; each belongs to one server.
const SESSIONS_MAX: usize = 32;

/// A TLS client, with sessions of its own. One per service and protocol. What it needs, some 20 KiB
/// of roots among it, is made at the first handshake: most services never make one.
#[derive(Clone)]
pub struct TlsClient {
    connector: Arc<OnceLock<TlsConnector>>,
    /// Offered by ALPN.
    protocols: &'static [&'static [u8]],
}

/// Why there is no TLS client.
#[derive(Debug, thiserror::Error)]
#[error("the TLS client cannot be set up: {0}")]
pub struct TlsSetupError(#[from] rustls::Error);

/// Why a TLS handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The host is neither a DNS name nor an address, so that no certificate can be for it.
    #[error("`{0}` is no name that a certificate can be for")]
    InvalidName(String),
    /// The handshake itself; a reason of the TLS protocol is a [`rustls::Error`] inside.
    #[error("the TLS handshake failed: {0}")]
    Handshake(#[from] io::Error),
    #[error(transparent)]
    Setup(#[from] TlsSetupError),
}

impl TlsClient {
    /// A client that trusts the public roots of `webpki-roots` and `extra_roots`, and offers
    /// `protocols` by ALPN.
    pub fn new(
        extra_roots: &[CertificateDer<'static>],
        protocols: &'static [&'static [u8]],
    ) -> Result<Self, TlsSetupError> {
        let connector = match extra_roots {
            [] => OnceLock::new(),
            // A certificate that cannot be used is told at once.
            extra_roots => OnceLock::from(connector(extra_roots, protocols)?),
        };
        Ok(Self {
            connector: Arc::new(connector),
            protocols,
        })
    }

    fn connector(&self) -> Result<&TlsConnector, TlsSetupError> {
        if let Some(connector) = self.connector.get() {
            return Ok(connector);
        }
        let connector = connector(&[], self.protocols)?;
        Ok(self.connector.get_or_init(|| connector))
    }

    /// Makes a TLS connection of a TCP one and checks that the certificate is for `host`, an IPv6
    /// address with or without brackets.
    pub async fn handshake(
        &self,
        host: &str,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, TlsError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| TlsError::InvalidName(host.to_owned()))?;
        Ok(self.connector()?.connect(name, stream).await?)
    }
}

fn connector(
    extra_roots: &[CertificateDer<'static>],
    protocols: &[&[u8]],
) -> Result<TlsConnector, TlsSetupError> {
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.into(),
    };
    for certificate in extra_roots {
        roots.add(certificate.clone())?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
    Ok(TlsConnector::from(Arc::new(config)))
}
