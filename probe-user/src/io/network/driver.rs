//! What a device's driver can do and does, from the kernel's `netdev` and
//! `ethtool` families.

use std::{fs, io};

use rtnetlink::packet_core::DefaultNla;

use super::{
    Interface, Network,
    generic_netlink::{Family, nest},
};

/// NETDEV_CMD_DEV_GET, NETDEV_A_DEV_IFINDEX, NETDEV_A_DEV_XDP_FEATURES and
/// NETDEV_XDP_ACT_BASIC and NETDEV_XDP_ACT_NDO_XMIT (linux/netdev.h).
const DEVICE_GET: u8 = 1;
const DEVICE_IFINDEX: u16 = 1;
const DEVICE_XDP_FEATURES: u16 = 3;
const XDP_BASIC: u64 = 1;
const XDP_TRANSMIT: u64 = 4;

/// ETHTOOL_A_HEADER_DEV_INDEX, and the header's place in all requests
/// (linux/ethtool_netlink.h).
const HEADER: u16 = 1;
const HEADER_IFINDEX: u16 = 1;
/// ETHTOOL_MSG_LINKMODES_GET, ETHTOOL_A_LINKMODES_SPEED, SPEED_UNKNOWN.
const LINK_MODES_GET: u8 = 4;
const LINK_MODES_SPEED: u16 = 5;
const SPEED_UNKNOWN: u32 = u32::MAX;
/// ETHTOOL_MSG_CHANNELS_GET, ETHTOOL_A_CHANNELS_TX_COUNT and _COMBINED_COUNT.
const CHANNELS_GET: u8 = 17;
const CHANNELS_TX: u16 = 7;
const CHANNELS_COMBINED: u16 = 9;
/// ETHTOOL_MSG_COALESCE_GET, ETHTOOL_A_COALESCE_RX_USECS.
const COALESCE_GET: u8 = 19;
const COALESCE_RX_MICROSECONDS: u16 = 2;
/// ETHTOOL_MSG_FEATURES_GET, ETHTOOL_A_FEATURES_ACTIVE, ETHTOOL_A_BITSET_BITS,
/// ETHTOOL_A_BITSET_BIT_NAME.
const FEATURES_GET: u8 = 11;
const FEATURES_ACTIVE: u16 = 4;
const BITSET_BITS: u16 = 3;
const BIT_NAME: u16 = 2;

/// The families that tell of drivers; absent where the kernel lacks them.
#[derive(Debug)]
pub(in crate::io) struct Drivers {
    netdev: io::Result<Family>,
    ethtool: io::Result<Family>,
}

impl Drivers {
    pub(in crate::io) async fn open() -> Self {
        Self {
            netdev: Family::open("netdev").await,
            ethtool: Family::open("ethtool").await,
        }
    }

    /// Whether the driver runs XDP programs; `None` if the kernel does not tell.
    pub(in crate::io) async fn native_xdp(&self, ifindex: u32) -> Option<bool> {
        Some(self.xdp_features(ifindex).await? & XDP_BASIC != 0)
    }

    /// Whether the driver sends frames that an XDP program redirects to it, as it is
    /// now: many do only while they have a program themselves. `None` if the kernel
    /// does not tell.
    pub(super) async fn transmits_xdp(&self, ifindex: u32) -> Option<bool> {
        Some(self.xdp_features(ifindex).await? & XDP_TRANSMIT != 0)
    }

    async fn xdp_features(&self, ifindex: u32) -> Option<u64> {
        let netdev = self.netdev.as_ref().ok()?;
        let device = DefaultNla::new(DEVICE_IFINDEX, ifindex.to_ne_bytes().into());
        let answer = netdev.ask(DEVICE_GET, vec![device]).await.ok()?;
        let features = answer.get(DEVICE_XDP_FEATURES)?.try_into().ok()?;
        Some(u64::from_ne_bytes(features))
    }

    /// Speed of the link, bits a second; `None` if the kernel does not tell.
    pub(super) async fn link_speed(&self, ifindex: u32) -> Option<u64> {
        let ethtool = self.ethtool.as_ref().ok()?;
        let answer = ethtool
            .ask(LINK_MODES_GET, vec![header(ifindex)])
            .await
            .ok()?;
        let megabits = u32::from_ne_bytes(answer.get(LINK_MODES_SPEED)?.try_into().ok()?);
        (megabits != 0 && megabits != SPEED_UNKNOWN).then(|| u64::from(megabits) * 1_000_000)
    }

