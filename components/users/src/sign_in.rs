//! E-mail address and password become an account. Unknown addresses are answered like wrong
//! passwords, after the same work.

use kit::host::Host;
use kit::identity::Role;
use kit::problem::Problem;

use crate::account::{self, Account, Email};
use crate::{lockout, password, staff};

/// Makes an account.
///
/// # Errors
/// 409 `email_taken`, 422; or the store, the bus or the hash fails.
pub fn sign_up(
    host: &dyn Host,
    email: &str,
    password: &str,
    name: &str,
) -> Result<Account, Problem> {
    let email = Email::checked(email)?;
    let taken = || {
        let detail = "There is an account with this e-mail address. Sign in instead.";
        Problem::new(409, "email_taken", detail)
    };
    // The staff's address is not to be had, signed in or not yet.
    let is_staff = staff::wanted(host).is_some_and(|staff| staff.has(&email));
    if is_staff || account::find(host.store(), &email)?.is_some() {
        return Err(taken());
    }
    let hash = password::hash(host, password)?;
    account::create(host, &email, name, Role::Customer, hash)?.ok_or_else(taken)
}

/// The account of an e-mail address and its password.
///
/// # Errors
/// 401 `wrong_credentials`, 429 `locked`; or the store fails.
pub fn sign_in(host: &dyn Host, email: &str, password: &str) -> Result<Account, Problem> {
    let email = Email::new(email);
    lockout::check(host, &email)?;
    let account = match staff::wanted(host).filter(|staff| staff.has(&email)) {
        Some(staff) => staff.sign_in(host, password)?,
        None => {
            let account = account::find(host.store(), &email)?;
            let hash = account.as_ref().map(|one| one.password_hash.as_str());
            let is_right = password::matches(password, hash)?;
            account.filter(|_| is_right)
        }
    };
    lockout::settle(host, &email, account)
}
