//! A topology in one line: which nodes there are and what links them.

use std::{fmt, str::FromStr};

use anyhow::{Result, bail, ensure};

/// Most links: each has the second octet of its IPv4 addresses to itself.
const MAX_LINKS: usize = 250;
/// Longest name: devices are called after the node at their other end.
const MAX_NAME: usize = 11;

/// A directed graph from one host (the first node) to another (the last), with
/// routers between them.
///
/// Written as the nodes in order; parallel arms stand in parentheses, parted by
/// `|`, and may be of several nodes. Arrows are for the reader:
///
/// ```text
/// vantage r1 r2 target
/// vantage -> r1 -> (a2 a3 | b2 b3) -> r4 -> target
/// ```
///
/// Forks belong to routers: a vantage point with several links works, but Linux sends
/// by the link whose address the packet has (since 6.14), which is the first's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Names; the first is the vantage point, the last the target.
    nodes: Vec<String>,
    /// Pairs of indices into `nodes`, each from the vantage point's side.
    links: Vec<(usize, usize)>,
}

impl Topology {
    /// `vantage r1 … rN target`.
    ///
    /// # Errors
    ///
    /// If there are too many links.
    pub fn chain(routers: usize) -> Result<Self> {
        let routers: Vec<_> = (1..=routers).map(|number| format!("r{number}")).collect();
        format!("vantage {} target", routers.join(" ")).parse()
    }

    /// `vantage r1 (m1 | … | mN) r2 target`.
    ///
    /// # Errors
    ///
    /// If `width` is 0 or there are too many links.
    pub fn diamond(width: usize) -> Result<Self> {
        let arms: Vec<_> = (1..=width).map(|number| format!("m{number}")).collect();
        format!("vantage r1 ({}) r2 target", arms.join(" | ")).parse()
    }

    /// Names of the nodes; the first is the vantage point, the last the target.
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// Links as pairs of indices into [`Self::nodes`], in the order of their
    /// addresses, each from the vantage point's side.
    pub fn links(&self) -> &[(usize, usize)] {
        &self.links
    }

    /// The node of that name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn index(&self, name: &str) -> Result<usize> {
        match self.nodes.iter().position(|node| node == name) {
            Some(index) => Ok(index),
            None => bail!(
                "no node {name} in the lab; there are: {}",
                self.nodes.join(", ")
            ),
        }
    }

    /// The link between two nodes, named in either order.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub fn link(&self, a: &str, b: &str) -> Result<usize> {
        let (a, b) = (self.index(a)?, self.index(b)?);
        let is_wanted = |link: &(usize, usize)| *link == (a, b) || *link == (b, a);
        match self.links.iter().position(is_wanted) {
            Some(link) => Ok(link),
            None => bail!("no link between {} and {}", self.nodes[a], self.nodes[b]),
        }
    }

    /// Whether a node is the vantage point or the target, which do not forward.
    pub fn is_host(&self, node: usize) -> bool {
        node == 0 || node + 1 == self.nodes.len()
    }

    /// Puts the links in the order of their nodes and refuses what cannot be built.
    fn check(mut self) -> Result<Self> {
        self.links.sort_unstable();
        let Some(last) = self.nodes.len().checked_sub(1) else {
            bail!("an empty topology");
        };
        ensure!(last > 0, "a topology needs two hosts at least");
        ensure!(
            self.links
                .iter()
                .all(|(from, to)| *from != last && *to != 0),
            "the topology must begin and end with one host"
        );
        ensure!(
            self.links.len() <= MAX_LINKS,
            "{} links; there are addresses for {MAX_LINKS}",
            self.links.len()
        );
        Ok(self)
    }
}

