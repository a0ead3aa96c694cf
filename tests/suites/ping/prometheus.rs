//! Figures for Prometheus while a ping goes on.

use std::{
    io::{Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream},
    process::Stdio,
    thread,
    time::Duration,
};

use nix::sys::signal::Signal;
use probe_tests::{
    lab::{Family, Lab, Namespace},
    probe::Probe,
};

/// What the probe shows its figures at, and Prometheus.
const PROBE: u16 = 9_101;
const PROMETHEUS: u16 = 9_090;

fn loopback(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::from(Ipv4Addr::LOCALHOST),
        Family::V6 => IpAddr::from(Ipv6Addr::LOCALHOST),
    }
}

/// A socket that listens at the loopback of the namespace.
fn listener(namespace: &Namespace, family: Family) -> TcpListener {
    let bound = namespace.enter(|| Ok(TcpListener::bind((loopback(family), 0))?));
    bound.unwrap()
}

/// An address of a network where only the test is: nothing else listens, and no port that
/// connections are given is that low.
fn address(family: Family, port: u16) -> SocketAddr {
    SocketAddr::new(loopback(family), port)
}

/// What is answered to a request, head and page.
fn request(namespace: &Namespace, address: SocketAddr, line: &str) -> (String, String) {
    let answer = namespace.enter(|| {
        let mut stream = TcpStream::connect(address)?;
        write!(
            stream,
            "{line} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    let answer = answer.unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), page.to_owned())
}

/// The value of a series, named with its labels.
fn value(page: &str, series: &str) -> f64 {
    let mut lines = page.lines().filter_map(|line| line.rsplit_once(' '));
    let found = lines.find(|(name, _)| *name == series);
    found
        .unwrap_or_else(|| panic!("no {series} in\n{page}"))
        .1
        .parse()
        .unwrap()
}

/// Fails if Prometheus's own checker finds fault.
fn check(namespace: &Namespace, page: &str) {
    let mut promtool = namespace.command("promtool");
    let mut child = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{page}");
}

#[test]
fn groups_of_the_target_file_are_added_up_and_promtool_finds_no_fault() {
    let lab = Lab::chain(2).build().unwrap();
    for family in Family::ALL {
        assert_added_up(&lab, family);
    }
}

fn assert_added_up(lab: &Lab, family: Family) {
    let nodes = ["r1", "r2", "target"].map(|node| lab.address(family, node).unwrap());
    let [near, middle, far] = nodes;
    let list = format!("{near} group=routers\n{middle}\tgroup=routers # the second\n{far}\n");
    let address = address(family, PROBE);
    let at = address.to_string();
    let arguments = ["--targets", "-", "--interval", "20ms", "--prometheus", &at];
    let probe = Probe::ping(lab.vantage()).args(arguments).input(&list);
    let running = probe.args(["--report-interval", "100ms"]);
    let mut running = running.start().unwrap();
    running.wait_for_lines(12).unwrap();
    let (head, page) = request(lab.vantage(), address, "GET /metrics");
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.to_lowercase().contains("text/plain; version=0.0.4"),
        "{head}"
    );
    check(lab.vantage(), &page);
    let of =
        |group: &str, what: &str| value(&page, &format!("probe_ping_{what}{{group=\"{group}\"}}"));
    let (routers, other) = (of("routers", "received_total"), of("", "received_total"));
    assert!(
        other >= 10.0 && (routers - 2.0 * other).abs() <= 4.0,
        "{routers} {other}"
    );
    let counted: f64 = page
        .lines()
        .filter(|line| line.starts_with("probe_ping_rtt_seconds_count{group=\"routers\""))
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum();
    assert_eq!(counted, routers);
    let (head, _) = request(lab.vantage(), address, "GET /");
    assert!(head.starts_with("HTTP/1.1 404"), "{head}");
    let (head, _) = request(lab.vantage(), address, "POST /metrics");
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
    // Counters go on.
    let series = "probe_ping_sent_total{group=\"routers\"}";
    let has_gone_on = || {
        thread::sleep(Duration::from_millis(100));
        let (_, later) = request(lab.vantage(), address, "GET /metrics");
        value(&later, series) > value(&page, series)
    };
    assert!((0..100).any(|_| has_gone_on()));
    running.signal(Signal::SIGINT).unwrap();
    assert_eq!(running.wait().unwrap().code, Some(0));
}

#[test]
fn each_target_has_its_series_when_that_is_asked_for() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let address = address(family, PROBE);
        let at = address.to_string();
        let arguments = [
            "--interval",
            "20ms",
            "--prometheus",
            &at,
            "--prometheus-targets",
        ];
        let probe = Probe::ping(lab.vantage())
            .args(arguments)
            .args(["--replies"]);
        let mut running = probe.to(target).start().unwrap();
        running.wait_for_lines(10).unwrap();
        let (_, page) = request(lab.vantage(), address, "GET /metrics");
        check(lab.vantage(), &page);
        let series = format!("probe_ping_received_total{{group=\"\",target=\"{target}\"}}");
        assert!(value(&page, &series) >= 10.0, "{page}");
        running.signal(Signal::SIGINT).unwrap();
        running.wait().unwrap();
    }
}

#[test]
fn prometheus_scrapes_it() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        assert_scraped(&lab, family);
    }
}

/// Debian's Prometheus, asked until it knows.
fn assert_scraped(lab: &Lab, family: Family) {
    let target = lab.address(family, "target").unwrap();
    let (address, server) = (address(family, PROBE), address(family, PROMETHEUS));
    let at = address.to_string();
    let arguments = ["--interval", "20ms", "--prometheus", &at];
    let running = Probe::ping(lab.vantage())
        .args(arguments)
        .to(target)
        .start();
    let running = running.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    let job = format!(
        "{{scrape_configs: [{{job_name: probe, scrape_interval: 200ms, \
         scrape_timeout: 200ms, static_configs: [{{targets: ['{address}']}}]}}]}}"
    );
    std::fs::write(&config, job).unwrap();
    let mut prometheus = lab
        .vantage()
        .command("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().display()))
        .arg(format!("--web.listen-address={server}"))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let query = "GET /api/v1/query?query=probe_ping_rtt_seconds_count";
    let knows = || {
        let answer = lab
            .vantage()
            .enter(|| Ok(TcpStream::connect(server).is_ok()));
        answer.unwrap() && request(lab.vantage(), server, query).1.contains("stamp")
    };
    let known = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(100));
        knows()
    });
    prometheus.kill().unwrap();
    prometheus.wait().unwrap();
    running.signal(Signal::SIGINT).unwrap();
    running.wait().unwrap();
    assert!(known);
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_sent() {
    let lab = Lab::chain(1).build().unwrap();
    for family in Family::ALL {
        let target = lab.address(family, "target").unwrap();
        let listener = listener(lab.vantage(), family);
        let address = listener.local_addr().unwrap().to_string();
        let probe = Probe::ping(lab.vantage()).args(["-c", "1", "--prometheus", &address]);
        let run = probe.to(target).run().unwrap();
        assert_eq!(run.code, Some(2), "{}", run.stderr);
        assert!(run.stderr.contains("check --prometheus"), "{}", run.stderr);
    }
}
