//! Lists and watches in their store. A list is written before the watch that follows from it; a
//! request that breaks off between the two can be sent again.

use kit::host::Host;
use kit::problem::Problem;
use kit::store::{Change, StoreError};

use crate::peers::Offer;
use crate::wishes::{ID_BYTES_MAX, WATCHERS_MAX, WISHES_MAX, Watch, Wish, Wishes};

/// All lists.
pub struct Lists<'h> {
    pub host: &'h dyn Host,
}

impl Lists<'_> {
    /// A user's list.
    ///
    /// # Errors
    /// As all of this module, when the store fails.
    pub fn of(&self, user: &str) -> Result<Wishes, StoreError> {
        let wishes = self.host.store().get_json(&user_key(user))?;
        Ok(wishes.unwrap_or_default())
    }

    /// Adds a wish at today's price; one that is there stays as it is.
    ///
    /// # Errors
    /// 409 for one wish too many.
    pub fn save(&self, user: &str, offer: &Offer, is_available: bool) -> Result<(), Problem> {
        let now_ms = self.host.now_ms();
        self.change(user, |wishes| {
            if wishes.items.iter().any(|wish| wish.sku == offer.sku) {
                return Ok(());
            }
            if wishes.items.len() >= WISHES_MAX {
                let detail = format!("A wishlist takes {WISHES_MAX} things. Take one out first.");
                return Err(Problem::new(409, "wishlist_full", detail));
            }
            wishes.items.push(Wish {
                sku: offer.sku.clone(),
                saved_price_minor: offer.price_minor,
                saved_at_ms: now_ms,
            });
            Ok(())
        })?;
        self.watch(&offer.sku, |watch| {
            if watch.watchers.len() < WATCHERS_MAX {
                let known = watch.watchers.entry(user.to_owned());
                known.or_insert(offer.price_minor);
            }
            watch.is_available.get_or_insert(is_available);
        })?;
        Ok(())
    }

    /// Takes a wish out.
    ///
    /// # Errors
    /// When the store fails.
    pub fn remove(&self, user: &str, sku: &str) -> Result<(), Problem> {
        if sku.len() > ID_BYTES_MAX {
            return Ok(());
        }
        self.change(user, |wishes| {
            wishes.items.retain(|wish| wish.sku != sku);
            Ok(())
        })?;
        self.watch(sku, |watch| {
            watch.watchers.remove(user);
        })?;
        Ok(())
    }

    /// The secret under which a user's list is shown to others, made at the first call.
    ///
    /// # Errors
    /// When the store fails.
    pub fn share(&self, user: &str) -> Result<String, Problem> {
        let new = self.host.new_id("w");
        let share = self.change(user, |wishes| {
            wishes.share.get_or_insert_with(|| new.clone());
            Ok(())
        })?;
        let share = share.share.unwrap_or(new);
        let store = self.host.store();
        store.set(&share_key(&share), user.as_bytes())?;
        Ok(share)
    }

    /// Ends the sharing: the secret shows nothing any more.
    ///
    /// # Errors
    /// When the store fails.
    pub fn end_sharing(&self, user: &str) -> Result<(), Problem> {
        if let Some(share) = self.of(user)?.share {
            self.host.store().delete(&share_key(&share))?;
        }
        self.change(user, |wishes| {
            wishes.share = None;
            Ok(())
        })?;
        Ok(())
    }

    /// The list that is shown under a secret.
    ///
    /// # Errors
    /// 404; when the store fails.
    pub fn shared(&self, share: &str) -> Result<Wishes, Problem> {
        let none = || Problem::not_found("There is no such list, or it is not shared any more.");
        if share.len() > ID_BYTES_MAX {
            return Err(none());
        }
        let user = self.host.store().get(&share_key(share))?.ok_or_else(none)?;
        let wishes = self.of(&String::from_utf8_lossy(&user))?;
        match wishes.share.as_deref() == Some(share) {
            true => Ok(wishes),
            false => Err(none()),
        }
    }

    fn change(
        &self,
        user: &str,
        change: impl Fn(&mut Wishes) -> Result<(), Problem>,
    ) -> Result<Wishes, Problem> {
        self.host
            .store()
            .update(&user_key(user), |wishes: Option<Wishes>| {
                let old = wishes.unwrap_or_default();
                let mut new = old.clone();
                change(&mut new)?;
                Ok(match new == old {
                    true => Change::Keep(new),
                    false => Change::Write(new.clone(), new),
                })
            })
    }

    /// Changes what is watched of a SKU.
    ///
    /// # Errors
    /// When the store fails.
    pub fn watch<R>(&self, sku: &str, change: impl Fn(&mut Watch) -> R) -> Result<R, StoreError> {
        self.host
            .store()
            .update(&format!("sku/{sku}"), |watch: Option<Watch>| {
                let old = watch.unwrap_or_default();
                let mut new = old.clone();
                let result = change(&mut new);
                Ok(match new == old {
                    true => Change::Keep(result),
                    false => Change::Write(new, result),
                })
            })
    }

    /// Whether anyone ever wished it: most things that change are nobody's wish.
    ///
    /// # Errors
    /// When the store fails.
    pub fn is_watched(&self, sku: &str) -> Result<bool, StoreError> {
        Ok(self.host.store().get(&format!("sku/{sku}"))?.is_some())
    }
}

fn user_key(user: &str) -> String {
    format!("user/{user}")
}

fn share_key(share: &str) -> String {
    format!("share/{share}")
}
