//! A simulated payment provider, for the demo.
