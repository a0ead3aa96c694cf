//! Arguments and files to targets.

use std::{io::Write as _, net::IpAddr, path::PathBuf};

use clap::Parser;
use proptest::prelude::*;

use super::*;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    scope: ScopeArgs,
}

fn args(text: &str) -> ScopeArgs {
    let words = std::iter::once("sweep").chain(text.split_whitespace());
    Command::try_parse_from(words).expect(text).scope
}

fn file(content: &[u8]) -> (tempfile::TempPath, PathBuf) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(content).expect("written");
    let path = file.into_temp_path();
    let name = path.to_path_buf();
    (path, name)
}

fn listed(targets: &TargetSet) -> String {
    let address = |address: probe_common::Address| IpAddr::from(address.octets()).to_canonical();
    targets
        .intervals()
        .map(|(first, last)| match (address(first), address(last)) {
            (first, last) if first == last => format!("{first} "),
            (first, last) => format!("{first}-{last} "),
        })
        .collect()
}

fn from_arguments(text: &str) -> std::result::Result<Scope, String> {
    load(&args(text), 1).map_err(|error| error.to_string())
}

fn targets(text: &str) -> String {
    from_arguments(text).map_or_else(|error| error, |scope| listed(&scope.targets))
}

fn from_file(content: &[u8]) -> std::result::Result<String, String> {
    let (_guard, path) = file(content);
    let args = ScopeArgs {
        file: Some(path.clone()),
        allow_private: true,
        ..ScopeArgs::default()
    };
    match load(&args, 1) {
        Ok(scope) => Ok(listed(&scope.targets)),
        Err(error) => Err(error
            .to_string()
            .replace(&path.display().to_string(), "FILE")),
    }
}

#[test]
fn arguments_and_file_are_joined_and_repetitions_counted() {
    let (_guard, path) = file(b"1.0.0.9\n1.0.0.7\n2600::/127\n");
    let text = format!(
        "1.0.0.0/29 1.0.0.4-1.0.0.8 2600::1 --targets {}",
        path.display()
    );
    let scope = from_arguments(&text).expect("targets");
    assert_eq!(listed(&scope.targets), "1.0.0.0-1.0.0.9 2600::-2600::1 ");
    assert_eq!(scope.duplicates, 4 + 1 + 1);
    assert!(scope.public);
    assert_eq!(
        (scope.excluded, scope.special, scope.other_family),
        (0, 0, 0)
    );
}

#[test]
fn a_file_is_read_past_comments_blanks_and_the_ways_of_editors() {
    let text = b"\xef\xbb\xbf10.0.0.1\r\n\r\n# c\n \t10.0.0.3 \t# why\n10.0.0.5-6\r\n10.0.0.8";
    assert_eq!(
        from_file(text).as_deref(),
        Ok("10.0.0.1 10.0.0.3 10.0.0.5-10.0.0.6 10.0.0.8 ")
    );
}

#[test]
fn a_bad_line_is_named_wherever_it_stands() {
    let nothing = "nothing left to probe: the list of targets has no entries";
    assert_eq!(from_file(b"# only a comment\n"), Err(nothing.to_owned()));
    // As many lines as several reads, so that some lie across two.
    let many = "10.1.2.3\n10.100.200.255\n2001:db8::1\n".repeat(50_000);
    let long = |length| [b"#".as_slice(), &vec![b'x'; length], b"\n"].concat();
    for (bad, says) in [
        (b"example.org\n".to_vec(), "\"example.org\" is a name"),
        (
            b"300.1.2.3".to_vec(),
            "\"300.1.2.3\" is not an IPv4 address",
        ),
        (
            b"10.0.0.0/33\n".to_vec(),
            "\"10.0.0.0/33\" is not a network",
        ),
        (
            b"b\xfccher\n".to_vec(),
            "not UTF-8 text: save the file as UTF-8",
        ),
        (b"\x1b[2J\n".to_vec(), "\"\\u{1b}[2J\" is neither"),
        (vec![b'9'; 300], &format!("\"{}\"… is", "9".repeat(80))),
        (long(4096), "longer than 4 KiB"),
        (vec![b'x'; 10_000_000], "longer than 4 KiB"),
    ] {
        let content = [many.as_bytes(), &bad].concat();
        let message = from_file(&content).expect_err(says);
        assert!(
            message.starts_with(&format!("FILE:150001: {says}")),
            "{message}"
        );
        let message = from_file(&bad).expect_err(says);
        assert!(message.starts_with(&format!("FILE:1: {says}")), "{message}");
    }
    let content = [many.as_bytes(), &long(4095)].concat();
    assert_eq!(
        from_file(&content).as_deref(),
        Ok("10.1.2.3 10.100.200.255 2001:db8::1 ")
    );
    let utf16 = b"\xff\xfe1\0.\x001\0\n\0";
    assert!(from_file(utf16).is_err_and(|error| error.starts_with("FILE:1: not UTF-8")));
}

