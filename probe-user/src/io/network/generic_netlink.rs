//! Generic netlink: the families `netdev` and `ethtool` tell what the drivers of
//! network devices can do (linux/genetlink.h).

use std::{io, time::Duration};

use futures_util::StreamExt;
use rtnetlink::{
    packet_core::{
        DecodeError, DefaultNla, Emitable, NLA_F_NESTED, NLM_F_REQUEST, NetlinkDeserializable,
        NetlinkHeader, NetlinkMessage, NetlinkPayload, NetlinkSerializable, Nla, NlasIterator,
        Parseable,
    },
    proto::{ConnectionHandle, new_connection},
    sys::{SocketAddr, protocols::NETLINK_GENERIC},
};

/// Length of struct genlmsghdr.
const HEADER_OCTETS: usize = 4;
/// GENL_ID_CTRL, CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME.
const CONTROLLER: u16 = 0x10;
const GET_FAMILY: u8 = 3;
const FAMILY_ID: u16 = 1;
const FAMILY_NAME: u16 = 2;
/// The kernel answers at once: after this long an answer was lost.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Attributes of an answer.
#[derive(Clone, Debug)]
pub(super) struct Attributes(Vec<DefaultNla>);

/// A conversation with one generic netlink family.
#[derive(Debug)]
pub(super) struct Family {
    handle: ConnectionHandle<Message>,
    id: u16,
}

impl Family {
    /// Finds the family `name`; an error where the kernel has no such.
    pub(super) async fn open(name: &str) -> io::Result<Self> {
        let (connection, handle, _) = new_connection::<Message>(NETLINK_GENERIC)?;
        tokio::spawn(connection);
        let controller = Self {
            handle,
            id: CONTROLLER,
        };
        let mut terminated = name.as_bytes().to_vec();
        terminated.push(0);
        let question = vec![DefaultNla::new(FAMILY_NAME, terminated)];
        let answer = controller.ask(GET_FAMILY, question).await?;
        let id = answer.get(FAMILY_ID).and_then(|id| id.try_into().ok());
        let id = id.ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self {
            handle: controller.handle,
            id: u16::from_ne_bytes(id),
        })
    }

    /// Sends `command` and returns the attributes of the one answer.
    pub(super) async fn ask(
        &self,
        command: u8,
        attributes: Vec<DefaultNla>,
    ) -> io::Result<Attributes> {
        let question = Message {
            family: self.id,
            command,
            attributes,
        };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST;
        let message = NetlinkMessage::new(header, NetlinkPayload::InnerMessage(question));
        let answers = self.handle.request(message, SocketAddr::new(0, 0));
        let mut answers = answers.map_err(io::Error::other)?;
        let answer = tokio::time::timeout(ANSWER_TIMEOUT, answers.next()).await?;
        match answer.map(|answer| answer.payload) {
            Some(NetlinkPayload::InnerMessage(message)) => Ok(Attributes(message.attributes)),
            Some(NetlinkPayload::Error(error)) => Err(error.to_io()),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

impl Attributes {
    /// The value of the first attribute of this type.
    pub(super) fn get(&self, kind: u16) -> Option<Vec<u8>> {
        let is_wanted = |attribute: &&DefaultNla| attribute.kind() & !NLA_F_NESTED == kind;
        self.0.iter().find(is_wanted).map(value)
    }

    /// The attributes in the first attribute of this type.
    pub(super) fn nested(&self, kind: u16) -> Option<Self> {
        Self::read(&self.get(kind)?).ok()
    }

    /// The attributes in each attribute.
    pub(super) fn each_nested(&self) -> impl Iterator<Item = Self> {
        self.0.iter().filter_map(|a| Self::read(&value(a)).ok())
    }

    fn read(octets: &[u8]) -> Result<Self, DecodeError> {
        let attributes = NlasIterator::new(octets).map(|a| DefaultNla::parse(&a?));
        Ok(Self(attributes.collect::<Result<_, _>>()?))
    }
}

/// An attribute of a family's question that holds others.
pub(super) fn nest(kind: u16, inner: &[DefaultNla]) -> DefaultNla {
    let mut octets = vec![0; inner.buffer_len()];
    inner.emit(&mut octets);
    DefaultNla::new(NLA_F_NESTED | kind, octets)
}

fn value(attribute: &DefaultNla) -> Vec<u8> {
    let mut octets = vec![0; attribute.value_len()];
    attribute.emit_value(&mut octets);
    octets
}

#[derive(Clone, Debug)]
struct Message {
    family: u16,
    command: u8,
    attributes: Vec<DefaultNla>,
}

impl NetlinkSerializable for Message {
    fn message_type(&self) -> u16 {
        self.family
    }

    fn buffer_len(&self) -> usize {
        HEADER_OCTETS + self.attributes.as_slice().buffer_len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        let (header, attributes) = buffer.split_at_mut(HEADER_OCTETS);
        header.copy_from_slice(&[self.command, 1, 0, 0]);
        self.attributes.as_slice().emit(attributes);
    }
}

impl NetlinkDeserializable for Message {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let truncated = || DecodeError::from("a generic netlink header is truncated".to_owned());
        let command = *payload.first().ok_or_else(truncated)?;
        let attributes = payload.get(HEADER_OCTETS..).ok_or_else(truncated)?;
        Ok(Self {
            family: header.message_type,
            command,
            attributes: Attributes::read(attributes)?.0,
        })
    }
}
