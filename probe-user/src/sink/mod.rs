//! What is written where.
