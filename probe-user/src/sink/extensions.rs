//! What routers say behind their quotes, as JSON, the same in every format.

use super::{json, line::Line};
use crate::engine::report::{Interfaces, MplsLabel};

/// Adds a label stack: octet by octet what `serde` makes of it.
pub(super) fn labels(line: &mut Line<'_>, labels: &[MplsLabel]) {
    for (number, label) in labels.iter().enumerate() {
        line.text(if number == 0 { "[" } else { "," });
        line.text(r#"{"label":"#);
        line.number(label.label);
        line.text(r#","tc":"#);
        line.number(label.tc);
        line.text(r#","s":"#);
        line.truth(label.s);
        line.text(r#","ttl":"#);
        line.number(label.ttl);
        line.text("}");
    }
    line.text(if labels.is_empty() { "[]" } else { "]" });
}

/// Adds interfaces: printable ASCII, whatever their router calls them.
pub(super) fn interfaces(line: &mut Line<'_>, interfaces: &Interfaces) {
    // Strings and numbers can always be written.
    line.text(&json::text(interfaces).unwrap_or_else(|_| "{}".to_owned()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{engine::report::Interface, sink::arbitrary};

    #[test]
    fn a_hostile_name_is_escaped() {
        let named = Interface {
            index: None,
            address: None,
            name: Some("\u{1b}[2J\"\n\u{9b}".to_owned()),
            mtu: None,
        };
        let hostile = Interfaces {
            outgoing: Some(named),
            ..Interfaces::default()
        };
        let mut text = Vec::new();
        interfaces(&mut Line(&mut text), &hostile);
        let expected = r#"{"outgoing":{"name":"\u001b[2J\"\n\u009b"}}"#;
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }

    proptest! {
        #[test]
        fn labels_are_what_serde_makes_of_them(reply in arbitrary::reply()) {
            let mut text = Vec::new();
            labels(&mut Line(&mut text), reply.mpls);
            let json = serde_json::to_string(reply.mpls).expect("JSON");
            prop_assert_eq!(String::from_utf8_lossy(&text), json);
        }
    }
}
