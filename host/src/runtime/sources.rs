//! Where a service's artifact comes from: a path, or a url whose digest the manifest states.
//!
//! A download is kept in the cache under its digest and checked again at each use. Registry sources
//! are refused with the mend.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::manifest::model::Source;

/// Bytes that a download may have.
const DOWNLOAD_BYTES_MAX: u64 = 1 << 30;
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(300);

/// Why there is no artifact.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file is not there.
    #[error("{path} does not exist; build it first: `kumiki build`, or `kumiki up --build`")]
    Missing { path: String },
    /// The server did not deliver.
    #[error("{url} could not be fetched: {reason}")]
    Download { url: String, reason: String },
    /// What was delivered is something else.
    #[error(
        "{url} has the digest sha256:{actual}, but the manifest states {stated}; if the new \
         content is wanted, state its digest"
    )]
    Digest {
        url: String,
        stated: String,
        actual: String,
    },
    /// The download could not be kept.
    #[error("{path}: {reason}")]
    Keep { path: String, reason: String },
    /// Not supported yet.
    #[error(
        "{package}@{version} comes from a registry, which kumiki does not fetch from; fetch it \
         with `wkg get` and name its path, or give a url with its digest"
    )]
    Registry { package: String, version: String },
}

/// The artifact's file, fetched into `downloads` if it is a url.
pub fn locate(source: &Source, downloads: &Path) -> Result<PathBuf, SourceError> {
    match source {
        Source::Path(path) if path.is_file() => Ok(path.clone()),
        Source::Path(path) => Err(SourceError::Missing {
            path: path.display().to_string(),
        }),
        Source::Url { url, digest } => fetch(url, digest, downloads),
        Source::Registry {
            package, version, ..
        } => Err(SourceError::Registry {
            package: package.clone(),
            version: version.clone(),
        }),
    }
}

fn fetch(url: &str, digest: &str, downloads: &Path) -> Result<PathBuf, SourceError> {
    let stated = digest
        .strip_prefix("sha256:")
        .unwrap_or(digest)
        .to_ascii_lowercase();
    let kept = downloads.join(format!("{stated}.wasm"));
    if std::fs::read(&kept).is_ok_and(|bytes| hex::encode(Sha256::digest(&bytes)) == stated) {
        return Ok(kept);
    }
    let bytes = download(url).map_err(|reason| SourceError::Download {
        url: url.to_owned(),
        reason,
    })?;
    let actual = hex::encode(Sha256::digest(&bytes));
    if actual != stated {
        return Err(SourceError::Digest {
            url: url.to_owned(),
            stated: digest.to_owned(),
            actual,
        });
    }
    keep(&kept, downloads, &bytes).map_err(|error| SourceError::Keep {
        path: kept.display().to_string(),
        reason: error.to_string(),
    })?;
    Ok(kept)
}

fn download(url: &str) -> Result<Vec<u8>, String> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(DOWNLOAD_TIMEOUT))
        .build()
        .into();
    let response = agent.get(url).call().map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    response
        .into_body()
        .into_reader()
        .take(DOWNLOAD_BYTES_MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

fn keep(path: &Path, downloads: &Path, bytes: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(downloads)?;
    let mut file = tempfile::NamedTempFile::new_in(downloads)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use sha2::{Digest, Sha256};

    use super::{SourceError, locate};
    use crate::manifest::model::Source;

    /// Serves `body` to each of `requests` clients.
    fn server(body: &'static [u8], requests: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/artifact.wasm", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for _ in 0..requests {
                let (mut client, _) = listener.accept().unwrap();
                let _ = client.read(&mut [0; 4096]).unwrap();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                client.write_all(head.as_bytes()).unwrap();
                client.write_all(body).unwrap();
            }
        });
        url
    }

    #[test]
    fn a_url_is_fetched_once_and_a_damaged_copy_again() {
        let downloads = tempfile::tempdir().unwrap();
        let url = server(b"artifact", 2);
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(b"artifact")));
        let source = Source::Url { url, digest };
        let kept = locate(&source, downloads.path()).unwrap();
        assert_eq!(locate(&source, downloads.path()).unwrap(), kept);
        std::fs::write(&kept, b"damaged").unwrap();
        locate(&source, downloads.path()).unwrap();
        assert_eq!(std::fs::read(&kept).unwrap(), b"artifact");
    }

    #[test]
    fn a_wrong_digest_is_refused_and_nothing_is_kept() {
        let downloads = tempfile::tempdir().unwrap();
        let source = Source::Url {
            url: server(b"other", 1),
            digest: format!("sha256:{}", "0".repeat(64)),
        };
        let error = locate(&source, downloads.path()).unwrap_err();
        assert!(matches!(error, SourceError::Digest { .. }), "{error}");
        assert_eq!(std::fs::read_dir(downloads.path()).unwrap().count(), 0);
    }
}
