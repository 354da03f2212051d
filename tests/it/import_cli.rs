//! `hftcol import` as a program: exit codes, limits, standard input, patterns, dry runs, interrupts, hostile inputs.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use hftcol::store::{Store, Tree};
use serde_json::Value;

use crate::import::{World, demo, trades, units};
use crate::sources::gzip;
use crate::unpack::xz;

fn command(world: &World, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hftcol"));
    command.arg("import").args(args).current_dir(world.dir.path()).env("HFTCOL_STORE", world.store());
    command
}

fn import(world: &World, args: &[&str]) -> Output {
    command(world, args).output().unwrap()
}

/// With bytes on standard input, made as they are written.
fn import_from(world: &World, args: &[&str], write: impl FnOnce(&mut dyn Write)) -> Output {
    let mut child =
        command(world, args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    write(&mut child.stdin.take().unwrap());
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// The last JSON line.
fn report(output: &Output) -> Value {
    serde_json::from_str(text(&output.stdout).lines().last().unwrap_or("null")).unwrap()
}

/// Five trades, the ones at `bad` without a price.
fn five(bad: &[usize]) -> String {
    let rows: Vec<_> = (0..5).map(|n| (n as i64, if bad.contains(&n) { "x" } else { "1.5" }, "2")).collect();
    trades("X", &rows)
}

#[test]
fn published_lines_and_exit_0_once_and_again() {
    let world = World::new();
    world.file("a.csv", five(&[]));
    let first = import(&world, &["a.csv", "--plain"]);
    assert_eq!((code(&first), text(&first.stdout).trim()), (0, "published trades binance X 2024-08-08 5"));
    assert!(text(&first.stderr).contains("every one accounted for"));
    let again = import(&world, &["a.csv", "--plain"]);
    assert_eq!((code(&again), text(&again.stdout).as_str()), (0, ""));
    let json = report(&import(&world, &["a.csv", "--json"]));
    assert_eq!((json["up_to_date"].as_u64(), json["published"].as_u64()), (Some(1), Some(0)));
}

#[test]
fn every_exit_code_with_its_reason() {
    let world = World::new();
    world.file("good.csv", five(&[]));
    world.file("bad.csv", five(&[1]));
    world.file("other.csv", trades("X", &[(1, "9", "1")]));
    world.file("text.csv", "hello\nworld\n");
    world.file("nameless.csv", "ts_ns,price,qty,side\n1756717200000003000,1,1,buy\n");
    world.file("broken.toml", "table = \"trades\"\nspeed = 1\n[columns]\n");
    let cut = gzip(five(&[]).as_bytes());
    world.file("cut.csv.gz", &cut[..cut.len() - 3]);
    for (args, wanted, reason) in [
        (&["good.csv"][..], 0, ""),
        (&["bad.csv", "--overlap", "skip"], 1, "1 of 6 records were rejected"),
        (&["other.csv"], 1, "left as they were"),
        (&["good.csv", "--memory", "1MiB"], 2, "at least 64MiB"),
        (&["good.csv", "--max-rejects", "many"], 2, "0.1%"),
        (&["good.csv", "--on-error", "panic"], 2, "quarantine, skip or fail"),
        (&["good.csv", "--encoding", "gbk"], 2, "latin-1"),
        (&["good.csv", "--format", "nasdaq"], 2, "no such dialect"),
        (&["good.csv", "--format", "broken.toml"], 2, "line 2: "),
        (&["nameless.csv"], 2, "--security"),
        (&[], 2, "INPUT"),
        (&["absent.csv"], 3, "absent.csv"),
        (&["absent/*.csv"], 3, "a pattern that matches files"),
        (&["text.csv"], 3, "text.csv"),
        (&["cut.csv.gz"], 3, "cut.csv.gz"),
        (&["good.csv", "--store", "/dev/null/store"], 5, "/dev/null"),
    ] {
        let output = import(&world, args);
        let stderr = text(&output.stderr);
        assert_eq!(code(&output), wanted, "{args:?}: {stderr}");
        assert!(stderr.contains(reason), "{args:?}: {stderr}");
        assert!(stderr.bytes().all(|b| b >= b' ' || b == b'\n'), "{stderr}");
    }
    let lock = Store::open(&world.store()).unwrap().begin(Tree::Raw).unwrap();
    assert_eq!(code(&import(&world, &["good.csv"])), 6);
    drop(lock);
    let head = world.store().join("journal/HEAD");
    fs::remove_file(&head).unwrap();
    fs::write(&head, "no head").unwrap();
    let damaged = import(&world, &["good.csv"]);
    assert_eq!(code(&damaged), 4, "{}", text(&damaged.stderr));
}

#[test]
fn rejects_are_kept_counted_or_end_the_run() {
    for (args, wanted, rows, quarantined) in [
        (&[][..], 1, 3, true),
        (&["--max-rejects", "1"], 1, 3, true),
        (&["--max-rejects", "2"], 0, 3, true),
        (&["--max-rejects", "33%"], 1, 3, true),
        (&["--max-rejects", "34%"], 0, 3, true),
        (&["--on-error", "skip", "--max-rejects", "2"], 0, 3, false),
        (&["--on-error", "skip"], 1, 3, false),
        (&["--on-error", "fail", "--max-rejects", "2"], 1, 0, false),
    ] {
        let world = World::new();
        world.file("a.csv", five(&[1, 3]));
        let output = import(&world, &[&["a.csv", "--plain"], args].concat());
        let published = text(&output.stdout);
        assert_eq!(code(&output), wanted, "{args:?}: {}", text(&output.stderr));
        assert_eq!(published.contains(&format!("published trades binance X 2024-08-08 {rows}")), rows > 0, "{args:?}");
        let folder = world.store().join("quarantine");
        let entries: Vec<Value> = fs::read_dir(&folder)
            .map_or(Vec::new(), |found| found.collect())
            .into_iter()
            .flat_map(|file| {
                fs::read_to_string(file.unwrap().path()).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
            })
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect();
        let lines: Vec<_> =
            entries.iter().map(|e| (e["line"].as_u64(), e["column"].as_str().unwrap().to_owned())).collect();
        let expected = [(Some(3), "price".to_owned()), (Some(5), "price".to_owned())];
        assert_eq!(lines, if quarantined { expected.to_vec() } else { Vec::new() }, "{args:?}");
    }
}

#[test]
fn standard_input_patterns_and_folders_are_inputs() {
    let world = World::new();
    let day = world.dir.path().join("raw/day");
    fs::create_dir_all(&day).unwrap();
    for (name, security) in [("a.csv", "A"), ("b.csv.xz", "B"), ("c.txt", "C"), (".hidden", "H")] {
        let plain = trades(security, &[(1, "1.5", "2")]);
        let bytes = if name.ends_with("xz") { xz(plain.as_bytes()) } else { plain.into_bytes() };
        fs::write(day.join(name), bytes).unwrap();
    }
    let securities = |output: &Output| -> Vec<String> {
        let stdout = text(&output.stdout);
        assert_eq!(code(output), 0, "{}", text(&output.stderr));
        let mut found: Vec<_> = stdout.lines().map(|line| line.split(' ').nth(3).unwrap().to_owned()).collect();
        found.sort();
        found
    };
    assert_eq!(securities(&import(&world, &["raw/**/*.csv", "--plain"])), ["A"]);
    assert_eq!(securities(&import(&world, &["raw", "--plain"])), ["B", "C"]);
    let from_stdin = import_from(&world, &["-", "raw/day/a.csv", "--plain"], |stdin| {
        stdin.write_all(&gzip(trades("S", &[(1, "1.5", "2")]).as_bytes())).unwrap();
    });
    assert_eq!(securities(&from_stdin), ["S"]);
    // The same content under a name is the same source.
    world.file("s.csv", trades("S", &[(1, "1.5", "2")]));
    assert_eq!(securities(&import(&world, &["s.csv", "--plain"])), [""; 0]);
    let nothing = import_from(&world, &["-"], |_| {});
    assert_eq!(code(&nothing), 3, "{}", text(&nothing.stderr));
}

#[test]
fn a_dry_run_writes_nothing_and_is_short_for_deep_books() {
    let world = World::new();
    let book = demo()[0].to_str().unwrap().to_owned();
    let output = import(&world, &[&book, "--dry-run"]);
    let shown = text(&output.stdout);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(!world.store().exists());
    assert!(
        shown.contains("tardis (the header names Tardis book_snapshot_25)") && shown.contains("bid_px_01"),
        "{shown}"
    );
    assert!(shown.contains("and 92 columns of the levels 02 to 24") && !shown.contains("bid_px_02"), "{shown}");
    assert!(shown.lines().all(|line| line.chars().count() < 250), "{shown}");
    let plain = text(&import(&world, &[&book, "--dry-run", "--plain"]).stdout);
    assert!(plain.contains("binance-futures BTCUSDT 2024-07-18: ") && !plain.contains("ask_sz_24"), "{plain}");
    let json = report(&import(&world, &[&book, "--dry-run", "--json"]));
    assert_eq!(json["tables"][0]["columns"].as_array().unwrap().len(), 104);
}

#[test]
fn headers_in_the_middle_and_a_cut_last_line() {
    let world = World::new();
    let (first, second) = (five(&[]), trades("Y", &[(7, "3", "1"), (8, "4", "1")]));
    let cut = format!("{first}\n{}", &second[..second.len() - 3]);
    world.file("joined.csv", cut);
    let output = import(&world, &["joined.csv", "--json"]);
    let json = report(&output);
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let source = &json["sources"][0];
    assert_eq!(source["skipped"], serde_json::json!({"header": 2, "blank line": 1}));
    assert_eq!((source["stored"].as_u64(), source["rejected"].as_u64()), (Some(6), Some(1)));
}

#[test]
fn an_interrupted_run_leaves_a_whole_store_and_goes_on() {
    for (signal, wanted) in [(rustix::process::Signal::INT, 130), (rustix::process::Signal::TERM, 143)] {
        let world = World::new();
        world.file("a.csv", trades("A", &[(1, "1", "1")]));
        assert_eq!(code(&import(&world, &["a.csv"])), 0);
        let before = units(&world.store());
        let mut child = command(&world, &["-", "--plain"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // More than the head that is read before the store is opened.
        stdin.write_all(&trades("B", &[(1, "1", "1")]).repeat(10_000).into_bytes()).unwrap();
        let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), wanted, "{}", text(&output.stderr));
        assert_eq!((units(&world.store()), text(&output.stdout).as_str()), (before, ""));
        assert!(text(&output.stderr).contains("run the same command again"));
        let after = import_from(&world, &["-", "--plain"], |stdin| {
            stdin.write_all(trades("B", &[(1, "1", "1")]).as_bytes()).unwrap();
        });
        assert_eq!((code(&after), text(&after.stdout).trim()), (0, "published trades binance B 2024-08-08 1"));
    }
}

#[test]
fn a_million_columns_are_refused_or_rejected() {
    let world = World::new();
    let wide: String = (0..1_000_000).map(|n| format!("c{n},")).collect();
    world.file("wide.csv", format!("{wide}\n{}\n", "1,".repeat(1_000_000)));
    let output = import(&world, &["wide.csv"]);
    assert_eq!(code(&output), 3, "{}", text(&output.stderr));
    assert!(text(&output.stderr).len() < 2_000);
    world.file("row.csv", format!("{}{}\n", five(&[]), "1,".repeat(1_000_000)));
    let output = import(&world, &["row.csv", "--json", "--memory", "128MiB"]);
    assert_eq!(code(&output), 1);
    let json = report(&output);
    assert_eq!((json["sources"][0]["stored"].as_u64(), json["rejected"].as_u64()), (Some(5), Some(1)));
    within(&json, 128);
}

/// Peak memory of the run is within its budget.
fn within(report: &Value, mib: u64) {
    let peak = report["peak_memory"].as_u64().unwrap();
    assert!(peak > 0 && peak <= mib << 20, "{peak} bytes of {mib} MiB");
}

#[test]
fn a_line_of_a_gigabyte_is_one_reject_within_the_budget() {
    let world = World::new();
    let rows = five(&[]);
    let length = 1_u64 << 30;
    let output = import_from(&world, &["-", "--json", "--memory", "128MiB"], |stdin| {
        stdin.write_all(rows.as_bytes()).unwrap();
        let block = vec![b'7'; 1 << 20];
        for _ in 0..length >> 20 {
            stdin.write_all(&block).unwrap();
        }
        stdin.write_all(b"\n").unwrap();
        stdin.write_all(trades("Y", &[(1, "1", "1")]).as_bytes()).unwrap();
    });
    assert_eq!(code(&output), 1, "{}", text(&output.stderr));
    let json = report(&output);
    let source = &json["sources"][0];
    assert_eq!((source["stored"].as_u64(), source["rejected"].as_u64()), (Some(6), Some(1)), "{json}");
    within(&json, 128);
    let name = json["quarantine"][0].as_str().unwrap().to_owned();
    let entry: Value =
        serde_json::from_str(fs::read_to_string(world.store().join("quarantine").join(name)).unwrap().trim()).unwrap();
    assert_eq!((entry["length"].as_u64(), entry["line"].as_u64()), (Some(length), Some(7)));
    assert!(entry["reason"].as_str().unwrap().contains("--max-line"));
}

#[test]
fn a_small_stream_of_much_stays_within_the_budget() {
    let world = World::new();
    // Rows, then a line of 256 MiB in a few kilobytes.
    let bomb = [five(&[]).into_bytes(), vec![b'7'; 256 << 20]].concat();
    let packed = xz(&bomb);
    drop(bomb);
    assert!(packed.len() < 1 << 20);
    world.file("bomb.csv.xz", &packed);
    let output = import(&world, &["bomb.csv.xz", "--json", "--memory", "128MiB", "--max-rejects", "1"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let json = report(&output);
    assert_eq!((json["sources"][0]["stored"].as_u64(), json["rejected"].as_u64()), (Some(5), Some(1)));
    within(&json, 128);
}