#[test]
fn special_networks_are_left_out_and_private_ones_asked_for() {
    let scope = from_arguments("9.255.255.255-10.0.0.9 --allow-private").expect("targets");
    assert_eq!(scope.targets.len(), 11);
    let scope = from_arguments("9.255.255.255-10.0.0.9").expect("targets");
    assert_eq!(
        (scope.targets.len(), scope.special, scope.public),
        (1, 10, true)
    );
    let scope = from_arguments("10.0.0.0/8 --allow-private").expect("targets");
    assert!(!scope.public);
    let refused = targets("10.0.0.0/30");
    let says = "nothing left to probe: of the addresses given, the list of special-purpose \
                networks 4 (--allow-private keeps those of private networks)";
    assert_eq!(refused, says);
    for never in [
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::",
        "ff02::1",
        "127.0.0.0/30",
    ] {
        let refused = targets(&format!("{never} --allow-private"));
        assert!(refused.starts_with("nothing left to probe"), "{refused}");
    }
    assert!(targets("127.0.0.1").starts_with("nothing left to probe"));
    assert_eq!(targets("127.0.0.1 ::1 --allow-private"), "127.0.0.1 ::1 ");
    assert_eq!(
        targets("127.0.0.1 127.0.0.0/24 --allow-private"),
        "127.0.0.1 "
    );
}

#[test]
fn what_is_excluded_beats_the_targets() {
    let (_guard, path) = file(b"1.0.0.4/30 # theirs\n2600::\n9.9.9.9\n");
    for option in ["--exclude", "--blocklist"] {
        let text = format!("1.0.0.5 1.0.0.8 2600::-1 {option} {}", path.display());
        let scope = from_arguments(&text).expect("targets");
        assert_eq!(listed(&scope.targets), "1.0.0.8 2600::1 ");
        assert_eq!(scope.excluded, 2);
    }
    let text = format!(
        "1.0.0.4 10.0.0.1 ::1 2600::1 -4 --exclude {}",
        path.display()
    );
    let says = "nothing left to probe: of the addresses given, --exclude takes out 1, \
                the list of special-purpose networks 1 \
                (--allow-private keeps those of private networks), -4 2";
    assert_eq!(targets(&text), says);
}

#[test]
fn half_the_internet_is_swept_only_with_a_list_of_whom_to_spare() {
    for text in [
        "0.0.0.0/0",
        "0.0.0.0/1 128.0.0.0/16",
        "0.0.0.0/0 --per-prefix 1",
        "::/0",
        "::/0 --per-prefix 1",
        "2600::/32 2a00::/12 --per-prefix 1",
        "2600::-2600::ffff:0",
    ] {
        let refused = targets(text);
        assert!(
            refused.ends_with("give --exclude FILE"),
            "{text}: {refused}"
        );
    }
    let (_guard, path) = file(b"128.0.0.0/2\n");
    let text = format!("0.0.0.0/0 --exclude {}", path.display());
    let scope = from_arguments(&text).expect("targets");
    assert_eq!(scope.excluded, 1 << 30);
    assert!(scope.special > 1 << 29);
    assert_eq!(
        u64::from(scope.targets.len()) + scope.excluded + scope.special,
        1 << 32
    );
    assert!(targets("2600::/64").contains("--per-prefix"));
    assert!(from_arguments("2600::/48 --per-prefix 1").is_ok_and(|s| s.targets.len() == 1 << 16));
}

#[test]
fn a_few_addresses_of_each_prefix_are_the_same_for_one_seed() {
    let seeded = |seed| {
        let scope = load(&args("1.0.0.0/16 2600::/60 --per-prefix 3"), seed).expect("targets");
        assert_eq!(scope.targets.len(), 3 * (256 + 16));
        scope.targets.digest()
    };
    assert_eq!(seeded(1), seeded(1));
    assert_ne!(seeded(1), seeded(2));
}

#[test]
fn one_ip_version_alone_can_be_asked_for() {
    let scope = from_arguments("1.1.1.1 2600::/126 -4").expect("targets");
    assert_eq!(
        (listed(&scope.targets).as_str(), scope.other_family),
        ("1.1.1.1 ", 4)
    );
    let scope = from_arguments("1.1.1.1 2600::1 ::ffff:1.1.1.1 -6").expect("targets");
    assert_eq!(
        (listed(&scope.targets).as_str(), scope.other_family),
        ("2600::1 ", 2)
    );
}

#[test]
fn arguments_are_refused_with_what_to_do() {
    for (text, says) in [
        (
            "example.org",
            "\"example.org\" is a name, and a sweep takes addresses",
        ),
        ("10.0.0.0/33", "\"10.0.0.0/33\" is not a network"),
        ("", "nothing left to probe: give a TARGET or --targets FILE"),
        (
            "--targets - --exclude -",
            "--targets and --exclude cannot both be standard input",
        ),
    ] {
        let message = from_arguments(text).expect_err(text);
        assert!(message.starts_with(says), "{message}");
    }
}

proptest! {
    #[test]
    fn a_file_is_the_sum_of_its_lines(
        numbers in prop::collection::vec(any::<u32>(), 1..50),
        ends in prop::collection::vec(prop::sample::select(vec!["\n", "\r\n", " #\n", "\n\n"]), 50),
    ) {
        let mut builder = RangeSetBuilder::default();
        let mut text = String::new();
        for (number, end) in numbers.iter().zip(ends) {
            // Within a network that nothing is taken out of.
            let number = 0x0a00_0000 | (number >> 8);
            builder.add_v4(number, number);
            text += &std::net::Ipv4Addr::from(number).to_string();
            text += end;
        }
        let expected = TargetSet::new(builder.finish()).expect("few");
        prop_assert_eq!(from_file(text.as_bytes()), Ok(listed(&expected)));
    }
}
