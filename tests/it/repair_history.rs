//! Repair of what more than one import made: partitions whose manifest is lost with a file, tables that were imported with
//! `--overlap`, built books; and features, which are computed again. The same bytes come back, or the command that helps is told.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hftcol::import::{self, ImportOptions, Overlap};
use hftcol::read::TableReader;
use hftcol::storage::MemoryFile;

use crate::build::two_captures;
use crate::cli::{good, hftcol};
use crate::import::{World, trades, tree, units};
use crate::repair::{bad, files, flip, history, partition, repair, text};

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(std::process::Command::new("cp").arg("-r").args([from, to]).status().unwrap().success());
}

#[test]
fn a_manifest_and_a_later_file_that_are_lost_come_back() {
    let world = World::new();
    let whole = history(&world);
    let store = world.store();
    let inputs: Vec<PathBuf> = ["a.csv", "b.csv", "c.csv", "d.csv"].map(|name| world.dir.path().join(name)).to_vec();
    // The later of two segments, both, a table of two imports, one of a single import.
    for (security, lost) in [("A", vec![1]), ("A", vec![0, 1]), ("A", vec![0]), ("E", vec![0]), ("F", vec![0])] {
        for given in [&inputs[..], &[]] {
            let manifest = files(&store, security, "hftm").remove(0);
            let tables = files(&store, security, "hftc");
            flip(&manifest, 33);
            for at in &lost {
                fs::remove_file(&tables[*at]).unwrap();
            }
            assert_eq!(bad(&world).len(), 1 + lost.len());
            let (published, _, left) = repair(&world, given);
            assert_eq!((published, left), (1, Vec::<String>::new()), "{security} {lost:?}");
            assert!(tree(&store) == whole, "{security} {lost:?}");
            units(&store);
        }
    }
    // Without the last source nothing gives the bytes: told, and left alone.
    flip(&files(&store, "A", "hftm")[0], 33);
    fs::remove_file(&files(&store, "A", "hftc")[1]).unwrap();
    let damaged = tree(&store);
    let (published, _, left) = repair(&world, &inputs[..1]);
    assert_eq!((published, left.len()), (0, 1));
    assert!(left[0].contains("its manifest is lost") && left[0].contains("name all of them"), "{left:?}");
    assert!(tree(&store) == damaged);
}

/// Rows a second from `from`, a file.
fn rows(world: &World, name: &str, (from, count, step): (i64, i64, i64), price: &str) -> PathBuf {
    let rows: Vec<_> = (0..count).map(|n| ((from + n * step) * 1_000_000, format!("{price}{}", n % 7))).collect();
    let rows: Vec<_> = rows.iter().map(|(us, price)| (*us, price.as_str(), "2")).collect();
    world.file(name, trades("X", &rows))
}

fn import_with(world: &World, inputs: &[PathBuf], overlap: Overlap) {
    let report = import::run(&ImportOptions { overlap, ..world.options(inputs) }, &mut |_| {}).unwrap();
    assert_eq!(report.published, 1);
}

fn repair_with(world: &World, overlap: Overlap) -> (u64, Vec<String>) {
    let report = import::run(&ImportOptions { overlap, repair: true, ..world.options(&[]) }, &mut |_| {}).unwrap();
    (report.published, report.refused.into_iter().map(|(_, reason)| reason).collect())
}

/// Sources in four imports: alone, two at once over the first, one over all of them, one that follows.
fn overlapping(world: &World, rules: [Overlap; 4]) -> BTreeMap<PathBuf, Vec<u8>> {
    let a = rows(world, "a.csv", (100, 200, 2), "10.");
    let b = [rows(world, "b.csv", (50, 100, 3), "11."), rows(world, "c.csv", (420, 60, 1), "12.")];
    let d = rows(world, "d.csv", (30, 150, 4), "10.");
    let e = rows(world, "e.csv", (5_000, 40, 1), "13.");
    for (inputs, rule) in [&[a][..], &b, &[d], &[e]].into_iter().zip(rules) {
        import_with(world, inputs, rule);
    }
    tree(&world.store())
}

#[test]
fn tables_that_were_imported_over_others_come_back() {
    for rule in [Overlap::Skip, Overlap::Replace, Overlap::Union] {
        let world = World::new();
        let whole = overlapping(&world, [rule; 4]);
        let store = world.store();
        let tables = files(&store, "X", "hftc");
        assert_eq!(tables.len(), 2, "{rule:?}");
        let kept = world.dir.path().join("kept");
        copy(&store, &kept);
        type Change<'a> = &'a dyn Fn();
        let changes: [(&str, Change<'_>); 4] = [
            ("a block", &|| flip(&files(&store, "X", "hftc")[0], 900)),
            ("the file", &|| fs::remove_file(&files(&store, "X", "hftc")[0]).unwrap()),
            ("both files", &|| files(&store, "X", "hftc").iter().for_each(|file| fs::remove_file(file).unwrap())),
            ("the manifest and the file", &|| {
                flip(&files(&store, "X", "hftm")[0], 20);
                fs::remove_file(&files(&store, "X", "hftc")[0]).unwrap();
            }),
        ];
        for (what, change) in changes {
            // With the rule of the import, and without a word.
            for given in [rule, Overlap::Error] {
                copy(&kept, &store);
                change();
                assert_eq!(repair_with(&world, given), (1, vec![]), "{rule:?}, {what}");
                assert!(tree(&store) == whole, "{rule:?}, {what}");
                units(&store);
            }
        }
    }
}

#[test]
fn a_history_that_is_not_found_is_told() {
    let world = World::new();
    overlapping(&world, [Overlap::Error, Overlap::Skip, Overlap::Union, Overlap::Error]);
    flip(&files(&world.store(), "X", "hftc")[0], 900);
    let damaged = tree(&world.store());
    let output = hftcol(&["import", "--repair", "--store", world.store().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("binance X 2024-08-08 is not repaired: trades."), "{said}");
    assert!(said.contains("with --overlap or --dedupe") && said.contains("hftcol adopt"), "{said}");
    assert!(tree(&world.store()) == damaged);
    // The advice helps.
    let store = world.store();
    let store = store.to_str().unwrap();
    fs::remove_dir_all(partition(&world.store(), "X")).unwrap();
    good(&["adopt", "--store", store]);
    overlapping(&world, [Overlap::Error, Overlap::Skip, Overlap::Union, Overlap::Error]);
    good(&["verify", "--store", store]);
}

/// A store with two built books, by these options.
fn books(world: &World, options: &[&str]) -> BTreeMap<PathBuf, Vec<u8>> {
    let inputs = two_captures().map(|(name, text)| world.file(name, text));
    assert_eq!(world.import(&inputs).published, 2);
    let store = world.store();
    good(&[&["build", "--store", store.to_str().unwrap()][..], options].concat());
    tree(&store)
}

fn named(store: &Path, start: &str) -> PathBuf {
    let mut tables = files(store, "BTCUSDT", "hftc").into_iter();
    tables.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start)).unwrap()
}

