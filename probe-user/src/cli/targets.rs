//! The list of targets: arguments first, then the file, each host once.

use std::{collections::HashSet, net::IpAddr, path::PathBuf};

use ipnet::IpNet;

use super::{
    host::Host,
    list_file::{Entry, ListFile, display_name, shown},
};
use crate::{
    engine::plan::{Family, TargetSpec, not_a_host},
    error::{Error, Result},
};

/// What the arguments say about targets.
pub(crate) struct Wanted<'a> {
    /// The arguments.
    pub(crate) arguments: &'a [String],
    /// The file of `--targets`.
    pub(crate) file: Option<&'a PathBuf>,
    /// Family that every address must have.
    pub(crate) family: Family,
    /// Whether an interface is given, which link-local addresses need.
    pub(crate) interface: bool,
    /// Networks taken out.
    pub(crate) exclude: &'a [IpNet],
}

impl Wanted<'_> {
    /// The targets; names are not resolved, nor held against `exclude` yet.
    ///
    /// # Errors
    /// [`Error::Usage`] for an entry that is no target, and if none is left.
    pub(crate) fn collect(&self) -> Result<Vec<TargetSpec>> {
        let mut list = List::default();
        for argument in self.arguments {
            let host = self.host(argument).map_err(Error::Usage)?;
            list.add(host, None, None, self.exclude);
        }
        if let Some(path) = self.file {
            let file = ListFile::read("--targets", path)?;
            for entry in file.entries() {
                self.add_entry(&file, entry?, &mut list)?;
            }
        }
        list.not_empty(self.file.map(|path| display_name(path)))
    }

    fn add_entry(&self, file: &ListFile, (line, text): Entry<'_>, list: &mut List) -> Result<()> {
        let at_line = |message: String| file.error(line, &message);
        let (text, group) = split_group(text).map_err(at_line)?;
        let host = self.host(text).map_err(at_line)?;
        list.add(host, Some((file.name.clone(), line)), group, self.exclude);
        Ok(())
    }

    fn host(&self, text: &str) -> std::result::Result<Host, String> {
        let host = text.parse();
        let host: Host = host.map_err(|says| format!("{} {says}", shown(text)))?;
        if let Host::Address(address) = host {
            self.check(address)?;
        }
        Ok(host)
    }

    fn check(&self, address: IpAddr) -> std::result::Result<(), String> {
        if let Some(what) = not_a_host(address) {
            return Err(format!(
                "{address} is {what}: give the address of a single host"
            ));
        }
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        if link_local && !self.interface {
            return Err(format!(
                "{address} is link-local: name its interface with --interface"
            ));
        }
        match (self.family, address) {
            (Family::V4, IpAddr::V6(_)) => Err(format!(
                "{address} is IPv6, but only IPv4 is asked for (-4 or --source)"
            )),
            (Family::V6, IpAddr::V4(_)) => Err(format!(
                "{address} is IPv4, but only IPv6 is asked for (-6 or --source)"
            )),
            _ => Ok(()),
        }
    }
}

/// A host and the group behind it, if there is one: `192.0.2.1 group=paris`.
fn split_group(text: &str) -> std::result::Result<(&str, Option<String>), String> {
    let Some((host, rest)) = text.split_once(char::is_whitespace) else {
        return Ok((text, None));
    };
    let group = rest.trim_start().strip_prefix("group=");
    match group.filter(|group| !group.is_empty() && !group.contains(char::is_whitespace)) {
        Some(group) => Ok((host, Some(group.to_owned()))),
        None => Err(format!(
            "{} is neither a host nor a host and its group (group=NAME)",
            shown(text)
        )),
    }
}

#[derive(Default)]
struct List {
    targets: Vec<TargetSpec>,
    seen: HashSet<Host>,
    excluded: usize,
}

impl List {
    fn add(
        &mut self,
        host: Host,
        origin: Option<(String, usize)>,
        group: Option<String>,
        exclude: &[IpNet],
    ) {
        if !self.seen.insert(host.key()) {
            return;
        }
        let text = match host {
            Host::Name(name) => name,
            Host::Address(address) if exclude.iter().any(|network| network.contains(&address)) => {
                self.excluded += 1;
                return;
            }
            Host::Address(address) => address.to_string(),
        };
        self.targets.push(TargetSpec {
            text,
            origin,
            group,
        });
    }

