//! Packets octet by octet, without any rights: what is emitted, what it reads
//! back as, and what answers are taken for.

mod answers;
mod corpus;
mod emitter;
mod exact;
mod extensions;
mod flow;
mod grades;
mod probes;
mod readme;
mod rewritten;
mod verdicts;
