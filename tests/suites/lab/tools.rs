//! traceroute(8), mtr(8) and ping(8), and how to read what they print.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use probe_tests::lab::{Family, Lab};

/// A hop as traceroute prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    /// `None`: nobody answered.
    pub(crate) address: Option<IpAddr>,
    /// `!H`, `!X` and their like.
    pub(crate) annotation: Option<String>,
}

/// Runs traceroute, one probe a hop, towards the target.
pub(crate) fn traceroute(lab: &Lab, family: Family, options: &[&str]) -> Result<Vec<Hop>> {
    let target = lab.address(family, "target")?.to_string();
    let fixed = ["-n", "-q", "1", "-w", "2", "-m", "12"];
    let arguments = [&fixed, options, &[&target]].concat();
    let output = lab.vantage().run("traceroute", &arguments)?;
    Ok(output.lines().skip(1).map(hop).collect())
}

/// The addresses of hops that all answered.
pub(crate) fn addresses(hops: &[Hop]) -> Result<Vec<IpAddr>> {
    hops.iter()
        .map(|hop| hop.address.context("a hop did not answer"))
        .collect()
}

/// Runs mtr once and returns the addresses by TTL.
pub(crate) fn mtr(lab: &Lab, family: Family) -> Result<Vec<IpAddr>> {
    let target = lab.address(family, "target")?.to_string();
    let output = lab.vantage().run(
        "mtr",
        &["-n", "-c", "1", "-i", "0.2", "-G", "1", "--raw", &target],
    )?;
    let mut hops: Vec<(usize, IpAddr)> = Vec::new();
    for line in output.lines() {
        // h PLACE ADDRESS
        if let ["h", place, address] = Vec::from_iter(line.split(' ')).as_slice() {
            hops.push((place.parse()?, address.parse()?));
        }
    }
    hops.sort_unstable();
    hops.dedup();
    // Beyond the target, mtr hears the target again.
    let target: IpAddr = target.parse()?;
    let end = hops.iter().position(|(_, address)| *address == target);
    hops.truncate(end.map_or(hops.len(), |end| end + 1));
    Ok(hops.into_iter().map(|(_, address)| address).collect())
}

/// What ping reports.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ping {
    pub(crate) received: u64,
    pub(crate) duplicates: u64,
    /// `None` if nothing came back.
    pub(crate) shortest_ms: Option<f64>,
}

/// Pings an address `count` times; unanswered probes are no error.
pub(crate) fn ping(lab: &Lab, address: IpAddr, count: u32, options: &[&str]) -> Result<Ping> {
    let output = lab
        .vantage()
        .command("ping")
        .args(["-n", "-q", "-W", "2", "-c", &count.to_string()])
        .args(options)
        .arg(address.to_string())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let number_before = |word: &str| {
        let before = text
            .split(word)
            .next()
            .filter(|before| before.len() < text.len())?;
        before.split_whitespace().next_back()?.parse().ok()
    };
    let shortest = || text.split(" = ").nth(1)?.split('/').next()?.parse().ok();
    Ok(Ping {
        received: number_before(" received").with_context(|| format!("ping said: {text}"))?,
        duplicates: number_before(" duplicates").unwrap_or(0),
        shortest_ms: shortest(),
    })
}

/// ` 3  10.3.0.2  0.052 ms !H`
fn hop(line: &str) -> Hop {
    let mut words = line.split_whitespace().skip(1);
    Hop {
        address: words.next().and_then(|word| word.parse().ok()),
        annotation: words.find(|word| word.starts_with('!')).map(str::to_owned),
    }
}
