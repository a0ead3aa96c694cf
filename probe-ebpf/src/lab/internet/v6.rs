//! IPv6, without extension headers. Errors quote the probe whole.

use aya_ebpf::programs::XdpContext;
use probe_common::{
    Address,
    abi::Kind,
    lab::{
        Answer, Count, EXTENSION, Labels, PADDED_QUOTE, Query, Reply, Request, Traffic, flow_of,
    },
    wire::{
        Put as _,
        checksum::Sum,
        eth,
        ip::protocol,
        ipv6::{self, Fields},
        tcp,
    },
};

use super::{
    FORGERY, Fate,
    transport::{self, Segment, updated},
};
use crate::{frame::Frame, maps, resize};

/// Offsets in a frame.
const IP: usize = eth::LENGTH;
const TRANSPORT: usize = IP + ipv6::LENGTH;
/// A frame with the first eight octets of a transport.
const LEAST: usize = TRANSPORT + 8;
/// A frame with a TCP segment without options.
const SEGMENT: usize = TRANSPORT + tcp::LENGTH;
/// Octets that an error puts before what it quotes: IPv6 and ICMPv6 headers.
const ERROR: usize = 48;
/// Offsets of what is quoted, in a frame with an error.
const QUOTE: usize = IP + ERROR;
const QUOTED: usize = QUOTE + ipv6::LENGTH;
/// The least frame with an error.
const LEAST_ERROR: usize = QUOTED + 8;
/// Octets that an error with labels quotes; what it then is, and grows by besides.
const SOME_QUOTED: usize = ipv6::LENGTH + 20;
const LABELLED: usize = QUOTE + PADDED_QUOTE + EXTENSION;
const GROWTH: usize = LABELLED - QUOTE - SOME_QUOTED;
/// Most octets of a payload that is quoted whole (RFC 4443, section 2.4).
const MOST_QUOTED: usize = 1_280 - 40 - ERROR;

/// What is needed of a probe after its frame has changed.
#[derive(Clone, Copy)]
struct Probe {
    /// Hardware addresses.
    to: [u8; 6],
    from: [u8; 6],
    source: Address,
    /// Length behind the fixed header, octets.
    payload: u16,
    protocol: u8,
}

/// Answers a frame that says it holds an IPv6 packet.
#[inline(always)]
pub(super) fn answer(ctx: &XdpContext, traffic: &mut Traffic) -> Fate {
    let Some(frame) = Frame::<LEAST>::of(ctx) else {
        return Fate::Passes;
    };
    let (Some(destination), Some([ttl])) = (address(frame, IP + 24), frame.get(IP + 7)) else {
        return Fate::Passes;
    };
    if maps::internet().locate(destination).is_none() {
        return Fate::Passes;
    }
    let asked = asked(ctx, frame);
    if matches!(asked, Err(Count::Resets)) {
        return Fate::Ends(Count::Resets);
    }
    traffic.add_probe(ttl);
    let fate = asked
        .ok()
        .and_then(|(ports, request)| answer_probe(ctx, frame, ports, request));
    fate.unwrap_or(Fate::Ends(Count::Refused))
}

/// The ports of a probe and what it asks; else, what it counts as.
#[inline(always)]
fn asked(ctx: &XdpContext, frame: Frame<LEAST>) -> Result<([u16; 2], Request), Count> {
    let (Some([number]), Some(begin)) = (frame.get(IP + 6), frame.get(TRANSPORT)) else {
        return Err(Count::Refused);
    };
    match number {
        protocol::ICMPV6 if transport::is_echo(begin, true) => Ok(([0; 2], Request::Echo)),
        protocol::UDP => Ok((transport::ports(begin), Request::Udp)),
        protocol::TCP => {
            let segment = segment_of(ctx).ok_or(Count::Refused)?;
            Ok((segment.ports, segment.request()?))
        }
        _ => Err(Count::Refused),
    }
}

#[inline(always)]
fn segment_of(ctx: &XdpContext) -> Option<Segment> {
    Some(Segment::read(Frame::<SEGMENT>::of(ctx)?.get(TRANSPORT)?))
}

