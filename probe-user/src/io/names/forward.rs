//! Targets to addresses.

use std::{net::IpAddr, sync::Arc};

use dns_lookup::{AddrInfoHints, getaddrinfo};
use tokio::sync::oneshot;

use super::threads::Threads;
use crate::engine::plan::{Family, Target, TargetSpec, not_a_host};

/// What became of a list of targets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolved {
    /// Those with an address, in their order.
    pub targets: Vec<Target>,
    /// A line for each that has none, or none of a single host.
    pub failures: Vec<String>,
}

/// Addresses of a name, best first, or what the resolver says.
type Lookup = dyn Fn(&str, Family) -> Found + Send + Sync;

/// Resolves targets, several at a time. A name stands for the first of its
/// addresses, as the resolver sorts them (RFC 6724).
pub async fn resolve(targets: &[TargetSpec], family: Family) -> Resolved {
    resolve_by(targets, family, &(Arc::new(look_up) as Arc<Lookup>)).await
}

async fn resolve_by(specs: &[TargetSpec], family: Family, lookup: &Arc<Lookup>) -> Resolved {
    let threads = Threads::default();
    let started: Vec<_> = specs
        .iter()
        .map(|spec| start(spec, family, &threads, lookup))
        .collect();
    let mut resolved = Resolved::default();
    for (spec, started) in specs.iter().zip(started) {
        let found = match started {
            Started::Address(address) => Ok(vec![address]),
            Started::Asked(answer) => answer
                .await
                .unwrap_or_else(|_| Err("no thread left to resolve it".to_owned())),
        };
        match chosen(spec, family, &found) {
            Ok(targets) => resolved.targets.extend(targets),
            Err(failure) => resolved.failures.push(failure),
        }
    }
    resolved
}

/// What a lookup comes to.
type Found = Result<Vec<IpAddr>, String>;

/// A target on its way to an address.
enum Started {
    /// It is one: of very many, most are.
    Address(IpAddr),
    Asked(oneshot::Receiver<Found>),
}

fn start(spec: &TargetSpec, family: Family, threads: &Threads, lookup: &Arc<Lookup>) -> Started {
    if let Ok(address) = spec.text.parse() {
        return Started::Address(address);
    }
    let (sender, receiver) = oneshot::channel();
    let (name, lookup) = (spec.text.clone(), Arc::clone(lookup));
    threads.call(move || {
        let _ = sender.send(lookup(&name, family));
    });
    Started::Asked(receiver)
}

/// The targets that a name or an address stands for: one, or one of each IP version.
fn chosen(spec: &TargetSpec, family: Family, found: &Found) -> Result<Vec<Target>, String> {
    let text = &spec.text;
    let place = match &spec.origin {
        Some((file, line)) => format!("{file}:{line}: "),
        None => String::new(),
    };
    let addresses = found.as_ref();
    let addresses = addresses.map_err(|why| format!("{place}cannot resolve {text}: {why}"))?;
    let mut addresses = addresses.iter().map(IpAddr::to_canonical);
    let Some(best) = addresses.next() else {
        let family = family_name(family);
        return Err(format!(
            "{place}cannot resolve {text}: it has no {family}address"
        ));
    };
    let other = match family {
        Family::Both => addresses.find(|address| address.is_ipv4() != best.is_ipv4()),
        Family::Any | Family::V4 | Family::V6 => None,
    };
    let name = text.parse::<IpAddr>().is_err().then(|| text.clone());
    let chosen = [Some(best), other].into_iter().flatten();
    chosen
        .map(|address| match not_a_host(address) {
            Some(what) => Err(format!(
                "{place}{text} is no single host: {address} is {what}"
            )),
            None => Ok(Target {
                address,
                name: name.clone(),
                group: spec.group.clone(),
            }),
        })
        .collect()
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::Any | Family::Both => "",
        Family::V4 => "IPv4 ",
        Family::V6 => "IPv6 ",
    }
}

/// Asks the system's resolver. Blocks.
fn look_up(name: &str, family: Family) -> Found {
    let hints = AddrInfoHints {
        address: match family {
            Family::Any | Family::Both => libc::AF_UNSPEC,
            Family::V4 => libc::AF_INET,
            Family::V6 => libc::AF_INET6,
        },
        // One entry for each address, not one for each kind of socket.
        socktype: libc::SOCK_DGRAM,
        ..AddrInfoHints::default()
    };
    let entries = match getaddrinfo(Some(name), None, Some(hints)) {
        Ok(entries) => entries,
        Err(error) => return failure(error.error_num(), &error.into()),
    };
    Ok(entries.flatten().map(|entry| entry.sockaddr.ip()).collect())
}

