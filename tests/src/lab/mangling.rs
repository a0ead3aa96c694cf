//! What routers do to packets on their way, beside forwarding them.

use std::net::IpAddr;

use anyhow::Result;

use super::{
    Lab,
    address::{self, Family},
};

/// Number of the host whose address a translating router uses.
const OTHER_HOST: u16 = 9;

/// What a router does to the probes that it forwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mangling {
    /// Sets the six bits of DSCP.
    Dscp(u8),
    /// Sets TTL or hop limit.
    Ttl(u8),
    /// Forwards with a TTL of 0 what it should have dropped, to the next router.
    ZeroTtl,
}

impl Lab {
    /// Makes a router change what it forwards towards the target.
    ///
    /// # Errors
    ///
    /// If there is no such router or `nft` refuses.
    pub fn mangle(&self, router: &str, mangling: Mangling) -> Result<()> {
        let (hook, v4, v6) = match mangling {
            Mangling::Dscp(dscp) => (
                "forward",
                format!("ip dscp set {dscp}"),
                format!("ip6 dscp set {dscp}"),
            ),
            Mangling::Ttl(ttl) => (
                "forward",
                format!("ip ttl set {ttl}"),
                format!("ip6 hoplimit set {ttl}"),
            ),
            Mangling::ZeroTtl => (
                "postrouting",
                "ip ttl 1 ip ttl set 0".to_owned(),
                "ip6 hoplimit 1 ip6 hoplimit set 0".to_owned(),
            ),
        };
        let mut rules = Vec::new();
        for (family, change) in [(Family::V4, v4), (Family::V6, v6)] {
            let target = self.address(family, self.target().name())?;
            rules.push(format!("{} daddr {target} {change}", word(family)));
        }
        self.rules(
            router,
            &format!("type filter hook {hook} priority 0"),
            &rules,
        )
    }

    /// Makes a router a NAT as those of homes are: it keeps track of connections,
    /// translates what errors quote back too, and shows its own address as the source.
    ///
    /// # Errors
    ///
    /// If there is no such router or `nft` refuses.
    pub fn masquerade(&self, router: &str) -> Result<()> {
        let index = self.topology().index(router)?;
        let outward = self.routes.successors(index);
        let devices = outward.iter().map(|hop| self.nodes[hop.node].name());
        let rules: Vec<_> = devices
            .map(|device| format!("oifname {device} masquerade"))
            .collect();
        self.rules(router, "type nat hook postrouting priority 100", &rules)
    }

    /// Makes a router a NAT without memory: it changes the source of probes, and the
    /// destination of what comes back, but not what errors quote.
    ///
    /// # Errors
    ///
    /// If there is no such router or `nft` refuses.
    pub fn translate_source(&self, router: &str) -> Result<()> {
        let index = self.topology().index(router)?;
        let outward = self.routes.successors(index);
        let mut forth = Vec::new();
        let mut back = Vec::new();
        for (hop, family) in outward.iter().flat_map(|hop| Family::ALL.map(|f| (hop, f))) {
            let device = self.nodes[hop.node].name();
            let other = self.other_address(router, device, hop.link, family)?;
            let us = self.address(family, self.vantage().name())?;
            let ip = word(family);
            forth.push(format!(
                "{ip} saddr {us} oifname {device} {ip} saddr set {other}"
            ));
            // Neighbours look for the address too.
            let others = "icmpv6 type != { nd-neighbor-solicit, nd-neighbor-advert }";
            let matches = match family {
                Family::V4 => vec!["meta l4proto != 255"],
                Family::V6 => vec![others, "meta l4proto { tcp, udp }"],
            };
            let rules = matches.into_iter();
            back.extend(rules.map(|what| format!("{what} {ip} daddr {other} {ip} daddr set {us}")));
        }
        self.rules(router, "type filter hook forward priority 0", &forth)?;
        self.rules(router, "type filter hook prerouting priority -300", &back)
    }