/// `None`: a router would drop it.
#[inline(always)]
fn answer_probe(
    ctx: &XdpContext,
    frame: Frame<LEAST>,
    ports: [u16; 2],
    request: Request,
) -> Option<Fate> {
    let probe = Probe::read(frame)?;
    let [ttl] = frame.get(IP + 7)?;
    let [version] = frame.get(IP)?;
    let payload = probe.payload as usize;
    let fits = (8..=MOST_QUOTED).contains(&payload) && TRANSPORT + payload <= resize::length(ctx);
    if ttl == 0 || version >> 4 != 6 || !fits {
        return None;
    }
    let destination = address(frame, IP + 24)?;
    let flow = flow_of(probe.source, destination, probe.protocol, ports);
    let answer = maps::internet().answer(&Query {
        destination,
        flow,
        ttl,
        request,
    });
    let Answer::Reply(reply) = answer else {
        return Some(Fate::unanswered(&answer));
    };
    match reply.kind {
        Kind::EchoReply => probe.echo(ctx, frame, &reply),
        Kind::SynAck | Kind::Rst => probe.segment(ctx, &reply, flow),
        _ => probe.error(ctx, &reply),
    }?;
    Some(Fate::Returns(reply))
}

#[inline(always)]
fn address<const N: usize>(frame: Frame<N>, at: usize) -> Option<Address> {
    Some(Address::from_halves(frame.get(at)?, frame.get(at + 8)?))
}

impl Probe {
    #[inline(always)]
    fn read<const N: usize>(frame: Frame<N>) -> Option<Self> {
        let [protocol] = frame.get(IP + 6)?;
        Some(Self {
            to: frame.get(0)?,
            from: frame.get(6)?,
            source: address(frame, IP + 8)?,
            payload: frame.word(IP + 4)?,
            protocol,
        })
    }

    /// Writes the headers before a reply's transport; gives the sum of the pseudo
    /// header (RFC 8200, section 8.1).
    #[inline(always)]
    fn put_headers<const N: usize>(
        &self,
        frame: &mut Frame<N>,
        reply: &Reply,
        payload: u16,
    ) -> Option<Sum> {
        let protocol = match reply.kind {
            Kind::SynAck | Kind::Rst => protocol::TCP,
            _ => protocol::ICMPV6,
        };
        let fields = Fields {
            source: reply.responder,
            destination: self.source,
            protocol,
            ttl: reply.ttl,
            tos: 0,
            flow_label: 0,
            payload,
        };
        frame.put(0, eth::header(self.from, self.to, eth::IPV6))?;
        ipv6::emit(fields, frame, IP)?;
        let addresses = reply.responder.sum().join(self.source.sum());
        Some(addresses.add(payload).add(u16::from(protocol)))
    }

    /// Turns an echo request into its reply, in place.
    #[inline(always)]
    fn echo(&self, ctx: &XdpContext, mut frame: Frame<LEAST>, reply: &Reply) -> Option<()> {
        // Swapping the addresses does not change their sum.
        self.put_headers(&mut frame, reply, self.payload)?;
        let checksum = updated(frame.word(TRANSPORT + 2)?, 0x8000, 0x8100);
        frame.put(TRANSPORT, [129, 0])?;
        frame.put(TRANSPORT + 2, checksum.to_be_bytes())?;
        if reply.forged {
            let mut frame = Frame::<{ TRANSPORT + 10 }>::of(ctx)?;
            let nonce = frame.word(TRANSPORT + 8)?;
            let checksum = updated(checksum, nonce, nonce ^ FORGERY);
            frame.put(TRANSPORT + 8, (nonce ^ FORGERY).to_be_bytes())?;
            frame.put(TRANSPORT + 2, checksum.to_be_bytes())?;
        }
        Some(())
    }

    /// Makes the segment that answers a TCP probe.
    #[inline(always)]
    fn segment(&self, ctx: &XdpContext, reply: &Reply, flow: u32) -> Option<()> {
        let segment = segment_of(ctx)?;
        resize::resize(ctx, SEGMENT as u16)?;
        let mut frame = Frame::<SEGMENT>::of(ctx)?;
        let sum = self.put_headers(&mut frame, reply, tcp::LENGTH as u16)?;
        frame.put(TRANSPORT, segment.answered(reply, flow, sum))
    }

