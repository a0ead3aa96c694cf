//! Joins engine to io.
