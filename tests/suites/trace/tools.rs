//! The field's tools, and `probe trace`, print the same hops.

use std::net::IpAddr;

use anyhow::{Context as _, Result};
use probe_tests::{
    lab::{Family, Lab},
    probe::Probe,
};

use crate::FAST;

#[test]
fn traceroute_mtr_and_probe_print_the_same_hops() {
    let lab = Lab::chain(5).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        for (protocol, options) in [
            ("--icmp", ["-I"].as_slice()),
            ("--udp", &["-U", "-p", "33434"]),
            ("--tcp", &["-T", "-p", "80"]),
        ] {
            let probe = Probe::people(lab.vantage(), "trace").args(["-n", protocol]);
            let table = probe.args(FAST).to(target).run().unwrap().stdout;
            let printed = hops(&table);
            assert_eq!(
                printed,
                traceroute(&lab, target, options).unwrap(),
                "{table}"
            );
            assert_eq!(printed.last(), Some(&target));
        }
        let probe = Probe::people(lab.vantage(), "trace")
            .args(["-n"])
            .args(FAST);
        let table = probe.to(target).run().unwrap().stdout;
        assert_eq!(hops(&table), mtr(&lab, target).unwrap());
    }
}

/// The addresses of a table whose rows begin with a hop's number.
fn hops(table: &str) -> Vec<IpAddr> {
    let rows = table.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        words.next()?.parse::<u8>().ok()?;
        words.next()?.parse().ok()
    });
    rows.collect()
}

fn traceroute(lab: &Lab, target: IpAddr, options: &[&str]) -> Result<Vec<IpAddr>> {
    let target = target.to_string();
    let arguments = [&["-n", "-q", "1", "-w", "2"], options, &[&target]].concat();
    Ok(hops(&lab.vantage().run("traceroute", &arguments)?))
}

/// mtr probes beyond the target, and hears it again.
fn mtr(lab: &Lab, target: IpAddr) -> Result<Vec<IpAddr>> {
    let name = target.to_string();
    let arguments = ["-n", "-c", "1", "-i", "0.2", "-G", "1", "--raw", &name];
    let output = lab.vantage().run("mtr", &arguments)?;
    let rows = output.lines().filter_map(|line| line.strip_prefix("h "));
    let mut hops = Vec::new();
    for row in rows {
        let (place, address) = row.split_once(' ').context("a host without address")?;
        hops.push((place.parse::<u8>()?, address.parse::<IpAddr>()?));
    }
    hops.sort_unstable();
    hops.dedup();
    let mut addresses: Vec<_> = hops.into_iter().map(|(_, address)| address).collect();
    let end = addresses.iter().position(|address| *address == target);
    addresses.truncate(end.map_or(addresses.len(), |end| end + 1));
    Ok(addresses)
}
