//! Forged, changed and expired tokens, and arbitrary text.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use kit::host::Host;
use kit::identity::Role;
use kit::store::StoreError;
use kit::testing::TestHost;
use proptest::prelude::{any, proptest};
use proptest::{collection, sample};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Key, KeyPair, LIFETIME_S, REMEMBERED_MAX, Refusal, load};

const NOW_MS: u64 = 1_800_000_000_000;
const SECRET: [u8; 32] = [7; 32];

fn key(secret: [u8; 32]) -> Key {
    Key::new(KeyPair::new(secret)).unwrap()
}

fn token_of(key: &Key, role: Role) -> String {
    key.sign("u-1", role, NOW_MS, LIFETIME_S)
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn decode(part: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn parts(token: &str) -> [String; 3] {
    let parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    parts.try_into().unwrap()
}

fn refusal(token: &str) -> Option<Refusal> {
    key(SECRET).verify(token, NOW_MS).err()
}

/// A token with a good signature over anything.
fn signed(secret: &[u8; 32], header: &str, claims: &Value) -> String {
    let signed = format!("{header}.{}", encode(claims));
    let signature = SigningKey::from_bytes(secret).sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[test]
fn a_token_names_its_user_until_it_expires() {
    let own = key(SECRET);
    let token = token_of(&own, Role::Staff);
    let caller = own.verify(&token, NOW_MS).unwrap();
    assert_eq!((caller.user.as_str(), caller.role), ("u-1", Role::Staff));
    let end_ms = NOW_MS + LIFETIME_S * 1000;
    assert!(own.verify(&token, end_ms - 1).is_ok());
    assert_eq!(own.verify(&token, end_ms), Err(Refusal::Expired));
}

#[test]
fn that_a_token_was_good_helps_no_other_one() {
    let own = key(SECRET);
    let token = token_of(&own, Role::Customer);
    assert!(own.verify(&token, NOW_MS).is_ok());
    let [header, claims, _] = parts(&token);
    let [.., other] = parts(&token_of(&own, Role::Staff));
    let forged = format!("{header}.{claims}.{other}");
    assert_eq!(own.verify(&forged, NOW_MS), Err(Refusal::Forged));
    for number in 0..2 * REMEMBERED_MAX {
        let token = own.sign(&format!("u-{number}"), Role::Customer, NOW_MS, LIFETIME_S);
        assert!(own.verify(&token, NOW_MS).is_ok());
        assert!(own.good.borrow().len() <= REMEMBERED_MAX);
    }
    assert!(own.verify(&token, NOW_MS).is_ok());
}

#[test]
fn others_can_check_a_token_with_the_key_set() {
    let own = key(SECRET);
    let [header, claims, signature] = parts(&token_of(&own, Role::Customer));
    let jwk = &own.key_set()["keys"][0];
    assert_eq!(decode(&header)["kid"], jwk["kid"]);
    assert_eq!(decode(&header)["alg"], "EdDSA");
    let expected = json!({
        "iss": "users", "sub": "u-1", "role": "customer",
        "iat": NOW_MS / 1000, "exp": NOW_MS / 1000 + LIFETIME_S,
    });
    assert_eq!(decode(&claims), expected);
    let x = URL_SAFE_NO_PAD.decode(jwk["x"].as_str().unwrap()).unwrap();
    let public = VerifyingKey::from_bytes(&x.try_into().unwrap()).unwrap();
    let signature = Signature::from_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
    let signed = format!("{header}.{claims}");
    assert!(public.verify_strict(signed.as_bytes(), &signature).is_ok());
}

#[test]
fn the_key_is_named_by_its_thumbprint() {
    // RFC 8037, appendix A.3.
    let secret = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
    let secret = URL_SAFE_NO_PAD.decode(secret).unwrap();
    let own = key(secret.try_into().unwrap());
    let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
    assert_eq!(own.key_set()["keys"][0]["kid"], expected);
}

#[test]
fn no_other_algorithm_key_or_kind_is_accepted() {
    let own = key(SECRET);
    let [header, claims, signature] = parts(&token_of(&own, Role::Customer));
    let with = |name: &str, value: Value| {
        let mut header = decode(&header);
        header[name] = value;
        encode(&header)
    };
    for alg in ["none", "None", "HS256", "ES256", "RS256", "eddsa"] {
        let other = with("alg", json!(alg));
        for signature in [signature.as_str(), ""] {
            let token = format!("{other}.{claims}.{signature}");
            assert_eq!(refusal(&token), Some(Refusal::Foreign), "{alg}");
        }
    }
    // The public key as the secret of an HMAC, which some libraries took.
    let public = URL_SAFE_NO_PAD.decode(own.key_set()["keys"][0]["x"].as_str().unwrap());
    let hash = Sha256::digest([public.unwrap(), claims.clone().into_bytes()].concat());
    let hash = URL_SAFE_NO_PAD.encode(hash);
    let token = format!("{}.{claims}.{hash}", with("alg", json!("HS256")));
    assert_eq!(refusal(&token), Some(Refusal::Foreign));
    for (name, value) in [
        ("kid", json!("other")),
        ("typ", json!("JWT")),
        ("crit", json!(["exp"])),
        ("jwk", json!({})),
    ] {
        let token = signed(&SECRET, &with(name, value), &decode(&claims));
        assert_eq!(refusal(&token), Some(Refusal::Foreign), "{name}");
    }
    let token = signed(&[8; 32], &header, &decode(&claims));
    assert_eq!(refusal(&token), Some(Refusal::Forged), "another key");
    let other = token_of(&key([8; 32]), Role::Staff);
    assert_eq!(refusal(&other), Some(Refusal::Foreign), "another store");
}

#[test]
fn a_changed_token_is_forged() {
    let token = token_of(&key(SECRET), Role::Customer);
    let [header, claims, signature] = parts(&token);
    for (name, value) in [
        ("role", json!("staff")),
        ("sub", json!("u-2")),
        ("exp", json!(u64::MAX)),
    ] {
        let mut changed = decode(&claims);
        changed[name] = value;
        let token = format!("{header}.{}.{signature}", encode(&changed));
        assert_eq!(refusal(&token), Some(Refusal::Forged), "{name}");
    }
    for token in [
        format!("{header}.{claims}."),
        format!("{header}.{claims}.{signature}=="),
        format!("{header}.{claims}.{signature}AA"),
        format!("{token}.{signature}"),
    ] {
        assert_eq!(refusal(&token), Some(Refusal::Forged), "{token}");
    }
    for token in ["", ".", "..", &header, &format!("{header}.{claims}")] {
        assert!(refusal(token).is_some(), "{token}");
    }
}

#[test]
fn what_the_key_signed_for_something_else_is_no_access_token() {
    let own = key(SECRET);
    let [header, claims, _] = parts(&token_of(&own, Role::Customer));
    for (name, value) in [
        ("iss", json!("others")),
        ("role", json!("owner")),
        ("sub", json!(1)),
        ("exp", json!("never")),
        ("exp", json!(-1)),
    ] {
        let mut claims = decode(&claims);
        claims[name] = value;
        let token = signed(&SECRET, &header, &claims);
        assert_eq!(refusal(&token), Some(Refusal::Foreign), "{name}");
    }
}

#[test]
fn the_key_is_made_once() {
    let host = TestHost::default();
    let token = token_of(&load(&host).unwrap(), Role::Customer);
    assert!(load(&host).unwrap().verify(&token, NOW_MS).is_ok());
    *host.memory.failure.borrow_mut() = Some(StoreError::Failed("down".to_owned()));
    assert!(load(&host).is_err());
    assert_eq!(host.memory.all_keys(), ["signing-key"]);
    assert_ne!(host.new_id("x"), host.new_id("x"));
}

proptest! {
    #[test]
    fn arbitrary_text_never_verifies(text in any::<String>(), more in any::<String>()) {
        let own = key(SECRET);
        let [header, claims, signature] = parts(&token_of(&own, Role::Staff));
        assert!(refusal(&text).is_some());
        assert!(refusal(&format!("{text}.{more}.{text}")).is_some());
        assert!(refusal(&format!("{header}.{text}.{signature}")).is_some());
        assert!(refusal(&format!("{header}.{claims}.{text}")).is_some());
    }

    #[test]
    fn no_signature_but_its_own_verifies(bytes in collection::vec(any::<u8>(), 64)) {
        let [header, claims, _] = parts(&token_of(&key(SECRET), Role::Staff));
        let token = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(refusal(&token), Some(Refusal::Forged));
    }

    #[test]
    fn one_other_letter_is_enough(place in any::<sample::Index>(), letter in "[A-Za-z0-9_.=-]") {
        let token = token_of(&key(SECRET), Role::Staff);
        let place = place.index(token.len());
        let mut changed = token.clone();
        changed.replace_range(place..=place, &letter);
        assert_eq!(refusal(&changed).is_none(), changed == token);
    }
}
