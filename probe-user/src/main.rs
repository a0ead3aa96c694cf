//! The command `probe`.
fn main() {}
