//! A line for each reply, in the manner of ping(8).

use crate::{
    engine::report::Reply,
    sink::{Presentation, text::time},
};

/// `192.0.2.1: seq=3 ttl=64 time=45.2 µs`; what another than the target says, or
/// what is out of the ordinary, follows.
pub(super) fn line(reply: &Reply<'_>, presentation: &Presentation) -> String {
    let mut parts = Vec::new();
    let stranger = reply.responder != reply.target;
    if presentation.targets > 1 || (stranger && !presentation.ping) {
        parts.push(format!("{} from {}:", reply.target, reply.responder));
    } else {
        parts.push(format!("{}:", reply.responder));
    }
    if !presentation.ping {
        parts.push(format!("hop={}", reply.ttl));
    }
    if presentation.flows > 1 {
        parts.push(format!("flow={}", reply.flow));
    }
    let number = if presentation.ping { "seq" } else { "round" };
    parts.push(format!("{number}={}", reply.round));
    parts.push(format!("ttl={}", reply.reply_ttl));
    if let Some(rtt_ns) = reply.rtt_ns {
        parts.push(format!("time={}", time(rtt_ns)));
    }
    parts.extend(remarks(reply));
    parts.join(" ") + "\n"
}

fn remarks(reply: &Reply<'_>) -> Vec<String> {
    let mut remarks = Vec::new();
    match reply.reason {
        Some(reason) => remarks.push(format!("!{reason}")),
        None if reply.kind != "echo-reply" => remarks.push(reply.kind.to_owned()),
        None => {}
    }
    for (is, remark) in [
        (reply.late, "(late)"),
        (reply.duplicate, "(duplicate)"),
        (reply.nat, "(NAT on the path)"),
    ] {
        if is {
            remarks.push(remark.to_owned());
        }
    }
    remarks
}