/// A name without an address of the family is no failure of the resolver.
fn failure(code: i32, error: &std::io::Error) -> Found {
    /// `EAI_ADDRFAMILY` of glibc.
    const NO_ADDRESS_OF_FAMILY: i32 = -9;
    match code {
        NO_ADDRESS_OF_FAMILY | libc::EAI_NODATA => Ok(Vec::new()),
        libc::EAI_NONAME => Err("no such name; check its spelling".to_owned()),
        libc::EAI_AGAIN => Err(
            "the resolver does not answer; give an address, or check /etc/resolv.conf".to_owned(),
        ),
        _ => {
            let text = error.to_string();
            let reason = text.rsplit(": ").next().unwrap_or_default();
            Err(format!("{reason}; give an address in its place"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn specs(texts: &[&str]) -> Vec<TargetSpec> {
        let spec = |text: &&str| TargetSpec {
            text: (*text).to_owned(),
            origin: None,
            group: None,
        };
        texts.iter().map(spec).collect()
    }

    fn texts(targets: &[Target]) -> Vec<String> {
        let text = |target: &Target| {
            format!(
                "{} {}",
                target.name.as_deref().unwrap_or_default(),
                target.address
            )
        };
        targets.iter().map(text).collect()
    }

    #[tokio::test]
    async fn the_system_knows_localhost() {
        let specs = specs(&["192.0.2.7", "localhost", "127.0.0.2"]);
        let resolved = resolve(&specs, Family::V4).await;
        assert_eq!(
            texts(&resolved.targets),
            [" 192.0.2.7", "localhost 127.0.0.1", " 127.0.0.2"]
        );
        assert_eq!(resolved.failures, [""; 0]);
    }

    #[tokio::test]
    async fn a_name_with_addresses_of_both_versions_stands_for_both_if_asked() {
        let mut specs = specs(&["both.example", "192.0.2.7", "v6.example"]);
        specs[0].group = Some("paris".to_owned());
        let lookup: Arc<Lookup> = Arc::new(|name, _| {
            let v6 = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into();
            let more = [0x2001, 0xdb8, 0, 0, 0, 0, 0, 2].into();
            match name {
                "both.example" => Ok(vec![v6, more, [192, 0, 2, 1].into()]),
                _ => Ok(vec![more]),
            }
        });
        let resolved = resolve_by(&specs, Family::Both, &lookup).await;
        let expected = [
            "both.example 2001:db8::1",
            "both.example 192.0.2.1",
            " 192.0.2.7",
            "v6.example 2001:db8::2",
        ];
        assert_eq!(texts(&resolved.targets), expected);
        let groups = resolved.targets.iter().filter(|t| t.group.is_some());
        assert_eq!(groups.count(), 2);
        assert_eq!(resolved.failures, [""; 0]);
        let one = resolve_by(&specs[..1], Family::Any, &lookup).await;
        assert_eq!(texts(&one.targets), expected[..1]);
    }

    #[tokio::test]
    async fn each_name_that_is_of_no_use_is_one_line() {
        let mut specs = specs(&[
            "nowhere.example",
            "v4.example",
            "fine.example",
            "all.example",
        ]);
        specs[1].origin = Some(("hosts.txt".to_owned(), 7));
        let lookup: Arc<Lookup> = Arc::new(|name, family| match (name, family) {
            ("nowhere.example", _) => Err("no such name; check its spelling".to_owned()),
            ("v4.example", Family::V6) => Ok(vec![]),
            ("all.example", _) => Ok(vec![[0xff02, 0, 0, 0, 0, 0, 0, 1].into()]),
            (_, Family::V6) => Ok(vec![[0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into()]),
            _ => panic!("the family is lost"),
        });
        let resolved = resolve_by(&specs, Family::V6, &lookup).await;
        assert_eq!(texts(&resolved.targets), ["fine.example 2001:db8::1"]);
        let expected = [
            "cannot resolve nowhere.example: no such name; check its spelling",
            "hosts.txt:7: cannot resolve v4.example: it has no IPv6 address",
            "all.example is no single host: ff02::1 is a multicast address",
        ];
        assert_eq!(resolved.failures, expected);
    }
}
