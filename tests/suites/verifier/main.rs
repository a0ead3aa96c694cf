//! What the kernel's verifier makes of every program of both objects: how many
//! instructions it follows (its limit is a million) and how long the program is
//! that it accepts.
//!
//! Fails if a program costs a fifth more than `golden/verifier.toml` says. That
//! file is rewritten, better or worse, if `PROBE_BLESS` is set:
//!
//! ```text
//! PROBE_BLESS=1 cargo test -p probe-tests --features root --test verifier
//! ```

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use aya::programs::ProgramInfo;
use probe_common::{
    abi::{Config, Generator, Protocol, names},
    adaptive::Rules,
    permutation::Permutation,
    plan::Space,
};
use probe_tests::{kernel, scene};
use serde::{Deserialize, Serialize};

/// Most that a cost may have grown, in parts of the golden one.
const TOLERANCE: f64 = 1.2;

/// Every object, as it is committed.
const OBJECTS: [(&str, &[u8]); 2] = [
    (
        "probe",
        aya::include_bytes_aligned!("../../../probe-user/object/probe.bpf.o"),
    ),
    ("lab", aya::include_bytes_aligned!("../../object/lab.bpf.o")),
];

/// A plan as the generator knows it: of what it does not ask for, nothing is verified.
const PLAN: Generator = Generator {
    permutation: Permutation::new(1 << 24, 7),
    space: Space::new(1 << 20, 1, 16, 4),
    key: [1, 2],
    steps_of_round: 1 << 24,
    round_interval_ns: 1_000_000_000,
    hop_interval_ns: 1_000_000,
    again_before: 1_000,
    shard: 1,
    shards: 3,
    rounds: 2,
    lanes: 2,
    runs: 0,
    v6: 0,
    batch: 32,
    precise: 0,
    adaptive: 0,
    hint_mask: 0,
    rules: Rules::new(1, 32, 8),
    port: 33_434,
    tail_length: 64,
    tail_sum: 1,
    protocol: Protocol::Icmp as u8,
    tos: 4,
    ack: 0,
    reserved: [0; 3],
    flow_label: Generator::OWN_LABELS,
    tail: *b"a text of as many octets as there may be, for whoever looks on. ",
};

/// Plans of each family and protocol, with targets as a list and as runs, under the
/// name that the generator has in the golden figures.
const PLANS: [(&str, Generator); 5] = [
    ("generate_icmp_v4_list", PLAN),
    (
        "generate_udp_v6_runs",
        Generator {
            protocol: Protocol::Udp as u8,
            v6: 1,
            runs: 1_000,
            ..PLAN
        },
    ),
    (
        "generate_tcp_v6_list",
        Generator {
            protocol: Protocol::Tcp as u8,
            v6: 1,
            ack: 1,
            batch: 1,
            precise: 1,
            tail_length: 0,
            tail_sum: 0,
            ..PLAN
        },
    ),
    (
        "generate_adaptive_icmp_v4_list",
        Generator {
            adaptive: 1,
            hint_mask: 0xffff,
            ..PLAN
        },
    ),
    (
        "generate_adaptive_udp_v6_runs",
        Generator {
            adaptive: 1,
            hint_mask: 0xffff,
            protocol: Protocol::Udp as u8,
            v6: 1,
            runs: 1_000,
            ..PLAN
        },
    ),
];

/// The costs of a program.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
struct Cost {
    /// Instructions that the verifier followed, on all paths together.
    verified_instructions: u32,
    /// Length of the program as accepted, bytes.
    translated_bytes: u32,
}

/// Costs by object and program.
type Costs = BTreeMap<String, BTreeMap<String, Cost>>;

