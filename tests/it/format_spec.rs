//! The specification and the code say the same: constants, limits, field tables, types, encodings, rules.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use hftcol::format::constants::{self as c, Field};
use hftcol::format::{Encoding, rules};
use hftcol::limits;
use hftcol::schema::LogicalType;

use super::format_vectors::bad_index;

fn spec() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("format-spec/README.md");
    fs::read_to_string(path).expect("the specification")
}

/// The text of one section, from its heading to the next of its level.
fn section(text: &str, heading: &str) -> String {
    let start = text.find(heading).unwrap_or_else(|| panic!("no section {heading}"));
    let body = &text[start + heading.len()..];
    body[..body.find("\n## ").unwrap_or(body.len())].to_owned()
}

/// Cells of the rows of all tables in a text.
fn rows(text: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    text.lines().filter(|line| line.starts_with('|') && !line.starts_with("|---")).map(cells).collect()
}

fn check_fields(heading: &str, fields: &[Field], whole: usize) {
    let text = spec();
    let rows = rows(&section(&text, heading));
    let mut end = 0;
    for (offset, bytes, name) in fields {
        assert_eq!(*offset, end, "{name} follows the field before");
        end = offset + bytes;
        let start = [offset.to_string(), bytes.to_string(), format!("`{name}`")];
        assert!(rows.iter().any(|row| row[..3] == start), "{heading}: no row {start:?}");
    }
    assert_eq!(end, whole, "{heading}");
}

#[test]
fn field_tables_are_those_of_the_code() {
    check_fields("\n## 3. Header", c::HEADER_FIELDS, 68);
    check_fields("\n## 6. Footer", c::FOOTER_FIELDS, 76);
    check_fields("\n## 6. Footer", c::ENTRY_FIELDS, c::ENTRY_LEN);
    check_fields("\n## 9. Tail", c::TAIL_FIELDS, c::TAIL_LEN);
}

#[test]
fn constants_are_those_of_the_code() {
    let text = spec();
    let rows = rows(&section(&text, "\n## 2. Constants"));
    let bytes = |b: &[u8]| b.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(" ");
    let word = |w: u64| format!("0x{w:016X}");
    let expected = [
        ("MAGIC", bytes(&c::MAGIC)),
        ("FOOTER_MAGIC", bytes(&c::FOOTER_MAGIC)),
        ("TAIL_MAGIC", bytes(&c::TAIL_MAGIC)),
        ("MAJOR", c::MAJOR.to_string()),
        ("MINOR", c::MINOR.to_string()),
        ("ALIGN", c::ALIGN.to_string()),
        ("HEADER_MIN", c::HEADER_MIN.to_string()),
        ("FOOTER_MIN", c::FOOTER_MIN.to_string()),
        ("ENTRY_LEN", c::ENTRY_LEN.to_string()),
        ("TAIL_LEN", c::TAIL_LEN.to_string()),
        ("FILE_MIN", c::FILE_MIN.to_string()),
        ("BLOCK_ROWS_MIN", c::BLOCK_ROWS_MIN.to_string()),
        ("BLOCK_ROWS_MAX", c::BLOCK_ROWS_MAX.to_string()),
        ("PACKED_HEADER", c::PACKED_HEADER.to_string()),
        ("DICT_HEADER", c::DICT_HEADER.to_string()),
        ("ZSTD_HEADER", c::ZSTD_HEADER.to_string()),
        ("F64_NULL", word(c::F64_NULL)),
        ("DIGEST_NULL", word(c::DIGEST_NULL)),
        ("DIGEST_ROW", word(c::DIGEST_ROW)),
        ("DIGEST_MUL_LO", word(c::DIGEST_MUL_LO)),
        ("DIGEST_MUL_HI", word(c::DIGEST_MUL_HI)),
        ("COLUMNS", limits::COLUMNS.to_string()),
        ("GROUP_ROWS", limits::GROUP_ROWS.to_string()),
        ("NAME_BYTES", limits::NAME_BYTES.to_string()),
        ("COLUMN_NAME_BYTES", limits::COLUMN_NAME_BYTES.to_string()),
        ("HEADER_BYTES", limits::HEADER_BYTES.to_string()),
        ("FOOTER_BYTES", limits::FOOTER_BYTES.to_string()),
        ("BLOCK_BYTES", limits::BLOCK_BYTES.to_string()),
        ("INPUTS", limits::INPUTS.to_string()),
        ("DECIMAL_SCALE", limits::DECIMAL_SCALE.to_string()),
    ];
    for (name, value) in &expected {
        let row = rows.iter().find(|row| row[0] == format!("`{name}`")).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(&row[1], value, "{name}");
    }
    let named = rows.iter().filter(|row| row[0].starts_with('`')).count();
    assert_eq!(named, expected.len(), "constants that the code does not have");
}

