//! Arguments to a validated plan.
