use std::{collections::BTreeMap, net::IpAddr, path::Path};

use parquet::{
    file::reader::{FileReader as _, SerializedFileReader},
    record::{Field, Row},
};
use proptest::{collection::vec, prelude::*};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::*;
use crate::sink::{
    arbitrary,
    sample::{quoting, reply},
};

const NEVER: Duration = Duration::MAX;

fn small(part_age: Duration) -> Limits {
    Limits {
        group_replies: 3,
        part_replies: 6,
        part_age,
        age_rows: 1,
    }
}

fn sink(folder: &Path, part_age: Duration) -> Parquet<ReplyRows> {
    let parts = Parts::create(folder, "parquet").expect("a folder");
    Parquet::new(parts, ReplyRows::default(), small(part_age)).expect("a sink")
}

/// Rows of each part, in order of their names.
fn read(folder: &Path) -> BTreeMap<String, Vec<Row>> {
    let parts = folder.read_dir().expect("lists").map(|entry| {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("UTF-8");
        let reader = SerializedFileReader::try_from(entry.path().as_path()).expect("a footer");
        let metadata = reader.metadata().file_metadata().key_value_metadata();
        let schema = metadata
            .expect("metadata")
            .iter()
            .find(|pair| pair.key == "probe.schema");
        assert_eq!(schema.and_then(|pair| pair.value.as_deref()), Some("1"));
        let rows = reader.get_row_iter(None).expect("rows");
        (name, rows.collect::<Result<_, _>>().expect("rows"))
    });
    parts.collect()
}

/// Addresses as they are, by the names of their columns.
type Octets = Vec<(String, Vec<u8>)>;

/// The fields of JSON, and the raw addresses.
fn fields(row: &Row) -> (Map<String, Value>, Octets) {
    let mut json = Map::new();
    let mut raw = Vec::new();
    for (name, field) in row.get_column_iter() {
        let name = name.strip_suffix("_text").unwrap_or(name).to_owned();
        let value = match field {
            Field::Null => continue,
            Field::Bytes(octets) => {
                raw.push((name, octets.data().to_vec()));
                continue;
            }
            Field::Str(text) => json!(text),
            Field::Bool(truth) => json!(truth),
            Field::Short(number) => json!(number),
            Field::UByte(number) => json!(number),
            Field::UShort(number) => json!(number),
            Field::UInt(number) => json!(number),
            Field::ULong(number) => json!(number),
            // Stamps; in tests they use all 64 bits.
            Field::Long(number) => json!(number.cast_unsigned()),
            other => panic!("{name}: {other:?}"),
        };
        json.insert(name, value);
    }
    (json, raw)
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

fn one_folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn rows_have_the_values_of_json(replies in vec(arbitrary::reply(), 1..20)) {
        let folder = one_folder();
        let mut sink = sink(folder.path(), NEVER);
        for reply in &replies {
            sink.reply(reply).expect("taken");
        }
        sink.finish().expect("finished");
        let rows: Vec<_> = read(folder.path()).into_values().flatten().collect();
        prop_assert_eq!(rows.len(), replies.len());
        for (row, reply) in rows.iter().zip(&replies) {
            let mut expected = serde_json::to_value(reply).expect("JSON");
            expected["again"] = json!(reply.again);
            let (mut json, raw) = fields(row);
            for column in ["mpls", "interface"] {
                if let Some(value) = json.get_mut(column) {
                    let text = value.as_str().expect("text").to_owned();
                    *value = serde_json::from_str(&text).expect("JSON");
                }
            }
            prop_assert_eq!(Value::from(json), expected);
            prop_assert_eq!(raw, [
                ("target".to_owned(), octets(reply.target)),
                ("responder".to_owned(), octets(reply.responder)),
            ]);
        }
    }

    #[test]
    fn rows_of_paths_have_the_values_of_json(paths in vec(arbitrary::path(), 1..20)) {
        let folder = one_folder();
        let parts = Parts::create(folder.path(), "parquet").expect("a folder");
        let mut sink = Parquet::new(parts, PathRows::default(), small(NEVER)).expect("a sink");
        for path in &paths {
            sink.path(path).expect("taken");
        }
        sink.finish().expect("finished");
        let rows: Vec<_> = read(folder.path()).into_values().flatten().collect();
        prop_assert_eq!(rows.len(), paths.len());
        for (row, path) in rows.iter().zip(&paths) {
            let (mut json, raw) = fields(row);
            let hops = json["hops"].as_str().expect("text").to_owned();
            json["hops"] = serde_json::from_str(&hops).expect("JSON");
            prop_assert_eq!(Value::from(json), serde_json::to_value(path).expect("JSON"));
            prop_assert_eq!(raw, [("target".to_owned(), octets(path.target))]);
        }
    }
}

