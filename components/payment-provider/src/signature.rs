//! The signature of a webhook: the HMAC-SHA-256 of `SECONDS.BODY` (docs/STORE.md).

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The value of `provider-signature`; nothing without a secret.
pub fn sign(secret: &str, seconds: u64, body: &[u8]) -> Option<String> {
    let key = secret.as_bytes();
    let mut mac = Hmac::<Sha256>::new_from_slice(key)
        .ok()
        .filter(|_| !key.is_empty())?;
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let bytes = mac.finalize().into_bytes();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("t={seconds},v1={hex}"))
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn a_signature_is_that_of_openssl() {
        let signature = sign("secret", 1_800_000_000, br#"{"event":"capture.succeeded"}"#);
        let expected = "t=1800000000,\
                        v1=fc8c5b88748337f2cff7c8fbd0ccc18020a17f4ced2d69f141504292e3dca006";
        assert_eq!(signature.as_deref(), Some(expected));
        assert_eq!(sign("", 0, b""), None);
    }
}
