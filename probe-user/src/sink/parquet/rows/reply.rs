//! The rows of replies.

use parquet::{
    basic::{Encoding, LogicalType},
    data_type::{Int32Type, Int64Type},
};

use super::Rows;
use crate::{
    engine::report::Reply,
    sink::{
        extensions,
        line::Line,
        parquet::column::{
            AddressTexts, Addresses, Column, Names, Numbers, Texts, Truths, narrow, signed, wide,
        },
    },
};

/// Replies: the fields of JSON in their order, addresses twice.
pub(in super::super) struct ReplyRows {
    target: Addresses,
    target_text: AddressTexts,
    ttl: Numbers<Int32Type>,
    flow: Numbers<Int32Type>,
    round: Numbers<Int32Type>,
    protocol: Names,
    kind: Names,
    reason: Names,
    responder: Addresses,
    responder_text: AddressTexts,
    rtt_ns: Numbers<Int64Type>,
    tx_ns: Numbers<Int64Type>,
    rx_ns: Numbers<Int64Type>,
    reply_ttl: Numbers<Int32Type>,
    back_hops: Numbers<Int32Type>,
    asymmetry: Numbers<Int32Type>,
    quoted_ttl: Numbers<Int32Type>,
    quoted_tos: Numbers<Int32Type>,
    quoted_length: Numbers<Int32Type>,
    icmp_type: Numbers<Int32Type>,
    icmp_code: Numbers<Int32Type>,
    mtu: Numbers<Int32Type>,
    grade: Names,
    nat: Truths,
    rewritten: Names,
    duplicate: Truths,
    late: Truths,
    stamp: Names,
    again: Truths,
    mpls: Texts,
    interface: Texts,
}

impl Default for ReplyRows {
    fn default() -> Self {
        Self {
            target: Addresses::new("target").plain(),
            target_text: AddressTexts::new("target_text").plain(),
            ttl: narrow("ttl", 8),
            flow: narrow("flow", 16),
            round: narrow("round", 32),
            protocol: Names::new("protocol"),
            kind: Names::new("kind"),
            reason: Names::new("reason").optional(),
            responder: Addresses::new("responder"),
            responder_text: AddressTexts::new("responder_text"),
            rtt_ns: wide("rtt_ns", false)
                .optional()
                .encoded(Encoding::DELTA_BINARY_PACKED),
            tx_ns: wide("tx_ns", true)
                .optional()
                .encoded(Encoding::DELTA_BINARY_PACKED),
            rx_ns: wide("rx_ns", true).encoded(Encoding::DELTA_BINARY_PACKED),
            reply_ttl: narrow("reply_ttl", 8),
            back_hops: narrow("back_hops", 8).optional(),
            asymmetry: signed("asymmetry", 16).optional(),
            quoted_ttl: narrow("quoted_ttl", 8).optional(),
            quoted_tos: narrow("quoted_tos", 8).optional(),
            quoted_length: narrow("quoted_length", 16).optional(),
            icmp_type: narrow("icmp_type", 8).optional(),
            icmp_code: narrow("icmp_code", 8).optional(),
            mtu: narrow("mtu", 32).optional(),
            grade: Names::new("grade"),
            nat: Truths::new("nat"),
            rewritten: Names::new("rewritten").optional(),
            duplicate: Truths::new("duplicate"),
            late: Truths::new("late"),
            stamp: Names::new("stamp"),
            again: Truths::new("again"),
            mpls: Texts::new("mpls", LogicalType::Json).optional(),
            interface: Texts::new("interface", LogicalType::Json).optional(),
        }
    }
}

impl Rows for ReplyRows {
    const NAME: &'static str = "reply";
    const OF_REPLIES: bool = true;

    fn columns(&mut self) -> Vec<&mut dyn Column> {
        vec![
            &mut self.target,
            &mut self.target_text,
            &mut self.ttl,
            &mut self.flow,
            &mut self.round,
            &mut self.protocol,
            &mut self.kind,
            &mut self.reason,
            &mut self.responder,
            &mut self.responder_text,
            &mut self.rtt_ns,
            &mut self.tx_ns,
            &mut self.rx_ns,
            &mut self.reply_ttl,
            &mut self.back_hops,
            &mut self.asymmetry,
            &mut self.quoted_ttl,
            &mut self.quoted_tos,
            &mut self.quoted_length,
            &mut self.icmp_type,
            &mut self.icmp_code,
            &mut self.mtu,
            &mut self.grade,
            &mut self.nat,
            &mut self.rewritten,
            &mut self.duplicate,
            &mut self.late,
            &mut self.stamp,
            &mut self.again,
            &mut self.mpls,
            &mut self.interface,
        ]
    }

    fn reply(&mut self, reply: &Reply<'_>) {
        self.target.push(reply.target);
        self.target_text.push(reply.target);
        self.ttl.push(reply.ttl);
        self.flow.push(reply.flow);
        self.round.push(reply.round.cast_signed());
        self.protocol.push(reply.protocol);
        self.kind.push(reply.kind);
        self.reason.push_option(reply.reason);
        self.responder.push(reply.responder);
        self.responder_text.push(reply.responder);
        self.rtt_ns.push_option(reply.rtt_ns.map(u64::cast_signed));
        self.tx_ns.push_option(reply.tx_ns.map(u64::cast_signed));
        self.rx_ns.push(reply.rx_ns.cast_signed());
        self.reply_ttl.push(reply.reply_ttl);
        self.back_hops.push_option(reply.back_hops);
        self.asymmetry.push_option(reply.asymmetry);
        self.quoted_ttl.push_option(reply.quoted_ttl);
        self.quoted_tos.push_option(reply.quoted_tos);
        self.quoted_length.push_option(reply.quoted_length);
        self.icmp_type.push_option(reply.icmp_type);
        self.icmp_code.push_option(reply.icmp_code);
        self.mtu.push_option(reply.mtu.map(u32::cast_signed));
        self.grade.push(reply.grade);
        self.nat.push(reply.nat);
        self.rewritten.push_option(reply.rewritten);
        self.duplicate.push(reply.duplicate);
        self.late.push(reply.late);
        self.stamp.push(reply.stamp.name());
        self.again.push(reply.again);
        match reply.mpls {
            [] => self.mpls.push_none(),
            labels => self
                .mpls
                .push(|text| extensions::labels(&mut Line(text), labels)),
        }
        match reply.interface {
            None => self.interface.push_none(),
            Some(interfaces) => self
                .interface
                .push(|text| extensions::interfaces(&mut Line(text), interfaces)),
        }
    }
}
