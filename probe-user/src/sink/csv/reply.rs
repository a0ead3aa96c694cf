//! The row of a reply.

use itoa::Integer;

use crate::{engine::report::Reply, sink::line::Line};

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
    "quoted_ttl",
    "icmp_type",
    "icmp_code",
    "mtu",
    "grade",
    "nat",
    "duplicate",
    "late",
    "stamp",
    "again",
];

/// Adds the row of a reply with its line end. No cell needs quotes.
pub(super) fn cells(line: &mut Line<'_>, reply: &Reply) {
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
    number(line, reply.quoted_ttl);
    number(line, reply.icmp_type);
    number(line, reply.icmp_code);
    number(line, reply.mtu);
    name(line, reply.grade);
    for fact in [reply.nat, reply.duplicate, reply.late] {
        line.text(",");
        line.truth(fact);
    }
    name(line, reply.stamp.name());
    line.text(",");
    line.truth(reply.again);
    line.text("\n");
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
                    value => value.to_string(),
                };
                prop_assert_eq!(cell, value);
            }
        }
    }
}
