//! The lab itself: what it says about its networks is what the field's tools see.

mod impairments;
mod leftovers;
mod paths;
mod responder;
mod services;
mod tools;
mod wires;
