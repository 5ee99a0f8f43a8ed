//! Everyone who may want offers, and offers on their way to them.
//!
//! The users stand in a fixed number of segments, each a sorted set in one value. An offer becomes
//! an event per segment, and each of them brings it to a few users and passes the rest on to the
//! next, so that no handler has to reach everybody.

use std::collections::BTreeSet;
use std::ops::Bound;

use kit::event::{Delivery, Event};
use kit::problem::Problem;
use kit::store::{Change, KeyValue, StoreError};
use kit::time::rfc_3339;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::message::{Kind, Message, id};
use crate::messenger::Messenger;

/// More segments are more users, and more events for each offer. A change would lose users.
const SEGMENTS: u8 = 16;
/// Ids have 28 characters: about 900 KiB of the MiB that a value may have.
const SEGMENT_USERS_MAX: usize = 30_000;
/// How many users one handler reaches.
const USERS_AT_ONCE: usize = 50;

/// What the staff writes, and the data of `offer.announced`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Offer {
    pub offer: String,
    pub title: String,
    pub text: String,
    pub link: Option<String>,
    pub at: String,
}

/// The data of `offer.delivery`: the users of a segment after one of them.
#[derive(Serialize, Deserialize)]
struct Part {
    #[serde(flatten)]
    offer: Offer,
    segment: u8,
    after: String,
}

/// The data of `user.registered`.
#[derive(Deserialize)]
struct Registered {
    user: String,
}

/// The data of a new offer, without what it gets here.
#[derive(Deserialize)]
pub struct Draft {
    title: String,
    text: String,
    link: Option<String>,
}

impl Messenger<'_> {
    /// # Errors
    /// When the event has another shape; when the store fails, or has no room for more users.
    pub fn user_registered(&self, delivery: &Delivery) -> Result<(), Problem> {
        let Registered { user } = delivery.data()?;
        match join(self.host.store(), &user)? {
            true => Ok(()),
            false => Err(Problem::internal(&format!(
                "{user} gets no offers: its segment has {SEGMENT_USERS_MAX} users"
            ))),
        }
    }

    /// Publishes an offer, and returns its id.
    ///
    /// # Errors
    /// 422 when its link leads out of the shop; when the bus fails.
    pub fn announce(&self, draft: Draft) -> Result<String, Problem> {
        let Draft { title, text, link } = draft;
        let is_page = |link: &String| {
            link.starts_with('/') && !link.starts_with("//") && !link.contains('\\')
        };
        if !link.as_ref().is_none_or(is_page) {
            let detail = "must be a page of the shop, such as /c/computers";
            return Err(Problem::field("link", detail));
        }
        let offer = Offer {
            offer: self.host.new_id("offer"),
            title,
            text,
            link,
            at: rfc_3339(self.host.now_ms()),
        };
        let event = Event::new("offer.announced", &offer.offer, json!(offer));
        self.host.publish(&event)?;
        Ok(offer.offer)
    }

    /// # Errors
    /// When the event has another shape; when the bus fails.
    pub fn offer_announced(&self, delivery: &Delivery) -> Result<(), Problem> {
        let offer: Offer = delivery.data()?;
        for segment in 0..SEGMENTS {
            self.pass_on(Part {
                offer: offer.clone(),
                segment,
                after: String::new(),
            })?;
        }
        Ok(())
    }

    /// # Errors
    /// When the event has another shape; when a message cannot be brought now.
    pub fn deliver_offer(&self, delivery: &Delivery) -> Result<(), Problem> {
        let part: Part = delivery.data()?;
        let (users, last) = users_after(self.host.store(), part.segment, &part.after)?;
        let offer = &part.offer;
        let message = Message {
            id: id("offer", &offer.offer),
            kind: Kind::Offer,
            title: offer.title.clone(),
            text: offer.text.clone(),
            link: offer.link.clone(),
            at: offer.at.clone(),
        };
        for user in users {
            self.tell(&user, &message)?;
        }
        match last {
            Some(after) => self.pass_on(Part { after, ..part }),
            None => Ok(()),
        }
    }

    fn pass_on(&self, part: Part) -> Result<(), Problem> {
        let id = format!("{}-{}-{}", part.offer.offer, part.segment, part.after);
        Ok(self
            .host
            .publish(&Event::new("offer.delivery", id, json!(part)))?)
    }
}

/// Adds a user, once; false when there is no room.
fn join(store: &dyn KeyValue, user: &str) -> Result<bool, StoreError> {
    let digest = Sha256::digest(user);
    let segment = digest.first().copied().unwrap_or_default() % SEGMENTS;
    store.update(&key(segment), |users: Option<BTreeSet<String>>| {
        let mut users = users.unwrap_or_default();
        if users.contains(user) {
            return Ok(Change::Keep(true));
        }
        if users.len() >= SEGMENT_USERS_MAX {
            return Ok(Change::Keep(false));
        }
        users.insert(user.to_owned());
        Ok(Change::Write(users, true))
    })
}

/// The next users of a segment, and the last of them when there are more.
fn users_after(
    store: &dyn KeyValue,
    segment: u8,
    after: &str,
) -> Result<(Vec<String>, Option<String>), StoreError> {
    let users: BTreeSet<String> = store.get_json(&key(segment))?.unwrap_or_default();
    let mut rest = users.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
    let part: Vec<String> = rest.by_ref().take(USERS_AT_ONCE).cloned().collect();
    let last = rest.next().and(part.last().cloned());
    Ok((part, last))
}

fn key(segment: u8) -> String {
    format!("audience/{segment}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kit::store::memory::Memory;

    use super::{SEGMENTS, USERS_AT_ONCE, join, users_after};

    #[test]
    fn everybody_is_reached_once() {
        let store = Memory::default();
        let all: BTreeSet<String> = (0..2000).map(|number| format!("u-{number}")).collect();
        for user in all.iter().chain(&all) {
            assert_eq!(join(&store, user), Ok(true));
        }
        let mut reached = Vec::new();
        for segment in 0..SEGMENTS {
            let mut after = String::new();
            loop {
                let (users, last) = users_after(&store, segment, &after).unwrap();
                assert!(users.len() <= USERS_AT_ONCE);
                reached.extend(users);
                match last {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        assert_eq!(reached.len(), all.len());
        assert_eq!(reached.into_iter().collect::<BTreeSet<_>>(), all);
    }
}
