//! Zip archives: every member is a source; written by another program, cut, changed byte by byte, and refused by name.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use hftcol::error::Result;
use hftcol::import::{self, ImportOptions, SourceState};
use hftcol::input::{Cutter, Input, InputLimits, Source, expand};
use zip::CompressionMethod::{self, Deflated, Stored};
use zip::write::SimpleFileOptions;

use crate::import::{World, trades, units};
use crate::sources::gzip;
use crate::unpack::drain;

const COMMENT: &str = "a comment that is no directory PK\u{5}\u{6}";

fn archive(members: &[(&str, &[u8], CompressionMethod, bool)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes, method, large) in members {
        let options = SimpleFileOptions::default().compression_method(*method).large_file(*large);
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
    }
    writer.set_comment(COMMENT).unwrap();
    writer.finish().unwrap().into_inner()
}

/// Name and bytes of every member.
fn read(path: &Path) -> Result<Vec<(String, Vec<u8>)>> {
    let limits = InputLimits::default();
    let mut found = Vec::new();
    for input in expand(&[path.to_owned()])? {
        let (bytes, end) = drain(Cutter::new(input.open(&limits, None)?, false, &limits));
        end?;
        let path = input.path().to_string_lossy().into_owned();
        let name = path.split_once('!').map_or("", |(_, member)| member);
        found.push((name.to_owned(), bytes));
    }
    Ok(found)
}

#[test]
fn members_come_by_name_and_unpacked() {
    let world = World::new();
    let long = b"b,1\n".repeat(10_000);
    let packed = archive(&[
        ("z.csv", b"z\n", Stored, false),
        ("days/", b"", Stored, false),
        ("days/b.csv", &long, Deflated, false),
        ("a.csv.gz", &gzip(b"a\n"), Stored, true),
        ("days/big.csv", &long, Deflated, true),
        (".hidden.csv", b"h\n", Stored, false),
        ("__MACOSX/a.csv", b"m\n", Stored, false),
        ("days/.DS_Store", b"s\n", Stored, false),
        ("empty.csv", b"", Deflated, false),
    ]);
    // The name says nothing.
    let path = world.file("data.bin", &packed);
    let expected: [(&str, &[u8]); 5] =
        [("a.csv.gz", b"a\n"), ("days/b.csv", &long), ("days/big.csv", &long), ("empty.csv", b""), ("z.csv", b"z\n")];
    let found = read(&path).unwrap();
    assert_eq!(found.len(), expected.len());
    for ((name, bytes), (wanted_name, wanted)) in found.iter().zip(expected) {
        assert_eq!((name.as_str(), bytes == wanted), (wanted_name, true));
    }
    let one = PathBuf::from(format!("{}!days/b.csv", path.display()));
    assert_eq!(expand(std::slice::from_ref(&one)).unwrap()[0].path(), one);
    assert_eq!(Source::open(&one, &InputLimits::default()).unwrap().head(), long);
    let missing = PathBuf::from(format!("{}!nothing.csv", path.display()));
    let error = Input::at(&missing).unwrap_err();
    assert!(error.exit_code() == 3 && error.to_string().contains("a member of the archive"), "{error}");
}

#[test]
fn archives_in_folders_become_partitions_and_a_bad_member_alone_is_left_out() {
    let world = World::new();
    let (x, y) = (trades("X", &[(1, "1.5", "2"), (2, "1.6", "1")]), trades("Y", &[(3, "7", "1")]));
    let mut packed = archive(&[("x.csv", x.as_bytes(), Deflated, false), ("y.csv", y.as_bytes(), Stored, false)]);
    let folder = world.dir.path().join("raw");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("day.zip"), &packed).unwrap();
    let report = world.import(&[folder.clone()]);
    report.verdict().unwrap();
    let names: Vec<_> = report.sources.iter().map(|s| s.path.strip_prefix(&folder).unwrap().to_owned()).collect();
    assert_eq!(names, [Path::new("day.zip!x.csv"), Path::new("day.zip!y.csv")]);
    assert_eq!((report.published, report.records()), (2, 5));
    let before = units(&world.store());
    // The same content as plain files.
    let plain = world.import(&[world.file("p.csv", &x), world.file("q.csv", &y)]);
    assert_eq!((plain.published, plain.up_to_date, units(&world.store())), (0, 2, before));
    // A changed byte of the stored member.
    let at = packed.windows(4).position(|w| w == b"7,1\n").unwrap();
    packed[at] = b'8';
    let bad = world.file("bad.zip", &packed);
    let options = ImportOptions { store: world.dir.path().join("other"), ..world.options(&[bad]) };
    let report = import::run(&options, &mut |_| {}).unwrap();
    assert_eq!(report.verdict().unwrap_err().exit_code(), 3);
    assert_eq!((report.published, report.records()), (1, 5), "what was read is accounted for");
    assert!(matches!(&report.sources[1].state, SourceState::Corrupt(why) if why.contains("CRC-32")), "{report:?}");
}

