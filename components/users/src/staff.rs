//! The account of the shop's staff, which the manifest's variables make: `staff_email` and
//! `staff_password`. Where either is empty there is no such account.

use kit::host::Host;
use kit::identity::Role;
use kit::problem::Problem;
use sha2::{Digest, Sha256};

use crate::account::{self, Account, Email};
use crate::{password, session};

/// The name that the account has until it is changed.
const NAME: &str = "Staff";

/// What the variables say.
pub struct Staff {
    email: Email,
    password: String,
}

/// The account that the variables ask for.
pub fn wanted(host: &dyn Host) -> Option<Staff> {
    let variable = |name| host.variable(name).filter(|value| !value.is_empty());
    Some(Staff {
        email: Email::new(&variable("staff_email")?),
        password: variable("staff_password")?,
    })
}

impl Staff {
    pub fn has(&self, email: &Email) -> bool {
        self.email.is_same(email)
    }

    /// The account, made or brought up to date, for who knows the variable's password. For others
    /// none, after the same work.
    ///
    /// # Errors
    /// When the store, the bus or the hash fails.
    pub fn sign_in(&self, host: &dyn Host, given: &str) -> Result<Option<Account>, Problem> {
        // Digests are compared, so that the time says nothing about the password itself.
        if Sha256::digest(given) != Sha256::digest(&self.password) {
            password::matches(given, None)?;
            return Ok(None);
        }
        let known = account::find(host.store(), &self.email)?;
        if let Some(account) = known.as_ref().filter(|account| account.role == Role::Staff)
            && password::matches(given, Some(&account.password_hash))?
        {
            return Ok(known);
        }
        let hash = password::hash(host, given)?;
        let Some(known) = known else {
            return account::create(host, &self.email, NAME, Role::Staff, hash);
        };
        // Whoever had the account until now, by an older password or as a customer, is signed out
        // before it can do more.
        session::end_all(host.store(), &known.user)?;
        let changed = account::change(host.store(), &known.user, |account| {
            account.role = Role::Staff;
            account.password_hash.clone_from(&hash);
        })?;
        Ok(Some(changed))
    }
}

/// What an account may do now: it is of the staff only as long as the variables say so.
pub fn role(host: &dyn Host, account: &Account) -> Role {
    let is_wanted = || wanted(host).is_some_and(|staff| staff.has(&Email::new(&account.email)));
    match account.role {
        Role::Staff if is_wanted() => Role::Staff,
        Role::Staff | Role::Customer => Role::Customer,
    }
}
