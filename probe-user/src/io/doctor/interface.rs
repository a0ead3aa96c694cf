//! What each device can do for probes, and who else uses it.

use aya::programs::{ProgramInfo, SchedClassifier, loaded_programs, tc::TcAttachType};

use super::Check;
use crate::io::network::{
    Interface, Network, XdpMode,
    driver::{self, Drivers},
};

/// Moderation above this blurs stamps more than anything else does.
const MODERATION_US: u32 = 20;

pub(super) async fn checks(name: Option<&str>) -> Vec<Check> {
    let interfaces = match chosen(name).await {
        Ok(interfaces) => interfaces,
        Err(error) => return vec![Check::error(name.unwrap_or("interfaces"), &error)],
    };
    let drivers = Drivers::open().await;
    let mut checks = Vec::new();
    for interface in &interfaces {
        checks.push(device(interface));
        checks.push(xdp(interface, drivers.native_xdp(interface.index).await));
        checks.push(tcx(interface));
        checks.extend(moderation(interface, &drivers).await);
        checks.extend(merging(interface, &drivers).await);
    }
    checks
}

async fn chosen(name: Option<&str>) -> Result<Vec<Interface>, String> {
    let network = Network::open().map_err(|error| error.to_string())?;
    if let Some(name) = name {
        let interface = network.interface_named(name).await;
        let interface = interface.map_err(|error| error.to_string())?;
        return Ok(vec![(*interface).clone()]);
    }
    let mut all = network.interfaces().await.map_err(|e| e.to_string())?;
    all.retain(|interface| interface.up);
    match all.is_empty() {
        true => Err("no interface is up; bring one up with `ip link set NAME up`".to_owned()),
        false => Ok(all),
    }
}

fn device(interface: &Interface) -> Check {
    let name = &interface.name;
    let driver = driver::name(interface).unwrap_or_else(|| "unknown driver".to_owned());
    let kind = match (interface.loopback, interface.ethernet) {
        (true, _) => "loopback".to_owned(),
        (_, true) => driver,
        (_, false) => format!("{driver} (no Ethernet header)"),
    };
    let finding = format!("{kind}, MTU {}", interface.mtu);
    if !interface.up {
        let remedy = format!("ip link set {name} up");
        return Check::failure(name, format!("{finding}, down"), remedy);
    }
    if !interface.carrier {
        let remedy = "connect it, or bring its other end up";
        return Check::warning(name, format!("{finding}, no carrier"), remedy);
    }
    Check::ok(name, finding)
}

fn xdp(interface: &Interface, native: Option<bool>) -> Check {
    let name = format!("{}: XDP", interface.name);
    if let Some(program) = interface.xdp.first() {
        let mode = match program.mode {
            XdpMode::Native => "native",
            XdpMode::Generic => "generic",
            XdpMode::Offloaded => "offloaded",
        };
        let finding = format!("taken by program {} ({mode})", program_name(program.id));
        let remedy = format!(
            "none needed, --rx auto takes TCX; if it is a leftover: ip link set {} xdp off",
            interface.name
        );
        return Check::warning(name, finding, remedy);
    }
    match native {
        Some(true) => Check::ok(name, "native"),
        Some(false) if interface.loopback => Check::ok(name, "generic only; TCX is used"),
        Some(false) => Check::warning(
            name,
            "the driver has none; TCX is used",
            "none needed; for the highest rates use a device with native XDP",
        ),
        None => Check::warning(
            name,
            "the kernel does not tell whether the driver has it",
            "none needed; --rx xdp-native tries it",
        ),
    }
}

fn tcx(interface: &Interface) -> Check {
    let name = format!("{}: TCX", interface.name);
    let mut others = Vec::new();
    for (direction, side) in [
        (TcAttachType::Ingress, "ingress"),
        (TcAttachType::Egress, "egress"),
    ] {
        match SchedClassifier::query_tcx(&interface.name, direction) {
            Ok((_, programs)) => {
                let described = programs.iter().map(describe);
                others.extend(described.map(|program| format!("{side} {program}")));
            }
            Err(error) => {
                return Check::warning(
                    name,
                    format!("cannot list the programs attached: {}", cause(&error)),
                    "run probe doctor as root (CAP_SYS_ADMIN)",
                );
            }
        }
    }
    match others.is_empty() {
        true => Check::ok(name, "no other programs"),
        false => Check::ok(name, format!("beside {}", others.join(", "))),
    }
}

async fn moderation(interface: &Interface, drivers: &Drivers) -> Option<Check> {
    let microseconds = drivers.moderation_us(interface.index).await?;
    let name = format!("{}: interrupts", interface.name);
    let finding = format!("held back for up to {microseconds} µs");
    if microseconds <= MODERATION_US {
        return Some(Check::ok(name, finding));
    }
    Some(Check::warning(
        name,
        format!("{finding}: receive stamps are that late"),
        format!(
            "ethtool -C {} adaptive-rx off rx-usecs 0 (more interrupts)",
            interface.name
        ),
    ))
}

async fn merging(interface: &Interface, drivers: &Drivers) -> Option<Check> {
    let lro = drivers.has_feature(interface.index, "rx-lro").await?;
    lro.then(|| {
        Check::warning(
            format!("{}: LRO", interface.name),
            "on: drivers refuse native XDP beside it, or turn it off",
            format!("ethtool -K {} lro off", interface.name),
        )
    })
}

/// The last in a chain of errors: the kernel's own word.
fn cause(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), cause)
}

fn program_name(id: u32) -> String {
    let mut programs = loaded_programs().filter_map(Result::ok);
    let found = programs.find(|program| program.id() == id);
    found.map_or_else(|| id.to_string(), |program| describe(&program))
}

fn describe(program: &ProgramInfo) -> String {
    match program.name_as_str() {
        Some(name) if !name.is_empty() => format!("{} {name}", program.id()),
        _ => program.id().to_string(),
    }
}
