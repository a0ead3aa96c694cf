//! What the README's table of replies and manglings names is there.

use std::{fs, path::Path};

use probe_tests::corpus::THEMES;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// The titles of the table.
const TITLES: &str = "| reply, or what happened to it | v4 | v6 | taken for | packets | lab |";
/// Rows that no packet can show by itself.
const WITHOUT_PACKET: &str = "another interface";

/// The cells of each row.
fn rows() -> Vec<Vec<String>> {
    let readme = fs::read_to_string(Path::new(ROOT).join("README.md")).expect("README.md");
    let lines = readme.lines().skip_while(|line| *line != TITLES).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells = row.trim_matches('|').split(" | ");
        cells.map(|cell| cell.trim().to_owned()).collect()
    })
    .collect()
}

/// What stands in code marks.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Whether the corpus has packets of this name for each family.
fn families(name: &str) -> [bool; 2] {
    let (theme, what) = name.split_once('/').expect("theme/name");
    let theme = THEMES.iter().find(|known| known.name == theme);
    let cases = theme.expect(name).read().expect(name);
    ["v4", "v6"].map(|family| {
        let mut samples = cases.iter().flat_map(|case| case.samples());
        samples.any(|sample| sample.name.contains(family) && sample.name.contains(what))
    })
}

/// Whether there is a suite, module and, if it is named, test.
fn is_test(name: &str) -> bool {
    let mut words = name.split("::");
    let (Some(suite), Some(module)) = (words.next(), words.next()) else {
        return false;
    };
    let file = format!("tests/suites/{suite}/{module}.rs");
    let Ok(text) = fs::read_to_string(Path::new(ROOT).join(file)) else {
        return false;
    };
    words.all(|test| text.contains(&format!("#[test]\nfn {test}()")))
}

#[test]
fn every_packet_and_test_of_the_table_is_there() {
    let rows = rows();
    assert!(rows.len() >= 30, "{rows:?}");
    for row in rows {
        let [what, v4, v6, _, packets, lab] = row.as_slice() else {
            panic!("{row:?}");
        };
        let mut shown = [false; 2];
        for name in names(packets) {
            let there = families(name);
            assert!(there.contains(&true), "{what}: no packet {name}");
            shown = [shown[0] | there[0], shown[1] | there[1]];
        }
        let claimed = [v4, v6].map(|cell| cell == "✓");
        if !what.contains(WITHOUT_PACKET) {
            assert!(
                !claimed[0] | shown[0] && !claimed[1] | shown[1],
                "{what}: {packets}"
            );
        }
        assert!(!names(lab).is_empty(), "{what}");
        for name in names(lab) {
            assert!(is_test(name), "{what}: no test {name}");
        }
    }
}
