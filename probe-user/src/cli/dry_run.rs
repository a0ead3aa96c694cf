//! What `--dry-run` prints: each target, the way to it, and how many probes.

use std::net::IpAddr;

use crate::{
    engine::plan::{Job, Plan, Target},
    sink::{
        table::{
            grid::{Grid, plain},
            protocol,
        },
        text::{count, counted, host},
    },
};

/// A target and the way that its probes would take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// The target.
    pub target: Target,
    /// Source address, if there is a route.
    pub source: Option<IpAddr>,
    /// Name of the interface, if there is a route.
    pub interface: Option<String>,
}

/// A table of `ways` and a last line with the sum; every line ends in a line feed.
pub fn render(plan: &Plan, ways: &[Way]) -> String {
    let titles = [
        "target",
        "protocol",
        ">flows",
        ">ttl",
        ">probes",
        "source",
        "interface",
    ];
    let mut grid = Grid::new(titles, false);
    for way in ways {
        let none = || "no route".to_owned();
        grid.row(vec![
            plain(host(way.target.name.as_deref(), way.target.address)),
            plain(protocol(plan.probes.protocol.name(), plan.probes.port)),
            plain(plan.probes.flows.to_string()),
            plain(ttl(&plan.job)),
            plain(probes(plan).map_or("until Ctrl-C".to_owned(), count)),
            plain(way.source.map_or_else(none, |source| source.to_string())),
            plain(way.interface.clone().unwrap_or_else(none)),
        ]);
    }
    grid.render() + &sum(plan, ways.len() as u64)
}

fn sum(plan: &Plan, targets: u64) -> String {
    let at_most = match probes(plan) {
        Some(probes) => {
            let all = probes.saturating_mul(targets);
            format!("at most {}", counted(all, "probe", "probes"))
        }
        None => "probes until Ctrl-C".to_owned(),
    };
    let targets = counted(targets, "target", "targets");
    format!("dry run, nothing sent: {targets}, {at_most}\n")
}

fn ttl(job: &Job) -> String {
    match job {
        Job::Trace(trace) => format!("{}-{}", trace.first_ttl, trace.max_ttl),
        Job::Ping(ping) => ping.ttl.to_string(),
    }
}

/// Most probes for one target; `None`: no end.
fn probes(plan: &Plan) -> Option<u64> {
    match &plan.job {
        Job::Trace(trace) => {
            let hops = 1 + u64::from(trace.max_ttl.saturating_sub(trace.first_ttl));
            let per_hop = u64::from(trace.queries).saturating_mul(trace.rounds.into());
            let flow = hops.saturating_mul(per_hop);
            Some(flow.saturating_mul(plan.probes.flows.into()))
        }
        Job::Ping(ping) => ping.count.map(u64::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Request, parse};

    fn plan(line: &str) -> Plan {
        match parse(line.split(' ')) {
            Ok(Request::Run(plan)) => *plan,
            other => panic!("{other:?}"),
        }
    }

    fn way(address: &str, name: Option<&str>, routed: bool) -> Way {
        Way {
            target: Target {
                address: address.parse().expect("an address"),
                name: name.map(str::to_owned),
                group: None,
            },
            source: routed.then(|| "198.51.100.7".parse().expect("an address")),
            interface: routed.then(|| "eth0".to_owned()),
        }
    }

    #[test]
    fn a_trace_states_its_greatest_size() {
        let plan = plan("probe trace --udp --flows 4 --rounds 10 -m 10 example.org 192.0.2.9");
        let ways = [
            way("192.0.2.1", Some("example.org"), true),
            way("192.0.2.9", None, false),
        ];
        let expected = "\
target                   protocol           flows   ttl  probes  source        interface
example.org (192.0.2.1)  udp to port 33434      4  1-10   1,200  198.51.100.7  eth0
192.0.2.9                udp to port 33434      4  1-10   1,200  no route      no route
dry run, nothing sent: 2 targets, at most 2,400 probes
";
        assert_eq!(render(&plan, &ways), expected);
    }

    #[test]
    fn a_ping_may_have_no_end() {
        let text = render(
            &plan("probe ping 192.0.2.9"),
            &[way("192.0.2.9", None, true)],
        );
        assert!(
            text.ends_with("dry run, nothing sent: 1 target, probes until Ctrl-C\n"),
            "{text}"
        );
        let text = render(
            &plan("probe ping -c 5 192.0.2.9"),
            &[way("192.0.2.9", None, true)],
        );
        assert!(text.ends_with("1 target, at most 5 probes\n"), "{text}");
    }
}
