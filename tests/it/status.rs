//! `hftcol status`: done, pending, failed with the reason; and the note of failures that it reads.

use std::path::Path;

use hftcol::store::{Store, Tree};

use crate::cli::{good, hftcol};
use crate::raw_store::{publish, raw};

fn states(store: &str, words: &[&str]) -> Vec<String> {
    let text = good(&[&["status", "--json", "--store", store][..], words].concat());
    let mut states = Vec::new();
    for line in text.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        if value["event"] != "total" {
            let word = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
            states.push(format!("{} {}{} {}", word("tree"), word("security"), word("source"), word("state")));
        }
    }
    states
}

#[test]
fn features_are_pending_done_failed_and_done_again() {
    let temporary = tempfile::tempdir().unwrap();
    let root = temporary.path().join("store");
    let store = root.to_str().unwrap();
    let stored = Store::create_or_open(&root).unwrap();
    publish(&stored, &[raw("binance", "A", 200, 1), raw("binance", "B", 40, 2)]);
    assert_eq!(states(store, &[]), ["imported A done", "imported B done"]);
    good(&["compute", "--store", store, "--tables", "book", "--threads", "1", "--security", "A"]);
    let set = ["--set", "default"];
    assert_eq!(states(store, &set), ["features/default A done", "features/default B pending"]);

    // A damaged partition fails; the reason is kept until a run goes well.
    let folder = root.join("venue=binance/security=B/date=2024-08-08");
    let file = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
    let file = file.into_iter().find(|p| p.file_name().unwrap().to_str().unwrap().starts_with("book.")).unwrap();
    let sound = std::fs::read(&file).unwrap();
    let mut bad = sound.clone();
    let header_len = u32::from_le_bytes(bad[12..16].try_into().unwrap()) as usize;
    bad[header_len + 3] ^= 1;
    replace(&file, &bad);
    assert_eq!(hftcol(&["compute", "--store", store, "--tables", "book", "--threads", "1"]).status.code(), Some(1));
    assert_eq!(states(store, &set), ["features/default A done", "features/default B failed"]);
    let note = root.join("journal/failed.set.default.hftf");
    assert!(note.is_file());
    assert!(good(&["status", "--store", store]).contains("failed features/default binance B 2024-08-08: "));
    replace(&file, &sound);
    good(&["verify", "--store", store]);
    for bit in [0, 100, 400] {
        let mut bytes = std::fs::read(&note).unwrap();
        let kept = bytes.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        replace(&note, &bytes);
        assert_eq!(hftcol(&["verify", "--store", store]).status.code(), Some(1), "bit {bit}");
        replace(&note, &kept);
    }
    good(&["compute", "--store", store, "--tables", "book", "--threads", "1"]);
    assert_eq!(states(store, &set), ["features/default A done", "features/default B done"]);
    assert!(!note.exists());

    let digests = good(&["ls", "--store", store, "--digest"]);
    let names: Vec<&str> = digests.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(names, ["book", "book", "default/book", "default/book", "trades", "trades"]);
}

fn replace(file: &Path, bytes: &[u8]) {
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
}

#[test]
fn changed_imports_make_features_pending_and_refused_ones_are_told() {
    let temporary = tempfile::tempdir().unwrap();
    let dir = temporary.path();
    let store = dir.join("store");
    let store = store.to_str().unwrap();
    let quotes = |name: &str, times: std::ops::Range<u64>| {
        let rows = times.map(|t| format!("{},S,{},1,{},1\n", 1_723_075_200_000_000_000 + t, 100 + t % 3, 104 + t % 3));
        let file = dir.join(name).to_str().unwrap().to_owned();
        let header = "ts_ns,symbol,bid_px,bid_sz,ask_px,ask_sz\n".to_owned();
        std::fs::write(&file, header + &rows.collect::<String>()).unwrap();
        file
    };
    good(&["import", "--store", store, "--venue", "v", &quotes("a.csv", 0..50)]);
    good(&["compute", "--store", store, "--tables", "book", "--threads", "1"]);
    assert_eq!(states(store, &["--set", "default"]), ["features/default S done"]);
    good(&["import", "--store", store, "--venue", "v", &quotes("b.csv", 50..60)]);
    assert_eq!(states(store, &["--set", "default"]), ["features/default S pending"]);
    assert!(good(&["status", "--store", store]).contains("the imported tables have changed"));
    // Compacting changes no content.
    good(&["compute", "--store", store, "--tables", "book", "--threads", "1"]);
    good(&["compact", "--store", store]);
    assert_eq!(states(store, &["--set", "default"]), ["features/default S done"]);

    let overlapping = quotes("c.csv", 55..70);
    assert_eq!(hftcol(&["import", "--store", store, "--venue", "v", &overlapping]).status.code(), Some(1));
    let opened = Store::open(Path::new(store)).unwrap();
    assert_eq!(opened.failures(&Tree::Raw).unwrap().len(), 1);
    assert!(good(&["status", "--store", store]).contains("--overlap"));
    good(&["import", "--store", store, "--venue", "v", "--overlap", "skip", &overlapping]);
    assert!(opened.failures(&Tree::Raw).unwrap().is_empty());
    good(&["verify", "--store", store]);
}