#[test]
fn types_and_encodings_are_those_of_the_code() {
    let text = spec();
    let types = rows(&section(&text, "\n## 4. Types"));
    for ty in LogicalType::ALL {
        let row = types.iter().find(|row| row[0] == (ty as u8).to_string()).expect("a type");
        assert_eq!((row[1].as_str(), row[3].as_str()), (&*format!("`{}`", ty.name()), &*ty.plain_width().to_string()));
    }
    assert_eq!(types.len(), LogicalType::ALL.len() + 1);
    for encoding in Encoding::ALL {
        let heading = format!("### 5.{} {} ({})", encoding as u8 + 1, encoding.name(), encoding as u8);
        assert!(text.contains(&heading), "{heading}");
    }
}

#[test]
fn each_rule_stands_in_the_specification_and_has_a_bad_vector() {
    let text = spec();
    let rows = rows(&section(&text, "\n## 11. Rules"));
    let written: Vec<_> = rows[1..].iter().map(|row| (row[0].as_str(), row[1].as_str())).collect();
    assert_eq!(written, rules::ALL);
    let covered: BTreeSet<String> = bad_index().into_iter().map(|line| line[1].clone()).collect();
    for (rule, what) in rules::ALL {
        assert!(covered.contains(*rule), "no bad vector for {rule}: {what}");
        assert!(text.matches(rule).count() > 1, "{rule} is named only in the list");
    }
}

#[test]
fn rules_named_in_the_sources_exist() {
    let known: BTreeSet<&str> = rules::ALL.iter().map(|r| r.0).collect();
    for folder in ["src/format", "src/codec", "src/read", "src/write"] {
        for entry in fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder)).expect("sources") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a source");
            for (at, _) in text.match_indices("R-") {
                let Some(name) = text.get(at..at + 4).filter(|n| n[2..].bytes().all(|b| b.is_ascii_digit())) else {
                    continue;
                };
                assert!(known.contains(name), "{}: {name}", path.display());
            }
        }
    }
}

/// The first version's numbers: a change of one of these is another format.
#[test]
fn numbers_that_never_change() {
    assert_eq!(c::MAGIC, [0x89, 0x48, 0x46, 0x54, 0x43, 0x0D, 0x0A, 0x1A]);
    assert_eq!((&c::FOOTER_MAGIC, &c::TAIL_MAGIC), (b"HFTCFOOT", b"HFTCEND\n"));
    assert_eq!((c::MAJOR, c::ALIGN, c::ENTRY_LEN, c::TAIL_LEN, c::FILE_MIN), (1, 64, 64, 64, 272));
    assert_eq!((c::PACKED_HEADER, c::DICT_HEADER, c::ZSTD_HEADER), (24, 8, 8));
    assert_eq!(LogicalType::ALL.map(|t| t as u8), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(Encoding::ALL.map(|e| e as u8), [0, 1, 2, 3, 4, 5]);
    assert_eq!(c::F64_NULL, 0x7FF8_0000_0000_0000);
    assert_eq!(f64::NAN.to_bits() & c::F64_NULL, c::F64_NULL);
}
