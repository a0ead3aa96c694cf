//! The compiled programs agree with the shared crate's rules, packet by packet:
//! what they return, which counters move, the whole event, the slot after.

mod corpus;
mod forgeries;
mod mutated;
mod rig;
mod sequences;