#[test]
fn columns_are_the_fields_in_order() {
    let fields = |text: String| -> Vec<String> {
        // Objects of this depth have no comma or colon in values but addresses.
        let fields = text.trim_matches(['{', '}']).split(",\"");
        let name = |field: &str| field.trim_matches('"').split('"').next().map(str::to_owned);
        fields.filter_map(name).collect()
    };
    let mut full = reply("10.0.0.1");
    full.reason = Some("host-unreachable");
    (full.mtu, full.again) = (Some(1500), true);
    let full = quoting(full);
    let mut expected = fields(serde_json::to_string(&full).expect("JSON"));
    // These are lists and objects.
    expected.extend(["mpls", "interface"].map(str::to_owned));
    let schema = rows::schema(&mut ReplyRows::default()).expect("a schema");
    let columns = schema
        .get_fields()
        .iter()
        .map(|field| field.name().to_owned());
    let columns: Vec<_> = columns.filter(|name| !name.ends_with("_text")).collect();
    assert_eq!(columns, expected);
}

#[test]
fn a_part_ends_when_it_is_large() {
    let folder = one_folder();
    let mut sink = sink(folder.path(), NEVER);
    for _ in 0..14 {
        sink.reply(&reply("10.0.0.1")).expect("taken");
    }
    // Two row groups a part.
    assert_eq!(sink.sync().expect("durable"), 12);
    sink.finish().expect("finished");
    let parts = read(folder.path());
    let sizes: Vec<_> = parts.values().map(Vec::len).collect();
    assert_eq!(sizes, [6, 6, 2]);
    assert_eq!(
        parts.keys().next().map(String::as_str),
        Some("part-00000.parquet")
    );
    assert_eq!((sink.durable, sink.lost_replies()), (14, 0));
}

#[test]
fn an_old_part_ends_whoever_looks() {
    for look in [Parquet::flush, |sink: &mut Parquet<_>| {
        sink.sync().map(drop)
    }] {
        let folder = one_folder();
        let mut sink = sink(folder.path(), NEVER);
        sink.reply(&reply("10.0.0.1")).expect("taken");
        look(&mut sink).expect("nothing to do");
        assert_eq!(sink.durable, 0);
        sink.limits.part_age = Duration::ZERO;
        look(&mut sink).expect("closed");
        assert_eq!(sink.durable, 1);
        assert_eq!(read(folder.path()).len(), 1);
    }
    let folder = one_folder();
    let mut sink = sink(folder.path(), Duration::ZERO);
    sink.reply(&reply("10.0.0.1")).expect("taken");
    assert_eq!(sink.durable, 1);
}

#[test]
fn a_run_without_replies_has_the_columns() {
    let folder = one_folder();
    sink(folder.path(), NEVER).finish().expect("finished");
    let parts = read(folder.path());
    assert_eq!(parts.len(), 1);
    assert!(parts.values().all(Vec::is_empty));
}

#[test]
fn what_cannot_be_written_is_counted() {
    let folder = one_folder();
    let mut sink = sink(folder.path(), NEVER);
    folder.close().expect("removed");
    sink.reply(&reply("10.0.0.1")).expect_err("no folder");
    assert_eq!((sink.lost_replies(), sink.durable), (1, 0));
}