    /// Makes an ICMPv6 error that quotes the probe whole.
    #[inline(always)]
    fn error(&self, ctx: &XdpContext, reply: &Reply) -> Option<()> {
        if let Some(labels) = reply.labels
            && IP + SOME_QUOTED <= resize::length(ctx)
        {
            return self.labelled(ctx, reply, &labels);
        }
        resize::prepend(ctx, ERROR as u16)?;
        resize::resize(ctx, (QUOTED as u16).wrapping_add(self.payload))?;
        let mut frame = Frame::<LEAST_ERROR>::of(ctx)?;
        let length = (ERROR as u16).wrapping_add(self.payload);
        let sum = self.put_headers(&mut frame, reply, length)?;
        frame.put(QUOTE + 7, [reply.quoted_ttl])?;
        let [kind, code] = match reply.kind {
            Kind::PortUnreachable => [1, 4],
            _ => [3, 0],
        };
        // A transport with a right checksum sums up to the complement of its pseudo
        // header: behind the IP header's own addresses and length, only the protocol
        // is left of both.
        let mut sum = sum
            .add(u16::from_be_bytes([kind, code]))
            .add4(frame.get(QUOTE)?)
            .add(frame.word(QUOTE + 6)?)
            .add(!u16::from(self.protocol));
        if reply.forged {
            sum = self.forge(ctx, sum)?;
        }
        let [c0, c1] = sum.checksum().to_be_bytes();
        frame.put(TRANSPORT, [kind, code, c0, c1, 0, 0, 0, 0])
    }

    /// Makes an ICMPv6 error that says labels. There is no room behind a frame, but
    /// before it: what is quoted moves to the front.
    #[inline(always)]
    fn labelled(&self, ctx: &XdpContext, reply: &Reply, labels: &Labels) -> Option<()> {
        resize::prepend(ctx, (ERROR + GROWTH) as u16)?;
        resize::resize(ctx, LABELLED as u16)?;
        let mut frame = Frame::<LABELLED>::of(ctx)?;
        let quote: [u8; SOME_QUOTED] = frame.get(QUOTE + GROWTH)?;
        frame.put(QUOTE, quote)?;
        frame.put(QUOTE + 7, [reply.quoted_ttl])?;
        frame.put(QUOTE + SOME_QUOTED, [0; PADDED_QUOTE - SOME_QUOTED])?;
        frame.put(QUOTE + PADDED_QUOTE, labels.extension())?;
        let stated = labels.stated_words(8);
        let mut sum = self
            .put_headers(&mut frame, reply, (LABELLED - TRANSPORT) as u16)?
            .add(u16::from_be_bytes([3, 0]))
            .add(u16::from_be_bytes([stated, 0]));
        for word in 0..SOME_QUOTED / 4 {
            sum = sum.add4(frame.get(QUOTE + 4 * word)?);
        }
        if reply.forged {
            sum = self.forge(ctx, sum)?;
        }
        let [c0, c1] = sum.checksum().to_be_bytes();
        frame.put(TRANSPORT, [3, 0, c0, c1, stated, 0, 0, 0])
    }

    /// Changes the nonce that a quote shows: in the payload, or in the sequence
    /// number of TCP. Gives the sum that follows from `sum`.
    #[inline(always)]
    fn forge(&self, ctx: &XdpContext, sum: Sum) -> Option<Sum> {
        let nonce = if self.protocol == protocol::TCP {
            let mut frame = Frame::<LEAST_ERROR>::of(ctx)?;
            let nonce = frame.word(QUOTED + 6)?;
            frame.put(QUOTED + 6, (nonce ^ FORGERY).to_be_bytes())?;
            nonce
        } else {
            let mut frame = Frame::<{ LEAST_ERROR + 2 }>::of(ctx)?;
            let nonce = frame.word(QUOTED + 8)?;
            frame.put(QUOTED + 8, (nonce ^ FORGERY).to_be_bytes())?;
            nonce
        };
        Some(sum.add(!nonce).add(nonce ^ FORGERY))
    }
}
