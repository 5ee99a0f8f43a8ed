//! TLS for the listener: reads the operator's certificate and key. The handshakes are left to the
//! connections.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// What the host speaks, best first (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate and its key cannot be used. The texts name the file and the mend.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read `{}`: {source}", .path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("`{}` is not valid PEM: {source}", .path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error(
        "`{}` has no certificate; --tls-cert takes a PEM file with the server's certificate and \
         then those of its issuers", .0.display()
    )]
    NoCertificate(PathBuf),
    #[error(
        "`{}` has no private key; --tls-key takes a PEM file with an unencrypted PKCS#8, PKCS#1 \
         or SEC1 key", .0.display()
    )]
    NoKey(PathBuf),
    #[error(
        "the key in `{}` does not belong to the certificate in `{}`",
        .key.display(), .certificate.display()
    )]
    Mismatch { certificate: PathBuf, key: PathBuf },
    #[error("TLS cannot use `{}` and `{}`: {source}", .certificate.display(), .key.display())]
    Refused {
        certificate: PathBuf,
        key: PathBuf,
        source: rustls::Error,
    },
}

/// Reads both files and makes the listener's side of TLS 1.2 and 1.3.
pub fn load(certificate: &Path, key: &Path) -> Result<TlsAcceptor, TlsError> {
    let chain = read_chain(certificate)?;
    let private_key = read_key(key)?;
    let refused = |source| match source {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
        },
        source => TlsError::Refused {
            certificate: certificate.to_owned(),
            key: key.to_owned(),
            source,
        },
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refused)?
        .with_no_client_auth()
        .with_single_cert(chain, private_key)
        .map_err(refused)?;
    config.alpn_protocols = PROTOCOLS.iter().map(|name| name.to_vec()).collect();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let chain = chain.map_err(|source| TlsError::Pem {
        path: path.to_owned(),
        source,
    })?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(path.to_owned()));
    }
    Ok(chain)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    match PrivateKeyDer::from_pem_slice(&read(path)?) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) => Err(TlsError::NoKey(path.to_owned())),
        Err(source) => Err(TlsError::Pem {
            path: path.to_owned(),
            source,
        }),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::{TlsError, load};

    #[test]
    fn every_mistake_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| -> PathBuf {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let made = || generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let CertifiedKey { cert, signing_key } = made();
        let certificate = write("cert.pem", &cert.pem());
        let key = write("key.pem", &signing_key.serialize_pem());
        let other = write("other.pem", &made().signing_key.serialize_pem());
        let broken = write(
            "broken.pem",
            "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n",
        );
        let missing = directory.path().join("missing.pem");

        assert!(load(&certificate, &key).is_ok());
        let error = |certificate, key| load(certificate, key).err().unwrap();
        assert!(matches!(error(&missing, &key), TlsError::Read { .. }));
        assert!(matches!(error(&key, &key), TlsError::NoCertificate(_)));
        assert!(matches!(
            error(&certificate, &certificate),
            TlsError::NoKey(_)
        ));
        assert!(matches!(error(&broken, &key), TlsError::Pem { .. }));
        assert!(matches!(
            error(&certificate, &other),
            TlsError::Mismatch { .. }
        ));
        let text = error(&certificate, &certificate).to_string();
        assert!(
            text.contains("cert.pem` has no private key; --tls-key"),
            "{text}"
        );
    }
}
