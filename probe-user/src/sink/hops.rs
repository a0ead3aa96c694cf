//! The hops of a path as JSON, the same in every format.

use itoa::Integer;

use super::{extensions, line::Line};
use crate::engine::report::PathHop;

/// Adds the list: octet by octet what `serde` makes of it, without its detours.
pub(super) fn list(line: &mut Line<'_>, hops: &[PathHop]) {
    line.text("[");
    for (index, hop) in hops.iter().enumerate() {
        if index > 0 {
            line.text(",");
        }
        object(line, hop);
    }
    line.text("]");
}

fn object(line: &mut Line<'_>, hop: &PathHop) {
    line.text(r#"{"ttl":"#);
    line.number(hop.ttl);
    line.text(r#","responder":""#);
    line.address(hop.responder);
    line.text(r#"","kind":""#);
    line.text(hop.kind);
    if let Some(reason) = hop.reason {
        line.text(r#"","reason":""#);
        line.text(reason);
    }
    line.text("\"");
    number(line, r#","rtt_ns":"#, hop.rtt_ns);
    line.text(r#","reply_ttl":"#);
    line.number(hop.reply_ttl);
    number(line, r#","back_hops":"#, hop.back_hops);
    number(line, r#","asymmetry":"#, hop.asymmetry);
    number(line, r#","quoted_ttl":"#, hop.quoted_ttl);
    number(line, r#","quoted_tos":"#, hop.quoted_tos);
    number(line, r#","quoted_length":"#, hop.quoted_length);
    if let Some(rewritten) = hop.rewritten {
        line.text(r#","rewritten":""#);
        line.text(rewritten);
        line.text("\"");
    }
    if !hop.mpls.is_empty() {
        line.text(r#","mpls":"#);
        extensions::labels(line, &hop.mpls);
    }
    if let Some(interface) = &hop.interface {
        line.text(r#","interface":"#);
        extensions::interfaces(line, interface);
    }
    line.text("}");
}

fn number(line: &mut Line<'_>, field: &str, number: Option<impl Integer>) {
    if let Some(number) = number {
        line.text(field);
        line.number(number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::arbitrary;

    proptest! {
        #[test]
        fn hops_are_what_serde_makes_of_them(path in arbitrary::path()) {
            let mut text = Vec::new();
            list(&mut Line(&mut text), &path.hops);
            let json = serde_json::to_string(&path.hops).expect("JSON");
            prop_assert_eq!(String::from_utf8_lossy(&text), json);
        }
    }
}
