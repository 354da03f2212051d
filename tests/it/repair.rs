//! Damage that people act on: `verify` names exactly the damaged files and what mends them, `import --repair` brings back the
//! same bytes, `adopt` enters what was copied in.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use hftcol::import::{self, Event, ImportOptions};

use crate::cli::hftcol;
use crate::import::{World, trades, tree, units};

/// Two sources with six securities on a day, and a later one that appends to three of them and widens a fourth.
fn sources(world: &World) -> Vec<PathBuf> {
    let rows = |from: i64, count: i64, price: &str| -> Vec<(i64, String, String)> {
        (from..from + count).map(|n| (n * 1_000, format!("{price}{}", n % 10), format!("{}", 1 + n % 7))).collect()
    };
    let text = |securities: &[&str], from: i64, count: i64, price: &str| {
        let mut all = String::new();
        for (number, security) in securities.iter().enumerate() {
            let rows = rows(from + number as i64, count, price);
            let rows: Vec<_> = rows.iter().map(|(us, p, q)| (*us, p.as_str(), q.as_str())).collect();
            let part = trades(security, &rows);
            all += if number == 0 { &part } else { part.split_once('\n').unwrap().1 };
        }
        all
    };
    vec![
        world.file("a.csv", text(&["A", "B", "C/D"], 0, 300, "10.5")),
        world.file("b.csv", text(&["D", "E", "F"], 0, 200, "7.2")),
        world.file("c.csv", text(&["A", "B", "D"], 1_000, 50, "10.5")),
        world.file("d.csv", text(&["E"], 2_000, 50, "0.1234")),
    ]
}

/// The store of three imports: segments that follow each other, a table that was written again.
pub(crate) fn history(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    let inputs = sources(world);
    world.import(&inputs[..2]);
    world.import(&inputs[2..3]);
    world.import(&inputs[3..]);
    tree(&world.store())
}

pub(crate) fn partition(store: &Path, security: &str) -> PathBuf {
    store.join("venue=binance").join(format!("security={security}")).join("date=2024-08-08")
}

/// The files of a partition with an extension, in order of their names.
pub(crate) fn files(store: &Path, security: &str, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(partition(store, security)).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    found.sort();
    found
}

fn overwrite(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o440)).unwrap();
}

pub(crate) fn flip(path: &Path, at: usize) {
    overwrite(path, |bytes| {
        let at = at % bytes.len();
        bytes[at] ^= 4;
    });
}

pub(crate) fn repair(world: &World, inputs: &[PathBuf]) -> (u64, Vec<String>, Vec<String>) {
    let options = ImportOptions { repair: true, ..world.options(inputs) };
    let mut told = Vec::new();
    let report = import::run(&options, &mut |event| {
        if let Event::Published { table, key, rows } = event {
            told.push(format!("{table} {} {rows}", key.security));
        }
    })
    .unwrap();
    assert!(report.balanced());
    let left = report.refused.iter().map(|(key, reason)| format!("{}: {reason}", key.security)).collect();
    (report.published, told, left)
}

pub(crate) fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The paths that `verify --list-bad` prints.
pub(crate) fn bad(world: &World) -> Vec<String> {
    let output = hftcol(&["verify", "--list-bad", "--store", world.store().to_str().unwrap()]);
    let lines: Vec<String> = text(&output).lines().map(str::to_owned).collect();
    assert_eq!(output.status.code(), Some(i32::from(!lines.is_empty())), "{lines:?}");
    lines
}

fn beneath(world: &World, path: &Path) -> String {
    path.strip_prefix(world.store()).unwrap().to_str().unwrap().to_owned()
}

