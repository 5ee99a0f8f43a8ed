//! The shop: pages for people.