    /// Queues that the device sends by; `None` if the driver does not tell.
    async fn send_queues(&self, ifindex: u32) -> Option<u32> {
        let ethtool = self.ethtool.as_ref().ok()?;
        let answer = ethtool
            .ask(CHANNELS_GET, vec![header(ifindex)])
            .await
            .ok()?;
        let count = |kind| Some(u32::from_ne_bytes(answer.get(kind)?.try_into().ok()?));
        let counts = [count(CHANNELS_TX), count(CHANNELS_COMBINED)];
        counts.into_iter().flatten().reduce(u32::saturating_add)
    }

    /// How long the device may hold back its interrupt for a packet, in
    /// microseconds; `None` if it does not moderate interrupts.
    pub(in crate::io) async fn moderation_us(&self, ifindex: u32) -> Option<u32> {
        let ethtool = self.ethtool.as_ref().ok()?;
        let answer = ethtool
            .ask(COALESCE_GET, vec![header(ifindex)])
            .await
            .ok()?;
        let microseconds = answer.get(COALESCE_RX_MICROSECONDS)?.try_into().ok()?;
        Some(u32::from_ne_bytes(microseconds))
    }

    /// Whether a feature of the device is on (`ethtool -k` calls it by the same
    /// name); `None` if the kernel does not tell.
    pub(in crate::io) async fn has_feature(&self, ifindex: u32, feature: &str) -> Option<bool> {
        let ethtool = self.ethtool.as_ref().ok()?;
        let answer = ethtool
            .ask(FEATURES_GET, vec![header(ifindex)])
            .await
            .ok()?;
        let active = answer.nested(FEATURES_ACTIVE)?.nested(BITSET_BITS)?;
        let mut names = active.each_nested().filter_map(|bit| bit.get(BIT_NAME));
        Some(names.any(|name| name.strip_suffix(b"\0") == Some(feature.as_bytes())))
    }
}

impl Network {
    /// Whether the driver sends frames that an XDP program redirects to it; `None` if
    /// the kernel does not tell.
    pub async fn transmits_xdp(&self, ifindex: u32) -> Option<bool> {
        Drivers::open().await.transmits_xdp(ifindex).await
    }

    /// Queues that the device sends by; `None` if the driver does not tell.
    pub async fn send_queues(&self, ifindex: u32) -> Option<u32> {
        Drivers::open().await.send_queues(ifindex).await
    }

    /// Speed of the link, bits a second; `None` if the kernel does not tell.
    pub async fn link_speed(&self, ifindex: u32) -> Option<u64> {
        Drivers::open().await.link_speed(ifindex).await
    }
}

/// Name of the driver: the kind of a software device, else from sysfs, if that is
/// of this network namespace.
pub(in crate::io) fn name(interface: &Interface) -> Option<String> {
    if interface.kind.is_some() {
        return interface.kind.clone();
    }
    let folder = format!("/sys/class/net/{}", interface.name);
    let index = fs::read_to_string(format!("{folder}/ifindex")).ok()?;
    if index.trim() != interface.index.to_string() {
        return None;
    }
    let driver = fs::read_link(format!("{folder}/device/driver")).ok()?;
    Some(driver.file_name()?.to_string_lossy().into_owned())
}

fn header(ifindex: u32) -> DefaultNla {
    let index = DefaultNla::new(HEADER_IFINDEX, ifindex.to_ne_bytes().into());
    nest(HEADER, &[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Index of the loopback device in every namespace.
    const LOOPBACK: u32 = 1;

    #[tokio::test]
    async fn what_the_kernel_says_of_the_loopback_is_understood() {
        let drivers = Drivers::open().await;
        assert_eq!(drivers.native_xdp(LOOPBACK).await, Some(false));
        assert_eq!(drivers.moderation_us(LOOPBACK).await, None);
        assert_eq!(drivers.send_queues(LOOPBACK).await, None);
        assert_eq!(drivers.has_feature(LOOPBACK, "loopback").await, Some(true));
        assert_eq!(drivers.has_feature(LOOPBACK, "rx-lro").await, Some(false));
        assert_eq!(drivers.native_xdp(u32::MAX).await, None);
    }
}
