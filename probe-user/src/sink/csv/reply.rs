//! The row of a reply.

use itoa::Integer;

use crate::{
    engine::report::Reply,
    sink::{extensions, line::Line},
};

/// Its columns.
pub(super) const REPLY: &[&str] = &[
    "target",
    "ttl",
    "flow",
    "round",
    "protocol",
    "kind",
    "reason",
    "responder",
    "rtt_ns",
    "tx_ns",
    "rx_ns",
    "reply_ttl",
    "back_hops",
    "asymmetry",
    "quoted_ttl",
    "quoted_tos",
    "quoted_length",
    "icmp_type",
    "icmp_code",
    "mtu",
    "grade",
    "nat",
    "rewritten",
    "duplicate",
    "late",
    "stamp",
    "again",
    "mpls",
    "interface",
];

/// Adds the row of a reply with its line end. Only what is JSON needs quotes.
pub(super) fn cells(line: &mut Line<'_>, reply: &Reply<'_>) {
    line.address(reply.target);
    number(line, Some(reply.ttl));
    number(line, Some(reply.flow));
    number(line, Some(reply.round));
    name(line, reply.protocol);
    name(line, reply.kind);
    name(line, reply.reason.unwrap_or_default());
    line.text(",");
    line.address(reply.responder);
    number(line, reply.rtt_ns);
    number(line, reply.tx_ns);
    number(line, Some(reply.rx_ns));
    number(line, Some(reply.reply_ttl));
    number(line, reply.back_hops);
    number(line, reply.asymmetry);
    number(line, reply.quoted_ttl);
    number(line, reply.quoted_tos);
    number(line, reply.quoted_length);
    number(line, reply.icmp_type);
    number(line, reply.icmp_code);
    number(line, reply.mtu);
    name(line, reply.grade);
    line.text(",");
    line.truth(reply.nat);
    name(line, reply.rewritten.unwrap_or_default());
    for fact in [reply.duplicate, reply.late] {
        line.text(",");
        line.truth(fact);
    }
    name(line, reply.stamp.name());
    line.text(",");
    line.truth(reply.again);
    json(line, !reply.mpls.is_empty(), |line| {
        extensions::labels(line, reply.mpls);
    });
    json(line, reply.interface.is_some(), |line| {
        let interfaces = reply.interface.into_iter();
        interfaces.for_each(|interfaces| extensions::interfaces(line, interfaces));
    });
    line.text("\n");
}

/// A cell of JSON, if there `is` one: its quotes are doubled.
fn json(line: &mut Line<'_>, is: bool, write: impl FnOnce(&mut Line<'_>)) {
    line.text(",");
    if !is {
        return;
    }
    let mut text = Vec::new();
    write(&mut Line(&mut text));
    line.text("\"");
    for octet in text {
        if octet == b'"' {
            line.0.push(b'"');
        }
        line.0.push(octet);
    }
    line.text("\"");
}

fn name(line: &mut Line<'_>, name: &str) {
    line.text(",");
    line.text(name);
}

fn number(line: &mut Line<'_>, number: Option<impl Integer>) {
    line.text(",");
    if let Some(number) = number {
        line.number(number);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::sink::arbitrary;

    proptest! {
        #[test]
        fn a_row_has_the_values_of_json(reply in arbitrary::reply()) {
            let mut text = REPLY.join(",").into_bytes();
            text.push(b'\n');
            cells(&mut Line(&mut text), &reply);
            let mut fields = serde_json::to_value(reply).expect("JSON");
            fields["again"] = json!(reply.again);
            let mut rows = ::csv::Reader::from_reader(&text[..]);
            let row = rows.records().next().expect("a row").expect("CSV");
            prop_assert_eq!(row.len(), REPLY.len());
            for (column, cell) in REPLY.iter().zip(&row) {
                let value = match &fields[column] {
                    Value::Null => String::new(),
                    Value::String(text) => text.clone(),
                    value @ (Value::Array(_) | Value::Object(_)) => {
                        prop_assert_eq!(&serde_json::from_str::<Value>(cell).expect("JSON"), value);
                        continue;
                    }
                    value => value.to_string(),
                };
                prop_assert_eq!(cell, value);
            }
        }
    }
}
