//! Full text search of the catalogue.
