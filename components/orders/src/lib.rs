//! Order taking: checkout and orders.
