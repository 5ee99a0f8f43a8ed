//! Shipping quotes, shipments and their tracking.