#[test]
fn every_kind_of_damage_is_named_and_comes_back_byte_for_byte() {
    let world = World::new();
    let whole = history(&world);
    let store = world.store();
    // First segments, later ones, tables that were written again; blocks, headers, footers; cut, longer, gone; manifests.
    let first = |security: &str| files(&store, security, "hftc").remove(0);
    let last = |security: &str| files(&store, security, "hftc").pop().unwrap();
    let manifest = |security: &str| files(&store, security, "hftm").pop().unwrap();
    type Change<'a> = Box<dyn Fn() + 'a>;
    let rounds: Vec<(Vec<PathBuf>, Change<'_>)> = vec![
        (vec![first("A")], Box::new(|| flip(&first("A"), 2_000))),
        (vec![last("A")], Box::new(|| flip(&last("A"), 10))),
        (vec![last("E")], Box::new(|| overwrite(&last("E"), |bytes| bytes.truncate(700)))),
        (vec![first("C%2FD")], Box::new(|| overwrite(&first("C%2FD"), |bytes| bytes.push(0)))),
        (vec![first("B")], Box::new(|| fs::remove_file(first("B")).unwrap())),
        (vec![manifest("B")], Box::new(|| flip(&manifest("B"), 40))),
        (
            // The ledger lists the file that the manifest does not say anything of any more.
            vec![manifest("F"), first("F")],
            Box::new(|| {
                flip(&first("F"), 90);
                flip(&manifest("F"), 41);
            }),
        ),
    ];
    let inputs: Vec<PathBuf> = ["a.csv", "b.csv", "c.csv", "d.csv"].map(|name| world.dir.path().join(name)).to_vec();
    for (number, (damaged, change)) in rounds.iter().enumerate() {
        change();
        let named: Vec<String> = damaged.iter().map(|path| beneath(&world, path)).collect();
        assert_eq!(bad(&world), named, "round {number}");
        // By name, then by the paths that the store knows.
        let given = if number % 2 == 0 { &inputs[..] } else { &[] };
        let (published, _, left) = repair(&world, given);
        assert_eq!((published, left), (1, Vec::<String>::new()), "round {number}");
        assert!(tree(&store) == whole, "round {number}");
        units(&store);
    }
    // All at once, and the program is told of each.
    rounds.iter().for_each(|(_, change)| change());
    assert_eq!(bad(&world).len(), 8);
    let output = hftcol(&["import", "--repair", "--plain", "--store", store.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text(&output).lines().filter(|line| line.starts_with("published trades binance ")).count(), 5);
    assert!(tree(&store) == whole);
    assert_eq!(bad(&world), [""; 0]);
    let mode = first("A").metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode & !0o440, 0, "restored files are sealed");
}

#[test]
fn a_folder_that_is_gone_comes_back() {
    let world = World::new();
    let whole = history(&world);
    fs::remove_dir_all(partition(&world.store(), "F")).unwrap();
    assert_eq!(bad(&world), ["venue=binance/security=F/date=2024-08-08"]);
    let (published, told, left) = repair(&world, &[world.dir.path().join("b.csv")]);
    assert_eq!((published, told, left), (1, vec!["trades F 200".to_owned()], Vec::new()));
    assert!(tree(&world.store()) == whole);
}

