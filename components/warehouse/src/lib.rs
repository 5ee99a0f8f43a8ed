//! Stock, and reservations of it.
