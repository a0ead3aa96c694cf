//! Whole command lines of sweeps.

use std::time::Duration;

use clap::Parser as _;

use crate::{
    cli::{Request, args::Cli, parse},
    engine::{
        plan::TxMode,
        sweep::plan::{Probing, RecordFormat, SweepPlan},
    },
};

fn plan(line: &str) -> Result<SweepPlan, String> {
    let args = ["probe", "sweep"]
        .into_iter()
        .chain(line.split_whitespace());
    match parse(args) {
        Ok(Request::Sweep(plan)) => Ok(*plan),
        Ok(other) => Err(format!("{other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

#[test]
fn a_sweep_is_a_good_citizen_unless_told_otherwise() {
    let plan = plan("198.51.100.0/24 8.8.8.0/24").expect("a plan");
    assert_eq!(plan.probes.rate, Some(1_000));
    assert_eq!(plan.hop_rate, Some(1_000));
    assert_eq!((plan.space.first_ttl, plan.space.ttls), (1, 32));
    // 198.51.100.0/24 is for documentation.
    assert_eq!((plan.targets.len(), plan.left_out.special), (256, 256));
    assert_eq!(plan.cooldown, Duration::from_secs(1));
    assert!(plan.consume);
    assert_eq!(plan.output.format, RecordFormat::Jsonl);
}

#[test]
fn private_addresses_are_swept_if_asked_for_and_without_bounds_for_the_public() {
    assert!(plan("10.0.0.0/24").is_err_and(|error| error.contains("--allow-private")));
    let plan = plan("--allow-private --rate max 10.0.0.0/24").expect("a plan");
    assert_eq!((plan.probes.rate, plan.hop_rate), (None, None));
}

#[test]
fn a_flow_label_is_for_targets_of_ipv6_and_makes_another_plan() {
    let refused = plan("--flow-label 7 8.8.8.0/24");
    assert!(refused.is_err_and(|error| error.contains("--flow-label is for IPv6")));
    let digest = |label: &str| {
        let plan = plan(&format!("--seed 1 {label} 2001:4860::/120 8.8.8.0/24"));
        plan.expect("a plan").digest()
    };
    let [drawn, zero, one] = ["", "--flow-label 0", "--flow-label 1"].map(digest);
    assert!(drawn != zero && zero != one && drawn != one);
}

#[test]
fn fast_probes_to_others_say_who_sends_them() {
    for rate in ["10001", "max"] {
        let line = format!("--rate {rate} 8.8.8.0/24");
        assert!(plan(&line).is_err_and(|error| error.contains("--contact")));
        assert!(plan(&format!("--contact noc@example.org {line}")).is_ok());
    }
    assert!(plan("--rate 10k 8.8.8.0/24").is_ok());
}

#[test]
fn one_ttl_is_for_the_targets_or_the_one_named() {
    let ttls = |line| {
        let plan = plan(line).expect("a plan");
        (plan.space.first_ttl, plan.space.ttls)
    };
    assert_eq!(ttls("--ping 8.8.8.8"), (64, 1));
    assert_eq!(ttls("--ttl 7 8.8.8.8"), (7, 1));
    assert_eq!(ttls("--first-ttl 3 --max-ttl 5 8.8.8.8"), (3, 3));
    assert!(plan("--first-ttl 9 --max-ttl 5 8.8.8.8").is_err());
}

#[test]
fn whole_paths_are_probed_as_far_as_need_be_and_all_else_in_full() {
    let probing = |line: &str| plan(&format!("{line} 8.8.8.8")).map(|plan| plan.probing);
    let adaptive = |gap_limit| Ok(Probing::Adaptive { gap_limit });
    assert_eq!(probing(""), adaptive(8));
    assert_eq!(probing("--gap-limit 5 --max-ttl 20"), adaptive(5));
    for line in [
        "--probing full",
        "--ping",
        "--ttl 7",
        "--probes 2",
        "--max-ttl 33",
        "--paths",
    ] {
        assert_eq!(probing(line), Ok(Probing::Full), "{line}");
        let refused = probing(&format!("{line} --gap-limit 5"));
        assert!(refused.is_err_and(|error| error.contains("--gap-limit")));
    }
    assert_eq!(probing("--paths --probing adaptive"), adaptive(8));
    for line in ["--ping", "--ttl 7", "--probes 2", "--max-ttl 33"] {
        let refused = probing(&format!("--probing adaptive {line}"));
        assert!(refused.is_err_and(|error| error.contains("--probing full")));
    }
}

#[test]
fn a_bandwidth_is_that_of_the_wire() {
    // An echo request of 40 octets has 60 in its frame, and 24 around it.
    let plan = plan("--bandwidth 672k --allow-private 10.0.0.1").expect("a plan");
    assert_eq!(plan.probes.rate, Some(1_000));
}

#[test]
fn outputs_that_cannot_be_are_refused() {
    for (line, why) in [
        ("--format parquet 8.8.8.8", "--output"),
        ("--paths --checkpoint /tmp/c 8.8.8.8", "--checkpoint"),
        ("--output /tmp/x --metadata /tmp/x 8.8.8.8", "same file"),
        ("example.org", "name"),
        ("0.0.0.0/0", "--exclude"),
    ] {
        assert!(plan(line).is_err_and(|error| error.contains(why)), "{line}");
    }
    assert_eq!(
        plan("--output - 8.8.8.8").expect("a plan").output.file,
        None
    );
}

#[test]
fn a_checkpoint_stands_beside_the_output() {
    let output = plan("--output /tmp/none/out.csv --format csv 8.8.8.8").expect("a plan");
    let checkpoint = output.output.checkpoint.expect("a checkpoint");
    assert_eq!(checkpoint.to_str(), Some("/tmp/none/out.csv.checkpoint"));
    assert!(output.output.passing_checkpoint);
    assert_eq!(plan("8.8.8.8").expect("a plan").output.checkpoint, None);
}

/// Whether the command line is none, whatever its plan would be.
fn is_refused(line: &str) -> bool {
    let args = ["probe", "sweep", "8.8.8.8"].into_iter();
    Cli::try_parse_from(args.chain(line.split_whitespace())).is_err()
}

#[test]
fn what_sends_is_chosen_by_the_rate_unless_it_is_named() {
    let tx = |line: &str| plan(&format!("{line} 8.8.8.8")).map(|plan| (plan.tx, plan.tx_batch));
    assert_eq!(tx(""), Ok((TxMode::Auto, None)));
    assert_eq!(tx("--tx raw"), Ok((TxMode::Raw, None)));
    assert_eq!(tx("--tx xdp --tx-batch 1"), Ok((TxMode::Xdp, Some(1))));
    assert_eq!(tx("--tx auto --tx-batch 64"), Ok((TxMode::Auto, Some(64))));
    for line in ["--tx dpdk", "--tx-batch 0", "--tx-batch 65", "--tx-batch x"] {
        assert!(is_refused(line), "{line}");
    }
}

#[test]
fn probes_may_take_half_of_a_link_or_the_share_that_is_named() {
    let share = |line: &str| plan(&format!("{line} 8.8.8.8")).map(|plan| plan.share_of_link);
    assert_eq!(share(""), Ok(0.5));
    assert_eq!(share("--max-share-of-link 100"), Ok(1.0));
    assert_eq!(share("--max-share-of-link 12.5%"), Ok(0.125));
    for share_of_link in ["0", "101", "-1", "nan", "half"] {
        let line = format!("--max-share-of-link={share_of_link}");
        assert!(is_refused(&line), "{line}");
    }
}
