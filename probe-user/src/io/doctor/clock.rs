//! The clock that stamps are read from.

use super::Check;
use crate::io::clock;

/// Clock sources that take a device access for each reading: microseconds.
const SLOW: [&str; 4] = ["hpet", "acpi_pm", "pit", "jiffies"];

pub(super) fn checks() -> Option<Check> {
    let folder = "/sys/devices/system/clocksource/clocksource0";
    let current = clock::source()?;
    if !SLOW.contains(&current.as_str()) {
        return Some(Check::ok("clock source", current));
    }
    Some(Check::warning(
        "clock source",
        format!("{current}: each stamp costs microseconds and is that coarse"),
        format!("see {folder}/available_clocksource; boot with tsc=reliable if the TSC is sound"),
    ))
}
