//! Order processing: from placed to delivered, or undone.
