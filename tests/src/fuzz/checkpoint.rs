//! Checkpoints of sweeps.

use probe::engine::sweep::{
    checkpoint::{Checkpoint, SCHEMA},
    schedule::{Schedule, Shard},
};
use probe_common::plan::Space;

/// Reads a checkpoint, and goes on from it as a sweep of three lanes does.
pub fn checkpoint(input: &[u8]) {
    let Ok(checkpoint) = Checkpoint::from_json(input) else {
        return;
    };
    let written = serde_json::to_vec(&checkpoint).expect("a checkpoint is JSON");
    let again = Checkpoint::from_json(&written).expect("what was written is read");
    assert_eq!(again, checkpoint);
    let space = Space::new(1_000, 1, 32, 4);
    let schedule = Schedule::new(space, checkpoint.seed, Shard::WHOLE, 2);
    for index in 0..3 {
        let mut lane = schedule.lane(index, 3, checkpoint.cursor);
        let cursor = lane.next().map_or(checkpoint.cursor, |step| step.cursor);
        assert!((checkpoint.cursor..checkpoint.cursor + 3).contains(&cursor));
    }
}

/// What a run writes, and near misses.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let arguments = ["sweep", "10.0.0.0/8", "--rate", "1M"];
    let whole = Checkpoint {
        schema: SCHEMA,
        arguments: arguments.map(str::to_owned).to_vec(),
        seed: 0x9e37_79b9_7f4a_7c15,
        plan: u64::MAX,
        cursor: 123_456,
        reserved: 3_123_456,
        output: 65_536,
        done: false,
    };
    let beyond = Checkpoint {
        cursor: u64::MAX,
        ..whole.clone()
    };
    let other = Checkpoint {
        schema: SCHEMA + 1,
        done: true,
        ..whole.clone()
    };
    let written = [whole, beyond, other].map(|checkpoint| serde_json::to_vec(&checkpoint));
    let mut seeds: Vec<Vec<u8>> = written.into_iter().flatten().collect();
    seeds.push(b"{\"schema\":1,\"arguments\":[],\"seed\":-1,\"cursor\":1e99}".to_vec());
    seeds.push(b"[[[[[[[[{}]]]]]]]]".to_vec());
    seeds
}
