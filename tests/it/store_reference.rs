//! The second reader of the store (`format-spec/reference/store_reader.py`) agrees: the same lines, the same judgement of
//! sound and hurt stores. Skipped, with a line that says so, where there is no python3.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hftcol::store::{Hashed, Store, Tree};

use crate::store::{digest_lines, key, next};

fn python(arguments: &[&str], store: &Path) -> Option<Output> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("format-spec/reference/store_reader.py");
    let known = Command::new("python3").args(["-c", "import sys; sys.exit(sys.version_info < (3, 8))"]).status();
    if !known.is_ok_and(|status| status.success()) {
        println!("skipped: no python3 of version 3.8 or later");
        return None;
    }
    Some(Command::new("python3").arg("-B").arg(script).args(arguments).arg(store).output().unwrap())
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A store of these securities, `btc` in two generations, with a set and a quarantine file.
fn make(root: &Path, names: &[&str]) -> Store {
    let store = Store::create_or_open(root).unwrap();
    let mut run = store.begin(Tree::Raw).unwrap();
    let batch = names.iter().map(|name| next(&run, &key("Binance.us", name)).unwrap()).collect();
    run.publish(batch).unwrap();
    let second = next(&run, &key("Binance.us", "btc")).unwrap();
    run.publish(vec![second]).unwrap();
    let mut out = Hashed::new(run.stage().unwrap());
    out.write_all(b"rejected").unwrap();
    let (staged, length, hash) = out.finish();
    run.publish_quarantine("q.ndjson", staged, length, hash).unwrap();
    run.finish().unwrap();
    let mut run = store.begin(Tree::Features("default".into())).unwrap();
    run.write_set_config(b"levels = 5\n").unwrap();
    run.finish().unwrap();
    store
}

/// One file of each kind.
fn files(root: &Path) -> Vec<PathBuf> {
    let btc = root.join("venue=%42inance.us/security=%62%74%63/date=2024-08-08");
    let inside = ["part.00000002.hftm", "book.00000001.0000.hftc"].map(|name| btc.join(name));
    let others = ["hftcol-store.json", "journal/HEAD", "journal/ledger.hftj", "quarantine/q.ndjson"];
    let set = root.join("features/default/set.hfts");
    inside.into_iter().chain(others.map(|name| root.join(name))).chain([set]).collect()
}

#[test]
fn both_readers_see_the_same_store() {
    let dir = tempfile::tempdir().unwrap();
    let long = ["a".repeat(66), "a".repeat(67), "\u{ed55}".repeat(40)];
    let names = ["BTC/USDT", "btc", "", "..", "-1", "A b\n%", &long[0], &long[1], &long[2]];
    let store = make(dir.path(), &names);
    let Some(output) = python(&[], dir.path()) else { return };
    assert!(output.status.success(), "{}", text(&output));
    let lines: Vec<String> = text(&output).lines().map(str::to_owned).collect();
    assert_eq!(lines, digest_lines(&store));
    assert_eq!(lines.len(), 18);
    let output = python(&["--verify"], dir.path()).unwrap();
    assert_eq!((output.status.code(), text(&output).trim()), (Some(0), "sound"));
    let output = python(&["--ledger"], dir.path()).unwrap();
    assert!(text(&output).ends_with("12 records, 0 bytes torn, open: none\n"), "{}", text(&output));
}

#[test]
fn both_readers_find_the_same_damage() {
    let dir = tempfile::tempdir().unwrap();
    let store = make(dir.path(), &["btc"]);
    for path in files(dir.path()) {
        let whole = std::fs::read(&path).unwrap();
        let cut = whole[..whole.len() - 1].to_vec();
        let flipped = |at: usize| {
            let mut bytes = whole.clone();
            bytes[at] ^= 4;
            bytes
        };
        for hurt in [cut, flipped(whole.len() / 2), flipped(whole.len() - 1)] {
            // Sealed files are read-only: replace, as an editor would.
            std::fs::remove_file(&path).unwrap();
            std::fs::write(&path, hurt).unwrap();
            let ours = Store::open(dir.path()).is_err() || store.verify().unwrap().iter().any(|f| !f.accepted);
            assert!(ours, "{}", path.display());
            let Some(output) = python(&["--verify"], dir.path()) else { return };
            assert_eq!(output.status.code(), Some(1), "{}: {}", path.display(), text(&output));
            assert!(!text(&output).contains("Traceback"), "{}", text(&output));
        }
        std::fs::write(&path, &whole).unwrap();
    }
    assert_eq!(store.verify().unwrap(), []);
}
