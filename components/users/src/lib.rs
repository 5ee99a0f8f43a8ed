//! Accounts, signing in, and who a token names.
