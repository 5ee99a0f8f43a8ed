//! Setting money aside, which a checkout waits for. What becomes of it later is left to
//! `settlement`.

use kit::event::{Event, PublishError};
use kit::store::{Change, StoreError};
use serde_json::json;

use crate::payment::{Payment, State};
use crate::provider::{Authorization, Provider, ProviderError};
use crate::service::Payments;

/// How long an authorization is kept that no order names.
pub const EXPIRY_MS: u64 = 15 * 60 * 1000;
/// 10 thousand millions of euros: above it something is wrong.
const AMOUNT_MINOR_MAX: u64 = 1_000_000_000_000;
const TOKEN_CHARACTERS_MAX: usize = 200;

/// As in the contract `store:payments/payments`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthorizeError {
    Declined(String),
    Invalid(String),
    Unavailable(String),
    Other(String),
}

impl From<StoreError> for AuthorizeError {
    fn from(error: StoreError) -> AuthorizeError {
        match error {
            StoreError::Failed(text) => AuthorizeError::Unavailable(text),
            StoreError::Contended(key) => {
                AuthorizeError::Unavailable(format!("many write to `{key}` at once"))
            }
            StoreError::Refused(text) => AuthorizeError::Other(format!("the store: {text}")),
            StoreError::Damaged(key) => {
                AuthorizeError::Other(format!("what stands under `{key}` cannot be read"))
            }
        }
    }
}

impl From<PublishError> for AuthorizeError {
    fn from(PublishError(text): PublishError) -> AuthorizeError {
        AuthorizeError::Unavailable(format!("an event was not published: {text}"))
    }
}

impl Payments {
    /// Sets the money aside, once, however often it is called.
    ///
    /// # Errors
    /// As in the contract. After `Unavailable` it may be set aside all the same; then the expiry
    /// or `order.abandoned` lets it go, by the payment's id alone.
    pub fn authorize(&self, wanted: &Authorization) -> Result<(), AuthorizeError> {
        check(wanted)?;
        let host = self.surroundings();
        let key = Payment::key(&wanted.reference);
        let known: Option<Payment> = host.store().get_json(&key)?;
        if let Some(answer) = known.and_then(|payment| answer(&payment, wanted)) {
            return answer;
        }
        // Before the provider is asked: from then on money can be set aside that nobody knows of.
        host.publish(&expiring(&wanted.reference, host.now_ms() + EXPIRY_MS))?;
        let refusal = match Provider::new(host).authorize(wanted) {
            Ok(()) => None,
            Err(ProviderError::Refused(reason)) => Some(reason),
            Err(ProviderError::Unknown) => return Err(self.unanswered(wanted, "404")),
            Err(ProviderError::Unavailable(text)) => return Err(self.unanswered(wanted, &text)),
        };
        let now_ms = host.now_ms();
        let payment = host.store().update(&key, |current: Option<Payment>| {
            let unknown = || Payment::unknown(&wanted.reference, now_ms);
            let mut payment = current.unwrap_or_else(unknown);
            if payment.currency.is_none() {
                payment.amount_minor = wanted.amount_minor;
                payment.currency = Some(wanted.currency.clone());
            }
            match &refusal {
                None => payment.authorized(),
                Some(reason) => payment.declined(reason.clone()),
            }
            Ok::<_, AuthorizeError>(Change::Write(payment.clone(), payment))
        })?;
        if payment.state == State::Voided && !payment.is_released {
            // It was given up while the provider worked. The expiry voids it if this does not.
            if let Err(error) = Provider::new(host).void(&payment.id) {
                host.log(&format!("{} is not voided yet: {error:?}", payment.id));
            }
        }
        let unclear = || AuthorizeError::Other("the payment is in no state".to_owned());
        answer(&payment, wanted).unwrap_or_else(|| Err(unclear()))
    }

    fn unanswered(&self, wanted: &Authorization, log: &str) -> AuthorizeError {
        let line = format!("{} may be authorized: {log}", wanted.reference);
        self.surroundings().log(&line);
        AuthorizeError::Unavailable("the payment provider did not answer".to_owned())
    }
}

