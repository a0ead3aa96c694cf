//! Networks that must not be probed.

use std::{net::IpAddr, path::Path};

use ipnet::IpNet;

use super::list_file::{ListFile, shown};
use crate::error::Result;

/// Reads addresses and networks (`192.0.2.0/24`, `2001:db8::/32`), and joins
/// those that overlap or touch.
pub(crate) fn read(path: &Path) -> Result<Vec<IpNet>> {
    let file = ListFile::read("--exclude", path)?;
    let mut networks = Vec::new();
    for entry in file.entries() {
        let (line, text) = entry?;
        let Some(network) = parse(text) else {
            let message = format!(
                "{} is neither an address nor a network such as 192.0.2.0/24",
                shown(text)
            );
            return Err(file.error(line, &message));
        };
        networks.push(network);
    }
    Ok(IpNet::aggregate(&networks))
}

/// An address is a network of one; bits behind the prefix are passed over.
fn parse(text: &str) -> Option<IpNet> {
    match text.parse::<IpAddr>() {
        Ok(address) => Some(IpNet::from(address.to_canonical())),
        Err(_) => text.parse::<IpNet>().ok().map(|network| network.trunc()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn excluded(text: &str) -> std::result::Result<String, String> {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(text.as_bytes()).expect("written");
        match read(file.path()) {
            Ok(networks) => Ok(networks
                .iter()
                .map(|network| format!("{network} "))
                .collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn addresses_and_networks_of_both_families() {
        let text = "192.0.2.1 # router\n10.1.2.3/8\n2001:db8::1\n::ffff:192.0.2.7\n10.9.0.0/16\n";
        let expected = "10.0.0.0/8 192.0.2.1/32 192.0.2.7/32 2001:db8::1/128 ";
        assert_eq!(excluded(text).as_deref(), Ok(expected));
    }

    #[test]
    fn a_bad_line_is_named() {
        for line in ["10.0.0.0/33", "example.org", "10.0.0/8", "1.2.3.4-1.2.3.9"] {
            let message = excluded(&format!("\n{line}\n")).expect_err(line);
            assert!(message.contains(":2: "), "{message}");
            assert!(message.contains(line), "{message}");
        }
        let message = excluded(&"x".repeat(3 << 20)).expect_err("no network");
        assert!(message.len() < 250, "{message}");
    }
}
