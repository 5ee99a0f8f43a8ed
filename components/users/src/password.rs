//! Passwords as argon2id hashes in PHC strings, which carry their own salt and parameters.

use argon2::password_hash::Error;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use kit::host::Host;
use kit::problem::Problem;

/// A hash of the usual parameters that was drawn, not computed: no password is known for it.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1\
    $8btvvteePXZnEUxC6CchFQ$UIAeS5GrNPt1b6MXhPJ3Wfr0NV43kr9Raqfuxz9v7JA";

/// Hashes a password with 19 MiB, 2 passes and 1 lane (OWASP's choice, and the crate's default).
///
/// # Errors
/// When there is no memory for it.
pub fn hash(host: &dyn Host, password: &str) -> Result<String, Problem> {
    let mut salt = [0; 16];
    host.random(&mut salt);
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    hash.map(|hash| hash.to_string()).map_err(failed)
}

/// Whether this is the password of a hash. Without a hash it is not, after the same work, so that
/// nobody learns from the time of an answer whether there is an account.
///
/// # Errors
/// When there is no memory for it, or the hash cannot be read.
pub fn matches(password: &str, hash: Option<&str>) -> Result<bool, Problem> {
    let verified = Argon2::default().verify_password(password.as_bytes(), hash.unwrap_or(NOBODY));
    match verified {
        Ok(()) => Ok(hash.is_some()),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn failed(error: Error) -> Problem {
    Problem::internal(&format!("argon2: {error}"))
}

#[cfg(test)]
mod tests {
    use kit::testing::TestHost;

    use super::{hash, matches};

    #[test]
    fn a_password_meets_its_own_hash_alone() {
        let host = TestHost::default();
        let hash_of = |password| hash(&host, password).unwrap();
        let first = hash_of("correct horse");
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert_ne!(first, hash_of("correct horse"), "the salt is drawn");
        assert_eq!(matches("correct horse", Some(&first)), Ok(true));
        assert_eq!(matches("correct horsf", Some(&first)), Ok(false));
        assert_eq!(matches("", None), Ok(false));
        assert_eq!(matches("x", Some("plain text")).unwrap_err().status, 500);
    }
}