    /// The same, and it puts the source back where errors quote it, but not the checksum.
    ///
    /// # Errors
    ///
    /// If there is no such router or `nft` refuses.
    pub fn translate_source_and_quotes(&self, router: &str) -> Result<()> {
        self.translate_source(router)?;
        let errors = "{ time-exceeded, destination-unreachable }";
        let mut rules = Vec::new();
        // Where the quoted source stands behind the outer IP header, bits.
        for (family, message, place) in [
            (Family::V4, "icmp", "@th,160,32"),
            (Family::V6, "icmpv6", "@th,128,128"),
        ] {
            let us = match self.address(family, self.vantage().name())? {
                IpAddr::V4(v4) => format!("{:#x}", u32::from(v4)),
                IpAddr::V6(v6) => format!("{:#x}", u128::from(v6)),
            };
            rules.push(format!("{message} type {errors} {place} set {us}"));
        }
        self.rules(router, "type filter hook prerouting priority -299", &rules)
    }

    /// Makes a router send on to another address of the target what is for the target,
    /// and change the source of what that answers, but not what errors quote.
    ///
    /// # Errors
    ///
    /// If there is no such router or `nft` refuses.
    pub fn translate_destination(&self, router: &str) -> Result<()> {
        let target = self.topology().index(self.target().name())?;
        let inward = self.routes.predecessors(target);
        let mut rules = Vec::new();
        for (hop, family) in inward.iter().flat_map(|hop| Family::ALL.map(|f| (hop, f))) {
            let device = self.nodes[hop.node].name();
            let other = self.other_address(self.target().name(), device, hop.link, family)?;
            let target = self.address(family, self.target().name())?;
            let ip = word(family);
            rules.push(format!("{ip} daddr {target} {ip} daddr set {other}"));
            rules.push(format!("{ip} saddr {other} {ip} saddr set {target}"));
        }
        self.rules(router, "type filter hook forward priority 0", &rules)
    }

    /// Makes a router accept the connections to a TCP port of the target at a port of
    /// its own.
    ///
    /// # Errors
    ///
    /// If there is no such router or `nft` refuses.
    pub fn redirect_tcp(&self, router: &str, port: u16, to: u16) -> Result<()> {
        let rule = format!("tcp dport {port} redirect to :{to}");
        self.rules(router, "type nat hook prerouting priority -100", &[rule])
    }

    /// Makes a router send what goes to a host by one of its neighbours.
    ///
    /// # Errors
    ///
    /// If they are no neighbours, or there is no such host.
    pub fn route_by(&self, router: &str, host: &str, neighbour: &str) -> Result<()> {
        let link = self.topology().link(router, neighbour)?;
        let (near, _) = self.topology().links()[link];
        let side = match self.topology().index(neighbour)? == near {
            true => address::Side::Near,
            false => address::Side::Far,
        };
        for family in Family::ALL {
            let prefix = format!("{}/{}", self.address(family, host)?, family.host_bits());
            let gateway = address::of_link(family, link, side);
            let source = self.address(family, router)?;
            let way = format!("src {source} via {gateway} dev {neighbour}");
            self.node(router)?
                .ip([format!("route replace {prefix} {way}")])?;
        }
        Ok(())
    }

    /// Gives a node another address on a link.
    fn other_address(
        &self,
        node: &str,
        device: &str,
        link: usize,
        family: Family,
    ) -> Result<IpAddr> {
        let other = address::on_link(family, link, OTHER_HOST);
        let flags = if family == Family::V6 { " nodad" } else { "" };
        let command = format!(
            "addr replace {other}/{} dev {device}{flags}",
            family.host_bits()
        );
        self.node(node)?.ip([command])?;
        Ok(other)
    }

    /// Adds rules to a chain of their own.
    fn rules(&self, node: &str, chain: &str, rules: &[String]) -> Result<()> {
        let name: String = chain.chars().filter(char::is_ascii_alphanumeric).collect();
        let mut script =
            format!("add table inet mangling; add chain inet mangling {name} {{ {chain}; }}");
        for rule in rules {
            script += &format!("; add rule inet mangling {name} {rule}");
        }
        self.node(node)?.run("nft", &[&script]).map(drop)
    }
}

/// What `nft` calls the header.
const fn word(family: Family) -> &'static str {
    match family {
        Family::V4 => "ip",
        Family::V6 => "ip6",
    }
}
