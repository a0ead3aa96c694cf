//! Where programs are attached: to the devices that probes leave by, and to those that
//! replies may come in by.

use std::collections::BTreeSet;

use crate::{
    engine::plan::RxMode,
    error::{Error, Result},
    io::{
        bpf::{Attachment, Kernel},
        network::{Change, Network},
    },
};

/// Most devices that are attached to though no probe leaves by them.
const MOST_OTHERS: usize = 64;

/// Attaches to the lowest devices under the interfaces that are used, and to those that
/// hold an address of this host: routes need not be symmetric, and a reply may come in
/// by another interface than the one that sent.
pub(super) async fn attach(
    rx: RxMode,
    network: &Network,
    used: BTreeSet<u32>,
    kernel: &mut Kernel,
    attached: &mut Vec<Attachment>,
) -> Result<()> {
    let mut leaves = false;
    for ifindex in used {
        let lowest = network
            .attach_points(ifindex)
            .await
            .map_err(|error| Error::Environment(error.to_string()))?;
        for interface in lowest {
            leaves |= !interface.loopback;
            match attached.iter_mut().find(|a| a.ifindex == interface.index) {
                Some(known) if known.sends => {}
                Some(known) => *known = kernel.attach(&interface, rx)?,
                None => attached.push(kernel.attach(&interface, rx)?),
            }
        }
    }
    // What stays within this host comes back by the loopback.
    if leaves {
        attach_others(network, kernel, attached).await;
    }
    Ok(())
}

/// The interface that a change takes away, if probes have left by it, and a line that says
/// so.
pub(super) fn lost(attached: &[Attachment], change: &Change) -> Option<(u32, String)> {
    let (ifindex, how) = match *change {
        Change::LinkDown { ifindex } => (ifindex, "went down"),
        Change::LinkGone { ifindex } => (ifindex, "is gone"),
        Change::Neighbour { .. } | Change::RoutesChanged => return None,
    };
    let mut sending = attached.iter().filter(|a| a.sends);
    let name = &sending.find(|a| a.ifindex == ifindex)?.name;
    let line = format!("interface {name} {how}; what was measured until then is written");
    Some((ifindex, line))
}

/// No probe leaves by these devices, and they may have much else to do: they are read at
/// TCX ingress, which disturbs nothing. One that takes no program is passed over.
async fn attach_others(network: &Network, kernel: &mut Kernel, attached: &mut Vec<Attachment>) {
    let others = network.addressed_interfaces().await.unwrap_or_default();
    for other in others {
        let lowest = network.attach_points(other.index).await.unwrap_or_default();
        for interface in lowest {
            let count = attached.iter().filter(|a| !a.sends).count();
            if count >= MOST_OTHERS || attached.iter().any(|a| a.ifindex == interface.index) {
                continue;
            }
            if let Ok(attachment) = kernel.listen(&interface) {
                attached.push(attachment);
            }
        }
    }
}
