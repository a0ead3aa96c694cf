use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::*;
use crate::{
    engine::report::Stop,
    io::output::Output,
    sink::{
        arbitrary,
        jsonl::Jsonl,
        sample::{Broken, Writes, reply},
    },
};

const RULES: PathRules = PathRules {
    max_ttl: 255,
    gap_limit: 0,
};

fn paths(writer: Box<dyn Output>, most_held: usize) -> Paths {
    let spill = Spill::create(None).expect("a file");
    let mut paths = Paths::new(Box::new(Jsonl::new(writer, true)), RULES, spill);
    paths.partitions.limit(most_held);
    paths
}

/// The paths of these replies, as JSON.
fn of(replies: &[Reply<'_>], most_held: usize, cut_short: bool) -> Vec<Value> {
    let text = Writes::of(
        |writer| paths(writer, most_held),
        |sink| {
            if cut_short {
                sink.cut_short();
            }
            replies.iter().try_for_each(|reply| sink.reply(reply))
        },
    );
    let path = |line| serde_json::from_str(line).expect("JSON");
    text.lines().map(path).collect()
}

fn hop(ttl: u8, kind: &'static str) -> Reply<'static> {
    Reply {
        ttl,
        kind,
        ..reply("10.0.0.1")
    }
}

/// Of three targets, near each other; any hop.
fn some_reply() -> impl Strategy<Value = Reply<'static>> {
    (arbitrary::reply(), 0..3_u8, 0..2_u16).prop_map(|(mut reply, target, flow)| {
        reply.target = match target {
            0 => IpAddr::from(Ipv4Addr::LOCALHOST),
            1 => IpAddr::from(Ipv4Addr::LOCALHOST.to_ipv6_mapped()),
            _ => IpAddr::from(Ipv6Addr::LOCALHOST),
        };
        reply.flow = flow;
        reply
    })
}

/// Paths as they should be, by target and flow: why they end, and the TTLs.
fn expected(replies: &[Reply<'_>]) -> BTreeMap<(String, u16), (Stop, Vec<u8>)> {
    let mut paths = BTreeMap::<_, Vec<&Reply<'_>>>::new();
    for reply in replies
        .iter()
        .filter(|reply| !reply.late && !reply.duplicate)
    {
        let path = paths.entry((reply.target.to_string(), reply.flow));
        path.or_default().push(reply);
    }
    let mut ended = BTreeMap::new();
    for (path, replies) in paths {
        let reached = [
            "echo-reply",
            "port-unreachable",
            "syn-ack",
            "rst",
            "ack",
            "udp-reply",
        ];
        let nearest = |is: &dyn Fn(&str) -> bool| {
            let ends = replies.iter().filter(|reply| is(reply.kind));
            ends.map(|reply| reply.ttl).min()
        };
        let target = nearest(&|kind| reached.contains(&kind));
        let refusal = nearest(&|kind| kind != "time-exceeded");
        let (stop, end) = match (target, refusal) {
            (Some(ttl), _) => (Stop::Target, ttl),
            (None, Some(ttl)) => (Stop::Unreachable, ttl),
            (None, None) => (Stop::MaxTtl, u8::MAX),
        };
        let mut ttls: Vec<_> = replies.iter().map(|reply| reply.ttl).collect();
        ttls.retain(|ttl| *ttl <= end);
        ttls.sort_unstable();
        ended.insert(path, (stop, ttls));
    }
    ended
}

proptest! {
    #[test]
    fn each_target_and_flow_has_its_path(
        replies in vec(some_reply(), 0..60),
        most_held in prop_oneof![Just(1), Just(500), Just(HELD_OCTETS)],
    ) {
        let paths = of(&replies, most_held, false);
        let expected = expected(&replies);
        prop_assert_eq!(paths.len(), expected.len());
        for path in paths {
            let target = path["target"].as_str().expect("text").to_owned();
            let flow = path["flow"].as_u64().expect("a number") as u16;
            let (stop, ttls) = &expected[&(target, flow)];
            prop_assert_eq!(&path["stop"], stop.name());
            let hops = path["hops"].as_array().expect("a list");
            let found: Vec<_> = hops.iter().map(|hop| hop["ttl"].as_u64()).collect();
            let ttls: Vec<_> = ttls.iter().map(|ttl| Some(u64::from(*ttl))).collect();
            prop_assert_eq!(found, ttls);
        }
    }
}

#[test]
fn a_path_is_one_line_with_its_hops_in_order() {
    let router = |ttl, round, rtt_ns, responder: &str| Reply {
        round,
        rtt_ns: Some(rtt_ns),
        responder: responder.parse().expect("an address"),
        quoted_ttl: Some(1),
        quoted_tos: Some(0),
        quoted_length: Some(40),
        ..hop(ttl, "time-exceeded")
    };
    let replies = [
        hop(3, "echo-reply"),
        router(2, 1, 30, "192.0.2.9"),
        hop(4, "echo-reply"),
        router(2, 0, 20, "192.0.2.2"),
        router(1, 0, 10, "192.0.2.1"),
    ];
    let expected = concat!(
        r#"{"target":"10.0.0.1","protocol":"icmp","flow":0,"stop":"target","stamp":"tcx/tcx","hops":["#,
        r#"{"ttl":1,"responder":"192.0.2.1","kind":"time-exceeded","rtt_ns":10,"reply_ttl":61,"back_hops":4,"asymmetry":3,"quoted_ttl":1,"quoted_tos":0,"quoted_length":40},"#,
        r#"{"ttl":2,"responder":"192.0.2.2","kind":"time-exceeded","rtt_ns":20,"reply_ttl":61,"back_hops":4,"asymmetry":2,"quoted_ttl":1,"quoted_tos":0,"quoted_length":40},"#,
        r#"{"ttl":2,"responder":"192.0.2.9","kind":"time-exceeded","rtt_ns":30,"reply_ttl":61,"back_hops":4,"asymmetry":2,"quoted_ttl":1,"quoted_tos":0,"quoted_length":40},"#,
        r#"{"ttl":3,"responder":"10.0.0.1","kind":"echo-reply","rtt_ns":45200,"reply_ttl":61,"back_hops":4,"asymmetry":1}]}"#,
        "\n",
    );
    let text = Writes::of(
        |writer| paths(writer, 1),
        |sink| replies.iter().try_for_each(|reply| sink.reply(reply)),
    );
    assert_eq!(text, expected);
}

#[test]
fn what_was_cut_short_is_told_from_silence() {
    let replies = [hop(1, "time-exceeded")];
    assert_eq!(of(&replies, 1, true)[0]["stop"], "interrupted");
    assert_eq!(of(&replies, 1, false)[0]["stop"], "max-ttl");
    assert!(of(&[], 1, true).is_empty());
}

#[test]
fn nothing_is_durable_before_the_end_and_all_is_then() {
    let mut sink = paths(Box::new(Writes::default()), 1);
    for ttl in 1..=3 {
        sink.reply(&hop(ttl, "time-exceeded")).expect("taken");
        assert_eq!(sink.sync().expect("nothing to do"), 0);
    }
    sink.finish().expect("finished");
    assert_eq!((sink.sync().expect("durable"), sink.lost_replies()), (3, 0));
}

#[test]
fn replies_of_paths_that_cannot_be_written_are_counted() {
    let mut sink = paths(Box::new(Broken), HELD_OCTETS);
    for ttl in 1..=5 {
        sink.reply(&hop(ttl, "time-exceeded")).expect("taken");
    }
    assert_eq!(sink.lost_replies(), 0);
    sink.finish().expect_err("broken");
    assert_eq!(sink.lost_replies(), 5);
}
