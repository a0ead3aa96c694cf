//! Files of targets, and of those to spare, as the command line takes them.

use std::{cell::RefCell, fs, path::Path};

use tempfile::NamedTempFile;

thread_local! {
    static FILE: RefCell<Option<NamedTempFile>> = const { RefCell::new(None) };
}

/// Reads a list: the first octet says for which command and option.
pub fn lists(input: &[u8]) {
    let Some((first, list)) = input.split_first() else {
        return;
    };
    FILE.with_borrow_mut(|file| {
        let file = match file {
            Some(file) => file,
            None => file.insert(new_file()),
        };
        fs::write(file.path(), list).expect("a list can be written");
        // Any outcome will do but a panic: most lists have mistakes.
        let _ = probe::cli::parse(arguments(first % 4, file.path()));
    });
}

/// In memory, if it can be: a fuzzer writes very many.
fn new_file() -> NamedTempFile {
    let in_memory = NamedTempFile::new_in("/dev/shm").or_else(|_| NamedTempFile::new());
    in_memory.expect("a file can be made")
}

fn arguments(which: u8, path: &Path) -> Vec<String> {
    let line = match which {
        0 => "sweep --dry-run --allow-private --targets",
        1 => "sweep --dry-run --per-prefix 2 10.0.0.0/20 2001:db8::/60 --allow-private --exclude",
        2 => "trace --no-dns --targets",
        _ => "ping --no-dns 192.0.2.1 2001:db8::1 --exclude",
    };
    let words = ["probe"].into_iter().chain(line.split(' '));
    let mut arguments: Vec<String> = words.map(str::to_owned).collect();
    arguments.push(path.display().to_string());
    arguments
}

/// Lines of each form, right and wrong, and what lists are packed in.
pub(super) fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 12] = [
        b"192.0.2.1\n10.0.0.0/8 # a network\n\n10.0.0.1-10.0.0.99\r\n10.0.0.1-99\n",
        b"\xef\xbb\xbf2001:db8::1\n2001:db8::/32\n2001:db8::1-2001:db8::ff\n2001:db8::1-ff\n",
        b"::ffff:192.0.2.7\n::/0\n0.0.0.0/0\n",
        b"example.org\nb\xfccher.example\nmy-host\n",
        b"0.0.0.0-255.255.255.255",
        b"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        b"10.0.0.9-1\n",
        b"127.0.0.1\n::1\nfe80::1%eth0\n[::1]\n192.0.2.1:80\nhttps://example.org/\n",
        b"224.0.0.1\n255.255.255.255\nff02::1\n",
        // gzip (stored) and Zstandard (raw block, skippable frame) of one line.
        b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\x08\0\xf7\xff1.0.0.1\n\0\0\0\0\x08\0\0\0",
        b"\x28\xb5\x2f\xfd\x20\x08\x41\0\x001.0.0.1\n",
        b"\x50\x2a\x4d\x18\x01\0\0\0x",
    ];
    let lists = (0..4).flat_map(|which| texts.map(|text| [&[which], text].concat()));
    lists.collect()
}
