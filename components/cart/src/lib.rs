//! What a customer is about to buy.
