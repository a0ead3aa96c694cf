//! Whether this host can run probes, and what to do where it cannot.

mod clock;
mod floor;
mod interface;
mod kernel;
mod port;
mod private;
mod privilege;

use std::fmt::Write as _;

use serde::Serialize;

pub use self::{
    kernel::{KernelVersion, kernel_version},
    privilege::privileges,
};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// Runs work, but less well than they could.
    Warning,
    /// Runs cannot work.
    Failure,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: String,
    /// How bad it is.
    pub status: Status,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// Looks at the kernel, the rights of this process, the settings of this network
/// namespace, and `interface`, or else all devices that are up. Changes nothing.
pub async fn examine(interface: Option<&str>) -> Vec<Check> {
    let mut checks = kernel::checks();
    checks.extend(privilege::checks());
    checks.extend(clock::checks());
    checks.extend(port::checks());
    checks.extend(interface::checks(interface).await);
    checks
}

/// Looks at the clock of the stamps, and measures what stamps make of a wire that
/// answers at once: a veth made for it. Takes some seconds.
pub fn examine_clock() -> Vec<Check> {
    let mut checks = Vec::from_iter(clock::checks());
    checks.extend(floor::checks());
    checks
}

/// Whether runs cannot work.
pub fn any_failure(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.status == Status::Failure)
}

/// A list for people: one line for each check, and one below for its remedy.
pub fn render(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for check in checks {
        let word = match check.status {
            Status::Ok => "ok",
            Status::Warning => "warn",
            Status::Failure => "fail",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{word:<4}  {:<width$}  {}", check.name, check.finding);
        if let Some(remedy) = &check.remedy {
            let _ = writeln!(text, "      {:<width$}  -> {remedy}", "");
        }
    }
    text
}

impl Check {
    fn ok(name: impl Into<String>, finding: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            status: Status::Ok,
            finding: finding.into(),
            remedy: None,
        }
    }

    fn warning(
        name: impl Into<String>,
        finding: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Warning,
            remedy: Some(remedy.into()),
            ..Self::ok(name, finding)
        }
    }

    fn failure(
        name: impl Into<String>,
        finding: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            status: Status::Failure,
            ..Self::warning(name, finding, remedy)
        }
    }

    /// A failure whose one line says the remedy too.
    fn error(name: impl Into<String>, error: &impl ToString) -> Self {
        Self {
            status: Status::Failure,
            ..Self::ok(name, error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_aligned_and_remedies_stand_below_them() {
        let checks = [
            Check::ok("kernel", "6.18"),
            Check::warning("eth0: moderation", "50 us", "turn it off"),
            Check::failure("rights", "none", "use sudo"),
        ];
        let expected = "\
ok    kernel            6.18
warn  eth0: moderation  50 us
                        -> turn it off
fail  rights            none
                        -> use sudo
";
        assert_eq!(render(&checks), expected);
        assert!(any_failure(&checks) && !any_failure(&checks[..2]));
    }

    #[test]
    fn a_check_without_remedy_has_no_such_field() {
        let json = serde_json::to_string(&Check::ok("kernel", "6.18")).unwrap();
        assert_eq!(json, r#"{"name":"kernel","status":"ok","finding":"6.18"}"#);
    }
}
