//! E-mail and webhooks. Each message on each of these ways is an event to this service itself, so
//! that the bus tries it again until the other side has taken it, and no way waits for another.
//! What never succeeds ends as a dead letter.

use kit::event::{Delivery, Event};
use kit::host::Outgoing;
use kit::problem::Problem;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::contacts::Contact;
use crate::message::Message;
use crate::messenger::Messenger;
use crate::template::fill;

/// How long the other side may take.
const TIMEOUT_MS: u64 = 5000;

/// The data of `message.email` and `message.webhook`. Where it goes is asked for at the last
/// moment, so that no address lies in the bus.
#[derive(Serialize, Deserialize)]
struct Parcel {
    user: String,
    message: Message,
}

impl Messenger<'_> {
    /// Publishes a message for each way to the outside that its user wants.
    ///
    /// # Errors
    /// When the bus fails.
    pub fn hand_over(
        &self,
        user: &str,
        contact: &Contact,
        message: &Message,
    ) -> Result<(), Problem> {
        let channels = contact.channels(message.kind);
        let is_mailed = channels.email && self.email_provider().is_some();
        let is_posted = channels.webhook && contact.webhook_url.is_some();
        for (topic, is_wanted) in [("message.email", is_mailed), ("message.webhook", is_posted)] {
            if is_wanted {
                let data = json!({ "user": user, "message": message });
                let id = format!("{}-{user}", message.id);
                self.host
                    .publish(&Event::new(topic, id, data).keyed(user))?;
            }
        }
        Ok(())
    }

    /// Sends an e-mail, if its user still wants it.
    ///
    /// # Errors
    /// When contacts or the provider fail.
    pub fn send_email(&self, delivery: &Delivery) -> Result<(), Problem> {
        let (Some(url), Some((contact, message))) = (self.email_provider(), self.open(delivery)?)
        else {
            return Ok(());
        };
        if !contact.channels(message.kind).email {
            return Ok(());
        }
        let values = [
            ("title", message.title.as_str()),
            ("text", &message.text),
            ("name", &contact.name),
        ];
        let email = fill("email", &values);
        let email = email.ok_or_else(|| Problem::internal("no template says `email`"))?;
        // A provider may make a header of it.
        let subject = email.title.replace(char::is_control, " ");
        let body = json!({ "to": contact.email, "subject": subject, "text": email.text });
        self.post("the e-mail provider", url, &message.id, &body)
    }

    /// Posts to a user's webhook, if it is still wanted.
    ///
    /// # Errors
    /// When contacts or the other side fail.
    pub fn send_webhook(&self, delivery: &Delivery) -> Result<(), Problem> {
        let Some((contact, message)) = self.open(delivery)? else {
            return Ok(());
        };
        let is_wanted = contact.channels(message.kind).webhook;
        // `users` lets only such addresses in as lead to the outside.
        let is_http = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        match contact.webhook_url.filter(|url| is_wanted && is_http(url)) {
            Some(url) => self.post("a webhook", url, &message.id, &json!(message)),
            None => Ok(()),
        }
    }

    fn email_provider(&self) -> Option<String> {
        let url = self.host.variable("email_provider_url");
        url.filter(|url| !url.is_empty())
    }

    fn open(&self, delivery: &Delivery) -> Result<Option<(Contact, Message)>, Problem> {
        let Parcel { user, message } = delivery.data()?;
        let contact = self.contacts.contact(&user)?;
        Ok(contact.map(|contact| (contact, message)))
    }

    /// Posts JSON. The other side may get it twice, when its answer was lost; it knows that by the
    /// key.
    fn post(&self, whom: &str, url: String, key: &str, body: &Value) -> Result<(), Problem> {
        let failed = |why: String| {
            let detail = format!("The message was not taken by {whom}: {why}.");
            Problem::unavailable(detail.clone()).with_log(detail)
        };
        let answer = self.host.send(&Outgoing {
            method: "POST",
            url,
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("idempotency-key", key.to_owned()),
            ],
            body: body.to_string().into_bytes(),
            timeout_ms: TIMEOUT_MS,
        });
        match answer {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(failed(format!("it answered {}", answer.status))),
            Err(error) => Err(failed(error.0)),
        }
    }
}