#[test]
fn no_program_costs_the_verifier_much_more_than_before() -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/verifier.toml");
    let now = measure()?;
    if std::env::var_os("PROBE_BLESS").is_some() {
        fs::write(&path, document(&now)?)?;
    }
    let text = fs::read_to_string(&path).context("cannot read golden/verifier.toml")?;
    let golden: Costs = toml::from_str(&text)?;
    println!("{}", table(&now, &golden));
    let names = |costs: &Costs| -> Vec<String> {
        let programs = costs.iter();
        programs
            .flat_map(|(object, programs)| {
                programs.keys().map(move |name| format!("{object}.{name}"))
            })
            .collect()
    };
    ensure!(
        names(&now) == names(&golden),
        "not the programs of golden/verifier.toml"
    );
    let worse = worse(&now, &golden);
    ensure!(
        worse.is_empty(),
        "cost more than golden/verifier.toml allows: {}; find out why, or bless it (PROBE_BLESS=1)",
        worse.join(", ")
    );
    Ok(())
}

fn measure() -> Result<Costs> {
    // All that a run can ask for.
    let config = Config {
        flags: Config::CONSUME | Config::ADAPTIVE,
        stop_mask: 0xffff,
        ..scene::CONFIG
    };
    let mut costs = Costs::new();
    for (object, bytes) in OBJECTS {
        let of_object = costs.entry(object.to_owned()).or_default();
        for (plan, generator) in PLANS {
            let programs = kernel::verify(bytes, &config, &generator);
            for (name, info) in programs.with_context(|| format!("the object {object}"))? {
                let is_generator = name == names::GENERATE;
                let name = if is_generator { plan.to_owned() } else { name };
                of_object.insert(name, cost(&info)?);
            }
        }
    }
    Ok(costs)
}

fn cost(info: &ProgramInfo) -> Result<Cost> {
    Ok(Cost {
        verified_instructions: info
            .verified_instruction_count()
            .context("the kernel does not tell how many instructions it followed")?,
        translated_bytes: info
            .size_translated()
            .context("the kernel does not tell how long the program is")?,
    })
}

/// Programs that cost a fifth more than the golden costs.
fn worse(now: &Costs, golden: &Costs) -> Vec<String> {
    let exceeds = |now: u32, golden: u32| f64::from(now) > f64::from(golden) * TOLERANCE;
    let mut worse = Vec::new();
    for (object, name, cost) in programs(now) {
        let Some(golden) = golden.get(object).and_then(|programs| programs.get(name)) else {
            continue;
        };
        if exceeds(cost.verified_instructions, golden.verified_instructions)
            || exceeds(cost.translated_bytes, golden.translated_bytes)
        {
            worse.push(format!("{object}.{name}"));
        }
    }
    worse
}

fn programs(costs: &Costs) -> impl Iterator<Item = (&str, &str, &Cost)> {
    costs.iter().flat_map(|(object, programs)| {
        let programs = programs.iter();
        programs.map(move |(name, cost)| (object.as_str(), name.as_str(), cost))
    })
}

fn document(costs: &Costs) -> Result<String> {
    let about = "# What the verifier makes of each program; see suites/verifier/main.rs.\n\n";
    Ok(about.to_owned() + &toml::to_string(costs)?)
}

fn table(now: &Costs, golden: &Costs) -> String {
    let mut table = format!(
        "{:<38} {:>20} {:>10} {:>16} {:>10}",
        "program", "verified instructions", "golden", "translated bytes", "golden"
    );
    for (object, name, cost) in programs(now) {
        let golden = golden.get(object).and_then(|programs| programs.get(name));
        let text = |value: Option<u32>| value.map_or("-".to_owned(), |value| value.to_string());
        let _ = write!(
            table,
            "\n{:<38} {:>20} {:>10} {:>16} {:>10}",
            format!("{object}.{name}"),
            cost.verified_instructions,
            text(golden.map(|cost| cost.verified_instructions)),
            cost.translated_bytes,
            text(golden.map(|cost| cost.translated_bytes)),
        );
    }
    table
}

#[test]
fn a_program_that_costs_a_fifth_more_is_told_and_one_just_below_is_not() {
    let costs = |verified_instructions| {
        let cost = Cost {
            verified_instructions,
            translated_bytes: 100,
        };
        Costs::from([("probe".into(), BTreeMap::from([("rx".into(), cost)]))])
    };
    assert!(worse(&costs(120), &costs(100)).is_empty());
    assert_eq!(worse(&costs(121), &costs(100)), ["probe.rx"]);
}
