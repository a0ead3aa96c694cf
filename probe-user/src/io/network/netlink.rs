//! Questions to the kernel: one with one answer, or all that it has of a kind.

use std::{io, time::Duration};

use futures_util::StreamExt;
use rtnetlink::{
    Handle,
    packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload},
    packet_route::RouteNetlinkMessage,
};

/// The kernel answers at once: after this long an answer was lost or unreadable.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends `question` with `flags` beside NLM_F_REQUEST. Returns the answer, `None`
/// for a bare acknowledgement (NLM_F_ACK), or the kernel's errno.
pub(super) async fn ask(
    handle: &Handle,
    question: RouteNetlinkMessage,
    flags: u16,
) -> io::Result<Option<RouteNetlinkMessage>> {
    let mut message = NetlinkMessage::from(question);
    message.header.flags = NLM_F_REQUEST | flags;
    let mut answers = handle.clone().request(message).map_err(io::Error::other)?;
    let Some(answer) = tokio::time::timeout(ANSWER_TIMEOUT, answers.next()).await? else {
        return Ok(None);
    };
    match answer.payload {
        NetlinkPayload::InnerMessage(inner) => Ok(Some(inner)),
        NetlinkPayload::Error(error) if error.code.is_some() => Err(error.to_io()),
        _ => Ok(None),
    }
}

/// Asks for all there is (NLM_F_DUMP), and hands it to `take` one by one. What
/// changes meanwhile may be missed or come twice.
pub(super) async fn ask_for_all(
    handle: &Handle,
    question: RouteNetlinkMessage,
    mut take: impl FnMut(RouteNetlinkMessage),
) -> io::Result<()> {
    let mut message = NetlinkMessage::from(question);
    message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let mut answers = handle.clone().request(message).map_err(io::Error::other)?;
    while let Some(answer) = tokio::time::timeout(ANSWER_TIMEOUT, answers.next()).await? {
        match answer.payload {
            NetlinkPayload::InnerMessage(inner) => take(inner),
            NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
            _ => {}
        }
    }
    Ok(())
}
