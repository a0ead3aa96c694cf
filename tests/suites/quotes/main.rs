//! Replies and quotes as networks send them: cut, padded, tagged, re-marked,
//! translated, in fragments, from elsewhere, broken.

#![expect(clippy::unwrap_used, reason = "in a suite, to panic is to fail")]

mod elsewhere;
mod forms;
mod malformed;
mod middleboxes;

use probe_tests::{
    lab::Namespace,
    probe::{Reply, Run},
};

/// The protocols, as arguments.
const PROTOCOLS: [&str; 3] = ["--icmp", "--udp", "--tcp"];

/// Where replies are stamped, as arguments.
const RECEIVERS: [&str; 3] = ["xdp-native", "xdp-generic", "tcx"];

/// Adds rules, in the words of `nft`, to a chain of a node: `type filter hook forward
/// priority 0`.
fn mangle(node: &Namespace, chain: &str, rules: &[String]) {
    let mut script = "add table inet box; ".to_owned();
    let name: String = chain.split_whitespace().collect::<Vec<_>>().join("-");
    script += &format!("add chain inet box {name} {{ {chain}; }}; ");
    for rule in rules {
        script += &format!("add rule inet box {name} {rule}; ");
    }
    node.run("nft", &[&script]).unwrap();
}

/// The replies of a run; all are in time, and each is the only one to its probe.
#[track_caller]
fn clean_replies(run: &Run) -> Vec<Reply> {
    let replies = run.replies().unwrap();
    for reply in &replies {
        assert!(!reply.late && !reply.duplicate, "{reply:?}");
    }
    replies
}