/// What is said of a payment that is known; nothing while the provider has to be asked.
fn answer(known: &Payment, wanted: &Authorization) -> Option<Result<(), AuthorizeError>> {
    if let Some(currency) = &known.currency
        && (known.amount_minor, currency) != (wanted.amount_minor, &wanted.currency)
    {
        let text = "the id belongs to a payment of another amount; use a new one";
        return Some(Err(AuthorizeError::Invalid(text.to_owned())));
    }
    let declined = |text: &str| Some(Err(AuthorizeError::Declined(text.to_owned())));
    match known.state {
        State::Unknown => None,
        State::Authorized | State::Captured => Some(Ok(())),
        State::Voided => declined("This payment was given up."),
        State::Refunded => declined("This payment was returned."),
        State::Declined => declined(known.reason.as_deref().unwrap_or_default()),
    }
}

/// The event that ends a payment which no order names.
pub fn expiring(checkout: &str, due_ms: u64) -> Event {
    let data = json!({ "checkout": checkout, "due_ms": due_ms });
    Event::new("payment.expiring", checkout, data)
        .keyed(checkout)
        .not_before(due_ms)
}

/// Whether this can be a payment's id: it stands in keys and in paths, where dots alone would lead
/// elsewhere.
pub fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_named = text.bytes().any(|byte| byte != b'.');
    is_named && text.len() <= 100 && text.bytes().all(is_plain)
}

fn check(wanted: &Authorization) -> Result<(), AuthorizeError> {
    let invalid = |text: &str| Err(AuthorizeError::Invalid(text.to_owned()));
    if !is_id(&wanted.reference) {
        return invalid("`id` must be 1 to 100 letters, digits, dots, dashes and underscores");
    }
    if !(1..=AMOUNT_MINOR_MAX).contains(&wanted.amount_minor) {
        return invalid("`amount-minor` must be 1 to 1000000000000");
    }
    let currency = wanted.currency.as_bytes();
    if currency.len() != 3 || !currency.iter().all(u8::is_ascii_uppercase) {
        return invalid("`currency` must be three capitals, as ISO 4217 has them");
    }
    if is_card_number(&wanted.token) {
        return invalid("`token` is a card number; only the provider may see one");
    }
    let is_visible = wanted.token.bytes().all(|byte| byte.is_ascii_graphic());
    if !(1..=TOKEN_CHARACTERS_MAX).contains(&wanted.token.len()) || !is_visible {
        return invalid("`token` must be 1 to 200 visible ASCII characters");
    }
    Ok(())
}

/// 12 to 19 digits (ISO/IEC 7812), however they are grouped.
fn is_card_number(token: &str) -> bool {
    let rest = token.chars().filter(|letter| !" -".contains(*letter));
    let digits = token.chars().filter(char::is_ascii_digit).count();
    (12..=19).contains(&digits) && rest.count() == digits
}

#[cfg(test)]
mod tests {
    use super::{AuthorizeError, check, is_id};
    use crate::provider::Authorization;

    fn wanted(change: impl Fn(&mut Authorization)) -> Result<(), AuthorizeError> {
        let mut wanted = Authorization {
            reference: "abc.1".to_owned(),
            amount_minor: 100,
            currency: "EUR".to_owned(),
            token: "tok_ok_123456789012345678".to_owned(),
        };
        change(&mut wanted);
        check(&wanted)
    }

    #[test]
    fn a_card_number_is_refused_and_not_repeated() {
        assert_eq!(wanted(|_| {}), Ok(()));
        for card in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4000-0000-0000-0002",
        ] {
            let answer = wanted(|one| card.clone_into(&mut one.token));
            let Err(AuthorizeError::Invalid(text)) = answer else {
                panic!("{card}");
            };
            assert!(
                text.contains("card number") && !text.contains("42"),
                "{text}"
            );
        }
        for token in ["", "a b", "tok\n", &"x".repeat(201)] {
            assert!(wanted(|one| token.clone_into(&mut one.token)).is_err());
        }
        assert_eq!(
            wanted(|one| "12345678901".clone_into(&mut one.token)),
            Ok(())
        );
    }

    #[test]
    fn amounts_currencies_and_ids_are_checked() {
        assert!(wanted(|one| one.amount_minor = 0).is_err());
        assert!(wanted(|one| one.amount_minor = u64::MAX).is_err());
        assert!(wanted(|one| "eur".clone_into(&mut one.currency)).is_err());
        for id in ["", "..", "a/b", "a b", "ä", &"x".repeat(101)] {
            assert!(!is_id(id), "{id}");
        }
        assert!(is_id("0af3.2") && is_id("guest_1-b"));
    }
}
