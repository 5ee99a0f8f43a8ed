//! Whether a webhook comes from the provider: `provider-signature: t=SECONDS,v1=HEX`, the
//! HMAC-SHA-256 of `SECONDS.BODY` (docs/STORE.md). What it tells is left to `service`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How far the signature's time may be from now.
const AGE_SECONDS_MAX: u64 = 5 * 60;

/// Checks a signature, in a time that does not tell how much of it is right.
///
/// # Errors
/// What is wrong with it.
pub fn check(secret: &str, header: &str, body: &[u8], now_ms: u64) -> Result<(), &'static str> {
    let mut seconds = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) => seconds = Some(text),
            Some(("v1", text)) => signatures.push(text),
            // Later versions may stand beside the first.
            _ => {}
        }
    }
    let seconds = seconds.ok_or("The signature has no time.")?;
    let time: u64 = seconds
        .parse()
        .map_err(|_| "The signature's time is no number.")?;
    if time.abs_diff(now_ms / 1000) > AGE_SECONDS_MAX {
        return Err("The signature is too old, or a clock is wrong.");
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map_err(|_| "The signature cannot be checked.")?;
    mac.update(seconds.as_bytes());
    mac.update(b".");
    mac.update(body);
    // There are several while the secret is being changed.
    let is_good = |signature: &&str| {
        let bytes = read_hex(signature).unwrap_or_default();
        mac.clone().verify_slice(&bytes).is_ok()
    };
    match signatures.iter().any(is_good) {
        true => Ok(()),
        false => Err("The signature is wrong."),
    }
}

fn read_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair)
            .ok()
            .filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    pairs.map(byte).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert, proptest};

    use super::check;

    const BODY: &[u8] = br#"{"event":"capture.succeeded"}"#;
    /// Made with `printf '1800000000.%s' BODY | openssl dgst -sha256 -hmac secret`.
    const SIGNATURE: &str = "fc8c5b88748337f2cff7c8fbd0ccc18020a17f4ced2d69f141504292e3dca006";
    const TIME_MS: u64 = 1_800_000_000_000;

    #[test]
    fn the_provider_is_believed_for_five_minutes() {
        let header = format!("t=1800000000,v1={SIGNATURE}");
        assert_eq!(check("secret", &header, BODY, TIME_MS), Ok(()));
        assert_eq!(check("secret", &header, BODY, TIME_MS + 300_999), Ok(()));
        let late = check("secret", &header, BODY, TIME_MS + 301_000);
        assert_eq!(late, Err("The signature is too old, or a clock is wrong."));
        let rotated = format!("t=1800000000,v1={},v1={SIGNATURE},v2=x", "0".repeat(64));
        assert_eq!(check("secret", &rotated, BODY, TIME_MS), Ok(()));
    }

    #[test]
    fn nobody_else_is() {
        for header in [
            String::new(),
            format!("v1={SIGNATURE}"),
            format!("t=x,v1={SIGNATURE}"),
            format!("t=1800000001,v1={SIGNATURE}"),
            "t=1800000000".to_owned(),
            "t=1800000000,v1=".to_owned(),
            "t=1800000000,v1=0".to_owned(),
            "t=1800000000,v1=zz".to_owned(),
            format!("t=1800000000,v1={}", &SIGNATURE[2..]),
            format!("t=1800000000,v1={}00", &SIGNATURE[..62]),
        ] {
            assert!(check("secret", &header, BODY, TIME_MS).is_err(), "{header}");
        }
        let header = format!("t=1800000000,v1={SIGNATURE}");
        assert!(check("other", &header, BODY, TIME_MS).is_err());
        assert!(check("secret", &header, b"{}", TIME_MS).is_err());
    }

    proptest! {
        #[test]
        fn any_header_is_read_and_refused(header in any::<String>()) {
            prop_assert!(check("secret", &header, BODY, TIME_MS).is_err());
        }
    }
}
