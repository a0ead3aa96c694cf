//! The object of a reply.

use itoa::Integer;

use crate::{
    engine::report::Reply,
    sink::{extensions, line::Line},
};

/// Adds the object of a reply with its line end: octet by octet what `serde` makes of
/// it, without its detours.
pub(super) fn object(line: &mut Line<'_>, reply: &Reply<'_>) {
    line.text(r#"{"target":""#);
    line.address(reply.target);
    line.text(r#"","ttl":"#);
    line.number(reply.ttl);
    line.text(r#","flow":"#);
    line.number(reply.flow);
    line.text(r#","round":"#);
    line.number(reply.round);
    line.text(r#","protocol":""#);
    line.text(reply.protocol);
    line.text(r#"","kind":""#);
    line.text(reply.kind);
    if let Some(reason) = reply.reason {
        line.text(r#"","reason":""#);
        line.text(reason);
    }
    line.text(r#"","responder":""#);
    line.address(reply.responder);
    line.text("\"");
    option(line, r#","rtt_ns":"#, reply.rtt_ns);
    option(line, r#","tx_ns":"#, reply.tx_ns);
    line.text(r#","rx_ns":"#);
    line.number(reply.rx_ns);
    line.text(r#","reply_ttl":"#);
    line.number(reply.reply_ttl);
    option(line, r#","back_hops":"#, reply.back_hops);
    option(line, r#","asymmetry":"#, reply.asymmetry);
    option(line, r#","quoted_ttl":"#, reply.quoted_ttl);
    option(line, r#","quoted_tos":"#, reply.quoted_tos);
    option(line, r#","quoted_length":"#, reply.quoted_length);
    option(line, r#","icmp_type":"#, reply.icmp_type);
    option(line, r#","icmp_code":"#, reply.icmp_code);
    option(line, r#","mtu":"#, reply.mtu);
    line.text(r#","grade":""#);
    line.text(reply.grade);
    line.text(r#"","nat":"#);
    line.truth(reply.nat);
    if let Some(rewritten) = reply.rewritten {
        line.text(r#","rewritten":""#);
        line.text(rewritten);
        line.text("\"");
    }
    line.text(r#","duplicate":"#);
    line.truth(reply.duplicate);
    line.text(r#","late":"#);
    line.truth(reply.late);
    line.text(r#","stamp":""#);
    line.text(reply.stamp.name());
    line.text(match reply.again {
        true => "\",\"again\":true",
        false => "\"",
    });
    if !reply.mpls.is_empty() {
        line.text(r#","mpls":"#);
        extensions::labels(line, reply.mpls);
    }
    if let Some(interfaces) = reply.interface {
        line.text(r#","interface":"#);
        extensions::interfaces(line, interfaces);
    }
    line.text("}\n");
}

fn option(line: &mut Line<'_>, field: &str, number: Option<impl Integer>) {
    if let Some(number) = number {
        line.text(field);
        line.number(number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::{arbitrary, line::LONGEST_OCTETS};

    proptest! {
        #[test]
        fn a_reply_is_what_serde_makes_of_it(reply in arbitrary::reply()) {
            let mut text = Vec::new();
            object(&mut Line(&mut text), &reply);
            let json = serde_json::to_string(&reply).expect("JSON");
            prop_assert_eq!(String::from_utf8_lossy(&text), json + "\n");
            prop_assert!(text.len() <= LONGEST_OCTETS);
        }
    }
}