/// Changes a bit of the first block: what the file says of itself stays as it was.
fn flip_value(path: &Path) {
    let reader = TableReader::open(Arc::new(MemoryFile(fs::read(path).unwrap()))).unwrap();
    flip(path, usize::try_from(reader.entry(0, 0).offset).unwrap());
}

#[test]
fn built_books_come_back() {
    for options in [&[][..], &["--levels", "3", "--every", "event"], &["--every", "150ms"]] {
        let world = World::new();
        let whole = books(&world, options);
        let store = world.store();
        let flip_book = || flip_value(&named(&store, "book_built"));
        let lose = |start: &str| fs::remove_file(named(&store, start)).unwrap();
        let mut changes: Vec<Box<dyn Fn() + '_>> = vec![
            Box::new(flip_book),
            Box::new(|| {
                flip_book();
                lose("deltas");
            }),
            Box::new(|| {
                flip_book();
                flip(&files(&store, "BTCUSDT", "hftm")[0], 25);
            }),
        ];
        if options.is_empty() {
            // The file tells its options; where it is gone they are those that are usual.
            changes.push(Box::new(|| lose("book_built")));
        }
        for (number, change) in changes.into_iter().enumerate() {
            change();
            let (published, told, left) = repair(&world, &[]);
            assert_eq!((published, left), (1, Vec::<String>::new()), "{options:?}, {number}");
            assert!(told.iter().any(|line| line.starts_with("book_built BTCUSDT ")), "{told:?}");
            assert!(tree(&store) == whole, "{options:?}, {number}");
        }
    }
}

#[test]
fn a_book_that_cannot_be_built_as_it_was_is_told_with_the_command() {
    let world = World::new();
    books(&world, &["--levels", "3"]);
    let (store, root) = (world.store(), world.store().to_str().unwrap().to_owned());
    fs::remove_file(named(&store, "book_built")).unwrap();
    let output = hftcol(&["import", "--repair", "--store", &root]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    let command = format!(
        "hftcol build --store {root} --force --venue binance --security BTCUSDT --from 2024-08-08 --to 2024-08-08"
    );
    assert!(said.contains("its options are lost with it") && said.contains(&command), "{said}");
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--levels", "3"]).collect();
    good(&words);
    good(&["verify", "--store", &root]);
    // With the manifest gone nothing is known of it.
    fs::remove_file(named(&store, "book_built")).unwrap();
    flip(&files(&store, "BTCUSDT", "hftm")[0], 25);
    let (published, _, left) = repair(&world, &[]);
    assert_eq!(published, 0);
    assert!(left[0].contains("hftcol adopt") && left[0].contains("then hftcol build"), "{left:?}");
}

#[test]
fn features_are_computed_again_by_the_command_that_is_told() {
    let world = World::new();
    history(&world);
    let (store, root) = (world.store(), world.store().to_str().unwrap().to_owned());
    good(&["compute", "--store", &root, "--set", "quick", "--tables", "trades"]);
    let whole = tree(&store);
    let folder = "features/quick/venue=binance/security=C%2FD/date=2024-08-08";
    let mut entries = fs::read_dir(store.join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let file = entries.find(|path| path.extension().is_some_and(|e| e == "hftc")).unwrap();
    flip(&file, 600);
    flip(&files(&store, "A", "hftc")[0], 600);
    let output = hftcol(&["import", "--repair", "--plain", "--store", &root]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(text(&output).contains("published trades binance A 2024-08-08"), "the imported table is repaired");
    let command = "hftcol compute --set quick --venue binance --security C/D --from 2024-08-08 --to 2024-08-08";
    assert!(said.contains(&format!("remove {folder} and compute it again")) && said.contains(command), "{said}");
    assert!(text(&hftcol(&["verify", "--store", &root])).contains(command));
    fs::remove_dir_all(store.join(folder)).unwrap();
    let words: Vec<&str> = command.split(' ').skip(1).chain(["--store", &root, "--tables", "trades"]).collect();
    good(&words);
    assert!(tree(&store) == whole, "the same bytes");
    good(&["verify", "--store", &root]);
}
