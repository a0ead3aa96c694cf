//! What fuzzers began with and what they found, once more: any of it that is wrong
//! panics.

use std::{collections::BTreeSet, fs, panic, path::Path};

use probe_tests::fuzz::TARGETS;

#[test]
fn every_input_that_was_kept_is_read_in_peace() {
    for target in TARGETS {
        let inputs = target.inputs().unwrap();
        assert!(inputs.len() >= 5, "{}: {}", target.name, inputs.len());
        for input in &inputs {
            let hex: String = input.iter().map(|octet| format!("{octet:02x}")).collect();
            let result = panic::catch_unwind(|| (target.run)(input));
            assert!(result.is_ok(), "{} on {hex}", target.name);
        }
    }
}

#[test]
fn every_target_has_a_program() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/targets");
    let programs: BTreeSet<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let names = TARGETS.map(|target| format!("{}.rs", target.name));
    assert_eq!(programs, BTreeSet::from(names));
}
