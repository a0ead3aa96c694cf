//! What replies tell of the ways there and back, where it is out of the ordinary.

use crate::{
    engine::report::{Middlebox, Responder, Tells, TraceReport},
    sink::text::counted,
};

/// `NAT (source+checksum)`, and what of the quoted probe is not as it left.
pub(super) fn notes(responder: &Responder, report: &TraceReport) -> Vec<String> {
    let Tells {
        quoted_ttl,
        quoted_tos,
        quoted_length,
        rewritten,
        ..
    } = responder.tells;
    let mut notes = Vec::new();
    notes.extend(rewritten.map(|what| format!("NAT ({what})")));
    // Who refuses a probe on its way does not wait for its TTL to run out.
    let runs_out = matches!(responder.kind, None | Some("port-unreachable"));
    let ttl = quoted_ttl.filter(|ttl| runs_out && *ttl != 1);
    notes.extend(ttl.map(|ttl| format!("quoted TTL {ttl}")));
    let tos = quoted_tos.filter(|tos| *tos != report.tos);
    notes.extend(tos.map(|tos| format!("quoted TOS {tos:#04x}")));
    let length = quoted_length.filter(|length| *length != report.length);
    notes.extend(length.map(|length| format!("quoted length {length}")));
    notes
}

/// `back 9`: the hops of the way back, where they are not those of the way there.
pub(super) fn way_back(responder: &Responder) -> Option<String> {
    let Tells {
        back_hops,
        asymmetry,
        ..
    } = responder.tells;
    asymmetry.filter(|hops| *hops != 0)?;
    back_hops.map(|hops| format!("back {hops}"))
}

/// A sentence about who may have answered for the target.
pub(super) fn middlebox(report: &TraceReport) -> Option<String> {
    let Middlebox {
        back_hops,
        echo_back_hops,
        ..
    } = report.middlebox.filter(|told| told.suspected)?;
    let hops = |hops: u8| counted(hops.into(), "hop", "hops");
    Some(format!(
        "a middlebox may have answered for the target: its segments came back over {}, its echo reply over {}",
        hops(back_hops),
        hops(echo_back_hops)
    ))
}
