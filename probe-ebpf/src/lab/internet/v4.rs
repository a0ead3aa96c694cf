//! IPv4. Headers have no options here: all offsets are constant.

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
        ipv4::{self, Fields},
        tcp,
    },
};

use super::{
    FORGERY, Fate, LEAST,
    transport::{self, Segment, updated},
};
use crate::{frame::Frame, maps, resize};

/// Offsets in a frame.
const IP: usize = eth::LENGTH;
const TRANSPORT: usize = IP + ipv4::LENGTH;
/// A frame with a TCP segment without options.
const SEGMENT: usize = TRANSPORT + tcp::LENGTH;
/// Octets that an error puts before what it quotes: IP and ICMP headers.
const ERROR: usize = 28;
/// Offsets of what is quoted, in a frame with an error.
const QUOTE: usize = IP + ERROR;
const QUOTED: usize = QUOTE + ipv4::LENGTH;
/// Frames with an error that quotes 8 octets behind the IP header, and 20.
const SHORT: usize = QUOTED + 8;
const LONG: usize = QUOTED + 20;
/// Frames with an error that says labels, and the octets that it grows by besides.
const LABELLED: usize = QUOTE + PADDED_QUOTE + EXTENSION;
const GROWTH: usize = LABELLED - SHORT;
/// Octets that are quoted there.
const LEAST_QUOTE: usize = SHORT - QUOTE;
/// TOS of errors: internetwork control (RFC 1812, section 4.3.2.5).
const CONTROL: u8 = 0xc0;

/// What is needed of a probe after its frame has changed.
#[derive(Clone, Copy)]
struct Probe {
    /// Hardware addresses.
    to: [u8; 6],
    from: [u8; 6],
    source: [u8; 4],
    protocol: u8,
}

/// Answers a frame that says it holds an IPv4 packet.
#[inline(always)]
pub(super) fn answer(ctx: &XdpContext, frame: Frame<LEAST>, traffic: &mut Traffic) -> Fate {
    let (Some(destination), Some([ttl])) = (frame.get(IP + 16), frame.get(IP + 8)) else {
        return Fate::Passes;
    };
    let destination = Address::from_v4(destination);
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
    let (Some([number]), Some(begin)) = (frame.get(IP + 9), frame.get(TRANSPORT)) else {
        return Err(Count::Refused);
    };
    match number {
        protocol::ICMP if transport::is_echo(begin, false) => Ok(([0; 2], Request::Echo)),
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
    let [ttl, protocol] = frame.get(IP + 8)?;
    if ttl == 0 || !is_whole(ctx, frame)? {
        return None;
    }
    let source = Address::from_v4(frame.get(IP + 12)?);
    let destination = Address::from_v4(frame.get(IP + 16)?);
    let flow = flow_of(source, destination, protocol, ports);
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
        Kind::EchoReply => echo(ctx, frame, &reply),
        Kind::SynAck | Kind::Rst => segment(ctx, &reply, flow),
        _ => error(ctx, frame, &reply),
    }?;
    Some(Fate::Returns(reply))
}

/// Whether the header is right and without options, and the packet no fragment and
/// all there.
#[inline(always)]
fn is_whole(ctx: &XdpContext, frame: Frame<LEAST>) -> Option<bool> {
    let sum = Sum::ZERO
        .add4(frame.get(IP)?)
        .add4(frame.get(IP + 4)?)
        .add4(frame.get(IP + 8)?)
        .add4(frame.get(IP + 12)?)
        .add4(frame.get(IP + 16)?);
    let [version] = frame.get(IP)?;
    let stated = frame.word(IP + 2)? as usize;
    let fragment = frame.word(IP + 6)? & 0x3fff;
    Some(
        version == 0x45
            && fragment == 0
            && sum.fold() == 0xffff
            && stated >= LEAST - IP
            && stated + IP <= resize::length(ctx),
    )
}