impl FromStr for Topology {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let spaced = ["(", ")", "|", "->"]
            .iter()
            .fold(text.to_owned(), |text, token| {
                text.replace(token, &format!(" {token} "))
            });
        let mut reader = Reader {
            tokens: spaced
                .split_whitespace()
                .filter(|t| *t != "->")
                .rev()
                .collect(),
            topology: Self {
                nodes: Vec::new(),
                links: Vec::new(),
            },
        };
        let ends = reader.sequence()?;
        if let Some(token) = reader.tokens.last() {
            bail!("unexpected {token:?} in the topology {text:?}");
        }
        ensure!(
            ends.first.len() == 1 && ends.last.len() == 1,
            "the topology {text:?} must begin and end with one host"
        );
        reader.topology.check()
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let link =
            |(from, to): &(usize, usize)| format!("{}-{}", self.nodes[*from], self.nodes[*to]);
        let links: Vec<_> = self.links.iter().map(link).collect();
        f.write_str(&links.join(" "))
    }
}

/// The nodes at which a part of a topology begins and ends.
struct Ends {
    first: Vec<usize>,
    last: Vec<usize>,
}

struct Reader<'a> {
    /// What is left to read, the next token last.
    tokens: Vec<&'a str>,
    topology: Topology,
}

impl Reader<'_> {
    /// Reads elements up to `)`, `|` or the end, and links each to the next.
    fn sequence(&mut self) -> Result<Ends> {
        let mut ends: Option<Ends> = None;
        while let Some(token) = self.tokens.pop_if(|token| !matches!(*token, ")" | "|")) {
            let next = match token {
                "(" => self.arms()?,
                name => self.node(name)?,
            };
            ends = Some(match ends {
                None => next,
                Some(before) => self.join(before, next),
            });
        }
        match ends {
            Some(ends) => Ok(ends),
            None => bail!("an arm or topology without nodes"),
        }
    }

    /// Reads `arm | … )`.
    fn arms(&mut self) -> Result<Ends> {
        let mut ends = self.sequence()?;
        loop {
            match self.tokens.pop() {
                Some(")") => return Ok(ends),
                Some("|") => {
                    let arm = self.sequence()?;
                    ends.first.extend(arm.first);
                    ends.last.extend(arm.last);
                }
                _ => bail!("a parenthesis is not closed"),
            }
        }
    }

    fn node(&mut self, name: &str) -> Result<Ends> {
        ensure!(
            name.len() <= MAX_NAME && name.bytes().all(|b| b.is_ascii_alphanumeric()),
            "{name:?} cannot name a node: letters and digits only, at most {MAX_NAME}"
        );
        ensure!(
            name != "lo" && !self.topology.nodes.iter().any(|node| node == name),
            "{name:?} cannot name a node: it is taken"
        );
        let index = self.topology.nodes.len();
        self.topology.nodes.push(name.to_owned());
        Ok(Ends {
            first: vec![index],
            last: vec![index],
        })
    }

    fn join(&mut self, before: Ends, after: Ends) -> Ends {
        for from in &before.last {
            for to in &after.first {
                self.topology.links.push((*from, *to));
            }
        }
        Ends {
            first: before.first,
            last: after.last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> String {
        text.parse::<Topology>().unwrap().to_string()
    }

    #[test]
    fn a_chain_links_neighbours() {
        assert_eq!(
            links("vantage r1 -> r2 target"),
            "vantage-r1 r1-r2 r2-target"
        );
        assert_eq!(Topology::chain(0).unwrap().to_string(), "vantage-target");
    }

    #[test]
    fn arms_may_be_long_and_nested() {
        assert_eq!(
            links("v r (a1 (x|y) | b1) j t"),
            "v-r r-a1 r-b1 a1-x a1-y x-j y-j b1-j j-t"
        );
    }

    #[test]
    fn bad_descriptions_are_refused() {
        for text in [
            "",
            "v",
            "v ( a | ) t",
            "v (a|b",
            "v a) t",
            "v a a t",
            "v lo t",
            "v (a|b)",
            "v r-1 t",
        ] {
            assert!(text.parse::<Topology>().is_err(), "{text:?} was read");
        }
        assert!(Topology::chain(250).is_err());
    }
}
