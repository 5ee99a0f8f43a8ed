//! What else a customer may like.