    fn not_empty(self, file: Option<String>) -> Result<Vec<TargetSpec>> {
        if !self.targets.is_empty() {
            return Ok(self.targets);
        }
        Err(Error::Usage(match (self.excluded, file) {
            (0, None) => "nothing left to probe: give a TARGET or --targets FILE".to_owned(),
            (0, Some(file)) => format!("nothing left to probe: {file} has no entries"),
            (n, _) => format!("nothing left to probe: --exclude takes out all targets ({n})"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const ANY: Wanted<'_> = Wanted {
        arguments: &[],
        file: None,
        family: Family::Any,
        interface: false,
        exclude: &[],
    };

    fn collect(wanted: &Wanted<'_>) -> std::result::Result<String, String> {
        match wanted.collect() {
            Ok(targets) => Ok(targets
                .iter()
                .map(|target| target.text.clone() + " ")
                .collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn from_arguments(
        arguments: &[&str],
        wanted: &Wanted<'_>,
    ) -> std::result::Result<String, String> {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        collect(&Wanted {
            arguments: &arguments,
            ..*wanted
        })
    }

    fn from_file(text: &[u8]) -> std::result::Result<String, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text).expect("written");
        let path = file.path().to_owned();
        let name = path.display().to_string();
        collect(&Wanted {
            file: Some(&path),
            ..ANY
        })
        .map_err(|error| error.replace(&name, "FILE"))
    }

    #[test]
    fn a_host_in_a_file_may_have_a_group() {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        let text = b"192.0.2.1 group=paris # a note\na.example\t group=x-1\n192.0.2.2\n";
        file.write_all(text).expect("written");
        let path = file.path().to_owned();
        let wanted = Wanted {
            file: Some(&path),
            ..ANY
        };
        let targets = wanted.collect().expect("targets");
        let found: Vec<_> = targets
            .iter()
            .map(|t| (t.text.as_str(), t.group.as_deref()))
            .collect();
        let expected = [
            ("192.0.2.1", Some("paris")),
            ("a.example", Some("x-1")),
            ("192.0.2.2", None),
        ];
        assert_eq!(found, expected);
        for wrong in [
            "a.example b.example",
            "192.0.2.1 group=",
            "192.0.2.1 group=a b",
        ] {
            let error = from_file(wrong.as_bytes()).expect_err("no group");
            assert!(
                error.contains(":1:") && error.contains("group=NAME"),
                "{error}"
            );
        }
    }

    #[test]
    fn each_host_once_in_the_order_given() {
        let given = [
            "b.example",
            "::1",
            "B.Example.",
            "192.0.2.1",
            "0::1",
            "::ffff:192.0.2.1",
            "a.example",
        ];
        let expected = "b.example ::1 192.0.2.1 a.example ";
        assert_eq!(from_arguments(&given, &ANY).as_deref(), Ok(expected));
        let text = b"\xef\xbb\xbfb.example\r\n# c\n b.example \n192.0.2.1\n";
        assert_eq!(from_file(text).as_deref(), Ok("b.example 192.0.2.1 "));
    }

    #[test]
    fn a_bad_line_is_named_with_what_to_do() {
        for (text, message) in [
            (
                &b"a.example\nfoo bar\n"[..],
                "FILE:2: \"foo bar\" is neither a host nor a host and its group (group=NAME)",
            ),
            (
                b"300.1.2.3",
                "FILE:1: \"300.1.2.3\" is not an IPv4 address: four numbers from 0 to 255 make one",
            ),
            (
                b"\n\n1.2.3.4.5\n",
                "FILE:3: \"1.2.3.4.5\" is not an IPv4 address: four numbers from 0 to 255 make one",
            ),
            (
                b"a\n\x1b[2J\n",
                "FILE:2: \"\\u{1b}[2J\" is neither a host name nor an address",
            ),
            (
                b"224.0.0.1",
                "FILE:1: 224.0.0.1 is a multicast address: give the address of a single host",
            ),
            (
                b"# only a comment\n",
                "nothing left to probe: FILE has no entries",
            ),
        ] {
            assert_eq!(from_file(text), Err(message.to_owned()));
        }
    }

    #[test]
    fn an_endless_line_is_named_by_its_beginning() {
        for line in ["x".repeat(3 << 20), "x y".repeat(1 << 20)] {
            let error = from_file(line.as_bytes()).expect_err("no host");
            assert!(error.len() < 250 && error.contains("\"… is "), "{error}");
        }
    }

    #[test]
    fn no_single_host_is_no_target() {
        for (address, what) in [
            ("255.255.255.255", "broadcast"),
            ("239.1.2.3", "multicast"),
            ("ff02::1", "multicast"),
            ("0.0.0.0", "unspecified"),
            ("::", "unspecified"),
            ("::ffff:224.0.0.1", "multicast"),
            ("fe80::1", "--interface"),
        ] {
            let message = from_arguments(&[address], &ANY).expect_err(address);
            assert!(message.contains(what), "{message}");
        }
        let interface = Wanted {
            interface: true,
            ..ANY
        };
        assert_eq!(
            from_arguments(&["fe80::1"], &interface).as_deref(),
            Ok("fe80::1 ")
        );
    }

    #[test]
    fn addresses_must_be_of_the_family_asked_for() {
        let v4 = Wanted {
            family: Family::V4,
            ..ANY
        };
        assert!(from_arguments(&["::1"], &v4).is_err_and(|error| error.contains("-4")));
        assert!(from_arguments(&["127.0.0.1", "a.example"], &v4).is_ok());
        let v6 = Wanted {
            family: Family::V6,
            ..ANY
        };
        assert!(from_arguments(&["127.0.0.1"], &v6).is_err_and(|error| error.contains("-6")));
    }

    #[test]
    fn excluded_addresses_are_taken_out() {
        let network = "192.0.2.0/24".parse().expect("a network");
        let wanted = Wanted {
            exclude: &[network],
            ..ANY
        };
        let given = ["192.0.2.1", "192.0.3.1", "a.example"];
        assert_eq!(
            from_arguments(&given, &wanted).as_deref(),
            Ok("192.0.3.1 a.example ")
        );
        let message = "nothing left to probe: --exclude takes out all targets (1)";
        assert_eq!(
            from_arguments(&given[..1], &wanted),
            Err(message.to_owned())
        );
        let message = "nothing left to probe: give a TARGET or --targets FILE";
        assert_eq!(from_arguments(&[], &ANY), Err(message.to_owned()));
    }
}