/// Turns an echo request into its reply, in place.
#[inline(always)]
fn echo(ctx: &XdpContext, mut frame: Frame<LEAST>, reply: &Reply) -> Option<()> {
    let probe = Probe::read(frame)?;
    frame.put(0, probe.from)?;
    frame.put(6, probe.to)?;
    // Swapping the addresses does not change their sum.
    frame.put(IP + 12, reply.responder.v4()?)?;
    frame.put(IP + 16, probe.source)?;
    set_ttl(frame, IP, reply.ttl)?;
    let checksum = updated(frame.word(TRANSPORT + 2)?, 0x0800, 0);
    frame.put(TRANSPORT, [0; 2])?;
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
fn segment(ctx: &XdpContext, reply: &Reply, flow: u32) -> Option<()> {
    let probe = Probe::read(Frame::<SEGMENT>::of(ctx)?)?;
    let segment = segment_of(ctx)?;
    resize::resize(ctx, SEGMENT as u16)?;
    let mut frame = Frame::<SEGMENT>::of(ctx)?;
    probe.put_headers(&mut frame, reply, 0, SEGMENT)?;
    let sum = Sum::ZERO
        .add4(frame.get(IP + 12)?)
        .add4(frame.get(IP + 16)?)
        .add(u16::from(protocol::TCP))
        .add(tcp::LENGTH as u16);
    frame.put(TRANSPORT, segment.answered(reply, flow, sum))
}

/// Makes an ICMP error that quotes the probe.
#[inline(always)]
fn error<const N: usize>(ctx: &XdpContext, frame: Frame<N>, reply: &Reply) -> Option<()> {
    let probe = Probe::read(frame)?;
    if let Some(labels) = reply.labels {
        return probe.labelled(ctx, reply, &labels);
    }
    resize::prepend(ctx, ERROR as u16)?;
    if !reply.long_quote || resize::length(ctx) < LONG {
        resize::resize(ctx, SHORT as u16)?;
        let frame = Frame::<SHORT>::of(ctx)?;
        return probe.put_error(frame, reply, 0, Sum::ZERO);
    }
    resize::resize(ctx, LONG as u16)?;
    let mut frame = Frame::<LONG>::of(ctx)?;
    if reply.forged {
        let nonce = frame.word(QUOTED + 8)?;
        frame.put(QUOTED + 8, (nonce ^ FORGERY).to_be_bytes())?;
    }
    let sum = Sum::ZERO
        .add4(frame.get(QUOTED + 8)?)
        .add4(frame.get(QUOTED + 12)?)
        .add4(frame.get(QUOTED + 16)?);
    probe.put_error(frame, reply, 0, sum)
}

impl Probe {
    #[inline(always)]
    fn read<const N: usize>(frame: Frame<N>) -> Option<Self> {
        let [protocol] = frame.get(IP + 9)?;
        Some(Self {
            to: frame.get(0)?,
            from: frame.get(6)?,
            source: frame.get(IP + 12)?,
            protocol,
        })
    }

    /// Writes the headers before a reply's transport.
    #[inline(always)]
    fn put_headers<const N: usize>(
        &self,
        frame: &mut Frame<N>,
        reply: &Reply,
        tos: u8,
        length: usize,
    ) -> Option<()> {
        let protocol = match reply.kind {
            Kind::SynAck | Kind::Rst => protocol::TCP,
            _ => protocol::ICMP,
        };
        let fields = Fields {
            source: reply.responder.v4()?,
            destination: self.source,
            protocol,
            ttl: reply.ttl,
            tos,
            id: 0,
            length: (length - IP) as u16,
        };
        frame.put(0, eth::header(self.from, self.to, eth::IPV4))?;
        ipv4::emit(fields, frame, IP)
    }

    /// Makes an ICMP error that says labels. There is no room behind a frame, but
    /// before it: what is quoted moves to the front.
    #[inline(always)]
    fn labelled(&self, ctx: &XdpContext, reply: &Reply, labels: &Labels) -> Option<()> {
        resize::prepend(ctx, (ERROR + GROWTH) as u16)?;
        resize::resize(ctx, LABELLED as u16)?;
        let mut frame = Frame::<LABELLED>::of(ctx)?;
        let quote: [u8; LEAST_QUOTE] = frame.get(QUOTE + GROWTH)?;
        frame.put(QUOTE, quote)?;
        frame.put(SHORT, [0; PADDED_QUOTE - LEAST_QUOTE])?;
        frame.put(QUOTE + PADDED_QUOTE, labels.extension())?;
        self.put_error(frame, reply, labels.stated_words(4), Sum::ZERO)
    }

    /// Writes headers and ICMP error before what is quoted, whose octets behind the
    /// first eight of the transport have this `sum`.
    #[inline(always)]
    fn put_error<const N: usize>(
        &self,
        mut frame: Frame<N>,
        reply: &Reply,
        stated: u8,
        sum: Sum,
    ) -> Option<()> {
        self.put_headers(&mut frame, reply, CONTROL, N)?;
        set_ttl(frame, QUOTE, reply.quoted_ttl)?;
        if reply.forged {
            self.forge(frame)?;
        }
        let [kind, code] = match reply.kind {
            Kind::PortUnreachable => [3, 3],
            _ => [11, 0],
        };
        // The quoted IP header, its own checksum included, sums up to nothing.
        let [c0, c1] = sum
            .add(u16::from_be_bytes([kind, code]))
            .add(u16::from(stated))
            .add4(frame.get(QUOTED)?)
            .add4(frame.get(QUOTED + 4)?)
            .checksum()
            .to_be_bytes();
        frame.put(TRANSPORT, [kind, code, c0, c1, 0, stated, 0, 0])
    }

    /// Changes the nonce where eight octets of the transport show it: in the
    /// identification (ICMP), the checksum (UDP) or the sequence number (TCP).
    #[inline(always)]
    fn forge<const N: usize>(&self, mut frame: Frame<N>) -> Option<()> {
        if self.protocol == protocol::ICMP {
            let nonce = frame.word(QUOTE + 4)?;
            let checksum = updated(frame.word(QUOTE + 10)?, nonce, nonce ^ FORGERY);
            frame.put(QUOTE + 4, (nonce ^ FORGERY).to_be_bytes())?;
            frame.put(QUOTE + 10, checksum.to_be_bytes())
        } else {
            let nonce = frame.word(QUOTED + 6)?;
            frame.put(QUOTED + 6, (nonce ^ FORGERY).to_be_bytes())
        }
    }
}

/// Sets the TTL of the IP header at a place, and its checksum to agree.
#[inline(always)]
fn set_ttl<const N: usize>(mut frame: Frame<N>, header: usize, ttl: u8) -> Option<()> {
    let [old, protocol] = frame.get(header + 8)?;
    let checksum = updated(
        frame.word(header + 10)?,
        u16::from_be_bytes([old, protocol]),
        u16::from_be_bytes([ttl, protocol]),
    );
    frame.put(header + 8, [ttl])?;
    frame.put(header + 10, checksum.to_be_bytes())
}
