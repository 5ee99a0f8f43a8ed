//! Authorizes, captures, voids and refunds.
