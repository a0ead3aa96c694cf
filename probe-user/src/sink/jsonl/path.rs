//! The object of a path.

use crate::{
    engine::report::PathReport,
    sink::{hops, line::Line},
};

/// Adds the object of a path with its line end, as that of a reply.
pub(super) fn object(line: &mut Line<'_>, path: &PathReport) {
    line.text(r#"{"target":""#);
    line.address(path.target);
    line.text(r#"","protocol":""#);
    line.text(path.protocol);
    line.text(r#"","flow":"#);
    line.number(path.flow);
    line.text(r#","stop":""#);
    line.text(path.stop.name());
    line.text(r#"","stamp":""#);
    line.text(path.stamp.name());
    line.text(r#"","hops":"#);
    hops::list(line, &path.hops);
    line.text("}\n");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sink::arbitrary;

    proptest! {
        #[test]
        fn a_path_is_what_serde_makes_of_it(path in arbitrary::path()) {
            let mut text = Vec::new();
            object(&mut Line(&mut text), &path);
            let json = serde_json::to_string(&path).expect("JSON");
            prop_assert_eq!(String::from_utf8_lossy(&text), json + "\n");
        }
    }
}
