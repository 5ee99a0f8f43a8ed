//! The payment provider: four questions over HTTP (docs/STORE.md), all of which may be asked
//! again. Another provider is another file in the place of this one. What its answers mean for a
//! payment is left to `payment`.

use kit::host::{Host, Incoming, Outgoing, SendError};
use serde_json::{Value, json};

const TIMEOUT_MS: u64 = 3000;
/// How much of a reason is kept.
const REASON_CHARACTERS_MAX: usize = 200;

/// What is to be set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub reference: String,
    pub amount_minor: u64,
    pub currency: String,
    pub token: String,
}

/// Why the provider did not do it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProviderError {
    /// It says no, and why. Asked again it says the same.
    Refused(String),
    /// It has nothing under this reference.
    Unknown,
    /// There is no answer that says whether it was done. The text is for the log.
    Unavailable(String),
}

/// The provider that the variables name.
pub struct Provider<'h> {
    host: &'h dyn Host,
}

impl<'h> Provider<'h> {
    pub fn new(host: &'h dyn Host) -> Provider<'h> {
        Provider { host }
    }

    /// Sets money aside.
    ///
    /// # Errors
    /// When the provider does not, or may not have.
    pub fn authorize(&self, wanted: &Authorization) -> Result<(), ProviderError> {
        let body = json!({
            "reference": wanted.reference,
            "amount_minor": wanted.amount_minor,
            "currency": wanted.currency,
            "token": wanted.token,
        });
        let key = ("idempotency-key", wanted.reference.clone());
        self.ask("/authorizations", Some(key), body.to_string())
    }

    /// Takes what was set aside.
    ///
    /// # Errors
    /// As above.
    pub fn capture(&self, reference: &str) -> Result<(), ProviderError> {
        self.act(reference, "captures")
    }

    /// Lets go what was set aside.
    ///
    /// # Errors
    /// As above; refused when it was taken already.
    pub fn void(&self, reference: &str) -> Result<(), ProviderError> {
        self.act(reference, "voids")
    }

    /// Gives back what was taken.
    ///
    /// # Errors
    /// As above.
    pub fn refund(&self, reference: &str) -> Result<(), ProviderError> {
        self.act(reference, "refunds")
    }

    fn act(&self, reference: &str, what: &str) -> Result<(), ProviderError> {
        let path = format!("/authorizations/{reference}/{what}");
        self.ask(&path, None, "{}".to_owned())
    }

    fn ask(
        &self,
        path: &str,
        header: Option<(&'static str, String)>,
        body: String,
    ) -> Result<(), ProviderError> {
        let variable = |name: &str| {
            let missing =
                || ProviderError::Unavailable(format!("the variable `{name}` is not set"));
            self.host.variable(name).ok_or_else(missing)
        };
        let timeout_ms = self.host.variable("payment_timeout_ms");
        let timeout_ms = timeout_ms.and_then(|text| text.parse().ok());
        let url = format!("{}{path}", variable("payment_provider_url")?);
        let key = variable("payment_provider_key")?;
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("authorization", format!("Bearer {key}")),
        ];
        headers.extend(header);
        let answer = self.host.send(&Outgoing {
            method: "POST",
            url,
            headers,
            body: body.into_bytes(),
            timeout_ms: timeout_ms.unwrap_or(TIMEOUT_MS),
        });
        read(path, answer)
    }
}

fn read(path: &str, answer: Result<Incoming, SendError>) -> Result<(), ProviderError> {
    let answer = answer.map_err(|SendError(text)| ProviderError::Unavailable(text))?;
    match answer.status {
        200..=299 => Ok(()),
        404 => Err(ProviderError::Unknown),
        // Of these it is the store that is wrong, or the moment, and not the payment.
        401 | 403 | 408 | 425 | 429 => Err(unclear(path, answer.status)),
        400..=499 => Err(ProviderError::Refused(reason(&answer.body))),
        _ => Err(unclear(path, answer.status)),
    }
}

fn unclear(path: &str, status: u16) -> ProviderError {
    ProviderError::Unavailable(format!("the provider answered {status} to {path}"))
}

/// What the provider says for people.
fn reason(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let reason = body
        .get("reason")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let reason = reason.chars().filter(|letter| !letter.is_control());
    let reason: String = reason.take(REASON_CHARACTERS_MAX).collect();
    match reason.is_empty() {
        true => "The payment provider said no.".to_owned(),
        false => reason,
    }
}

#[cfg(test)]
mod tests {
    use kit::host::{Incoming, SendError};

    use super::{ProviderError, read};

    fn answered(status: u16, body: &str) -> Result<(), ProviderError> {
        let body = body.as_bytes().to_owned();
        read("/x", Ok(Incoming { status, body }))
    }

    #[test]
    fn only_a_definite_no_is_one() {
        assert_eq!(answered(201, "{}"), Ok(()));
        assert_eq!(
            answered(402, r#"{"reason":"Too\u0007 poor."}"#),
            Err(ProviderError::Refused("Too poor.".to_owned()))
        );
        let silent = ProviderError::Refused("The payment provider said no.".to_owned());
        assert_eq!(answered(409, "<html>"), Err(silent));
        assert_eq!(answered(404, ""), Err(ProviderError::Unknown));
        for status in [301, 401, 403, 429, 500, 502, 503, 504] {
            let answer = answered(status, "{}");
            assert!(
                matches!(answer, Err(ProviderError::Unavailable(_))),
                "{status}"
            );
        }
        let late = SendError("no answer in 3000 ms".to_owned());
        assert!(matches!(
            read("/x", Err(late)),
            Err(ProviderError::Unavailable(_))
        ));
    }
}