#[test]
fn what_cannot_be_made_again_is_left_and_told() {
    let world = World::new();
    history(&world);
    let store = world.store();
    flip(&files(&store, "A", "hftc")[0], 500);
    let damaged = tree(&store);
    // Its source is not given; it is, but changed; a source of another partition.
    let changed =
        world.file("e.csv", fs::read_to_string(world.dir.path().join("a.csv")).unwrap().replace("10.5", "10.6"));
    for input in [world.dir.path().join("b.csv"), changed] {
        let (published, told, left) = repair(&world, &[input]);
        assert_eq!((published, told.len(), left.len()), (0, 0, 1), "{left:?}");
        assert!(left[0].starts_with("A: "), "{left:?}");
        assert!(tree(&store) == damaged, "nothing is changed");
    }
    let output = hftcol(&[
        "import",
        "--repair",
        world.dir.path().join("b.csv").to_str().unwrap(),
        "--store",
        store.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1));
    // The recorded source is gone: told by its name.
    fs::remove_file(world.dir.path().join("a.csv")).unwrap();
    let output = hftcol(&["import", "--repair", "--store", store.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("a.csv"));
    assert!(tree(&store) == damaged);
}

#[test]
fn a_sound_store_needs_no_repair() {
    let world = World::new();
    let whole = history(&world);
    assert_eq!(repair(&world, &[]), (0, Vec::new(), Vec::new()));
    assert!(tree(&world.store()) == whole);
}

#[test]
fn files_under_a_damaged_manifest_are_checked_against_the_ledger() {
    let world = World::new();
    history(&world);
    let store = world.store();
    let manifest = files(&store, "A", "hftm")[0].clone();
    let tables = files(&store, "A", "hftc");
    flip(&manifest, 40);
    assert_eq!(bad(&world), [beneath(&world, &manifest)], "the tables are sound");
    flip(&tables[0], 700);
    fs::remove_file(&tables[1]).unwrap();
    let stranger = manifest.with_file_name("trades.00000009.0000.hftc");
    fs::copy(&files(&store, "B", "hftc")[0], &stranger).unwrap();
    let mut expected = [&manifest, &tables[0], &tables[1], &stranger].map(|path| beneath(&world, path));
    expected.sort();
    assert_eq!(bad(&world), expected);
    let said = text(&hftcol(&["verify", "--store", store.to_str().unwrap()]));
    assert!(said.contains("the ledger has") && said.contains("is not there"), "{said}");
}

#[test]
fn verify_says_what_where_how_much_and_what_mends_it() {
    let world = World::new();
    history(&world);
    let store = world.store();
    flip(&files(&store, "A", "hftc")[1], 300);
    let output = hftcol(&["verify", "--store", store.to_str().unwrap()]);
    let said = text(&output);
    assert!(
        said.contains("security=A/date=2024-08-08/trades.00000002.0001.hftc: ") && said.contains(", 50 rows"),
        "{said}"
    );
    assert!(said.contains("  to mend it: hftcol import --repair"), "{said}");
    assert!(said.contains("/a.csv (") && said.contains("/c.csv ("), "{said}");
    let output = hftcol(&["verify", "--json", "--store", store.to_str().unwrap()]);
    let json: serde_json::Value = serde_json::from_str(text(&output).lines().next().unwrap()).unwrap();
    assert_eq!((json["kind"].as_str(), json["rows"].as_u64()), (Some("changed"), Some(50)));
    assert!(json["sources"][1]["path"].as_str().unwrap().ends_with("/c.csv"), "{json}");
    assert!(json["remedy"].as_str().unwrap().contains("--repair"));
}

#[test]
fn adopt_enters_copies_and_forgets_what_is_gone() {
    let (here, there) = (World::new(), World::new());
    history(&here);
    there.import(&[there.file("x.csv", trades("X", &[(1, "1", "1")]))]);
    let (from, to) = (partition(&here.store(), "A"), partition(&there.store(), "A"));
    let copied = std::process::Command::new("mkdir").arg("-p").arg(to.parent().unwrap()).status().unwrap().success()
        && std::process::Command::new("cp").arg("-r").args([&from, &to]).status().unwrap().success();
    assert!(copied);
    let store = there.store();
    let store = store.to_str().unwrap();
    let verify = hftcol(&["verify", "--store", store]);
    assert_eq!(verify.status.code(), Some(1));
    assert!(text(&verify).contains("hftcol adopt"), "{}", text(&verify));
    let adopted = hftcol(&["adopt", "--plain", "--store", store]);
    assert_eq!((adopted.status.code(), text(&adopted).trim()), (Some(0), "entered binance A 2024-08-08 (imported)"));
    assert_eq!(bad(&there), [""; 0]);
    assert_eq!(text(&hftcol(&["adopt", "--store", store])), "");
    fs::remove_dir_all(&to).unwrap();
    assert_eq!(bad(&there).len(), 1);
    assert_eq!(text(&hftcol(&["adopt", "--store", store])).trim(), "forgotten binance A 2024-08-08 (imported)");
    assert_eq!(bad(&there), [""; 0]);
    // A copy that is not whole is told and not entered.
    assert!(std::process::Command::new("cp").arg("-r").args([&from, &to]).status().unwrap().success());
    flip(&files(&there.store(), "A", "hftc")[0], 77);
    let refused = hftcol(&["adopt", "--store", store]);
    assert_eq!((refused.status.code(), text(&refused).as_str()), (Some(1), ""));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not entered"));
    // A lost journal is written anew.
    fs::remove_dir_all(to.parent().unwrap()).unwrap();
    fs::remove_dir_all(there.store().join("journal")).unwrap();
    assert_eq!(hftcol(&["adopt", "--rebuild-journal", "--store", store]).status.code(), Some(0));
    assert_eq!(bad(&there), [""; 0]);
}