#[test]
fn a_cut_archive_is_refused_wherever_it_is_cut() {
    let world = World::new();
    let packed = archive(&[("a.csv", b"a,1\n", Stored, false), ("b.csv", b"bbbbbbbbbbbb\n", Deflated, true)]);
    for cut in 4..packed.len() {
        let error = read(&world.file("cut.zip", &packed[..cut])).unwrap_err();
        assert_eq!(error.exit_code(), 3, "cut at {cut}: {error}");
        assert!(error.to_string().contains("cut.zip"), "{error}");
    }
}

#[test]
fn a_changed_byte_never_changes_a_member_silently() {
    let world = World::new();
    let long = b"0123456789,abc\n".repeat(40);
    let packed = archive(&[("a.csv", &long, Deflated, false), ("b.csv", b"b,1\nb,2\n", Stored, true)]);
    let good: Vec<Vec<u8>> = vec![long, b"b,1\nb,2\n".to_vec()];
    for at in 4..packed.len() {
        for bit in [0, 3, 7] {
            let mut bad = packed.clone();
            bad[at] ^= 1 << bit;
            match read(&world.file("bad.zip", &bad)) {
                Err(error) => assert_eq!(error.exit_code(), 3, "byte {at}: {error}"),
                Ok(found) => {
                    // A name may have changed, or the number of members; never what a member holds.
                    assert!(found.iter().all(|(_, bytes)| good.contains(bytes)), "byte {at}, bit {bit}: {found:?}");
                }
            }
        }
    }
}

#[test]
fn what_cannot_be_unpacked_is_refused_by_name() {
    let world = World::new();
    let packed = archive(&[("a.csv", b"a,1\na,1\n", Deflated, false), ("b.csv", b"b\n", Stored, false)]);
    // The directory's first entry: flags at 8, method at 10.
    let entry = packed.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    for (at, value, word) in [(8, 1, "without a password"), (10, 12, "method 12"), (10, 99, "method 99")] {
        let mut bad = packed.clone();
        bad[entry + at] |= value;
        bad[entry + at] = if at == 10 { value } else { bad[entry + at] };
        let error = read(&world.file("bad.zip", &bad)).unwrap_err();
        assert!(error.exit_code() == 3 && error.to_string().contains(word), "{error}");
        assert!(error.to_string().contains("bad.zip!a.csv"), "{error}");
    }
    let mut twice = packed.clone();
    for at in 0..twice.len() - 5 {
        if &twice[at..at + 5] == b"b.csv" {
            twice[at] = b'a';
        }
    }
    let error = read(&world.file("twice.zip", &twice)).unwrap_err();
    assert!(error.to_string().contains("each member once, not a.csv twice"), "{error}");
    let error = read(&world.file("none.zip", archive(&[("only/", b"", Stored, false)]))).unwrap_err();
    assert!(error.to_string().contains("a zip archive that holds files"), "{error}");
    // It claims more members than are read.
    let end = packed.len() - 22 - COMMENT.len();
    let mut many = packed;
    many[end + 10..end + 12].copy_from_slice(&500_u16.to_le_bytes());
    let error = read(&world.file("many.zip", &many)).unwrap_err();
    assert!(error.to_string().contains("directory entry 3"), "{error}");
}
