//! Routers that answered a sweep: one JSON object a line.

use std::io::{self, BufWriter, Write};

use crate::engine::report::ResponderReport;

/// Writes all, in the order in which they come, and flushes.
///
/// # Errors
/// Those of the writer.
pub fn write(
    writer: impl Write,
    responders: impl IntoIterator<Item = ResponderReport>,
) -> io::Result<()> {
    let mut writer = BufWriter::new(writer);
    for responder in responders {
        serde_json::to_writer(&mut writer, &responder)?;
        writer.write_all(b"\n")?;
    }
    writer.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::report::{RttSummary, TtlSpan},
        sink::sample::{Broken, ip},
    };

    fn responder(address: &str) -> ResponderReport {
        ResponderReport {
            responder: ip(address),
            replies: 1_000,
            ttls: TtlSpan { min: 4, max: 6 },
            rtt_ns: Some(RttSummary {
                min: 10,
                mean: 20,
                p50: 15,
                max: 90,
            }),
            kinds: vec!["time-exceeded", "unreachable"],
        }
    }

    #[test]
    fn each_responder_is_a_line() {
        let mut text = Vec::new();
        write(&mut text, ["100.64.0.1", "2001:db8::1"].map(responder)).expect("written");
        let text = String::from_utf8(text).expect("UTF-8");
        let expected = concat!(
            r#"{"responder":"100.64.0.1","replies":1000,"ttls":{"min":4,"max":6},"#,
            r#""rtt_ns":{"min":10,"mean":20,"p50":15,"max":90},"kinds":["time-exceeded","unreachable"]}"#,
            "\n",
        );
        assert!(text.starts_with(expected), "{text}");
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn what_cannot_be_written_is_an_error() {
        let error = write(Broken, [responder("100.64.0.1")]).expect_err("broken");
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        assert!(write(Broken, []).is_ok());
    }
}
