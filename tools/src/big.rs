//! `cargo tools big`: the large import of decision 32. Generated CSV of books and trades with shuffled rows is imported with several
//! budgets, threads and so chunk sizes; every store must be the same, byte for byte. Then the same rows in order of time: the same rows.
//!
//! One input and one store lie on the disk at a time; a store is removed once its digest is taken.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

use crate::arguments::Arguments;
use crate::crash::{build, files_below, finish};
use crate::program::watched;
use crate::synth::{Layout, Order, Synth};

/// Bytes of a generated snapshot and its half a trade.
const BYTES_A_SNAPSHOT: usize = 300;
/// The runs on shuffled rows: what is said, and the options. Other threads and budgets make other chunks.
const RUNS: [(&str, &[&str]); 4] = [
    ("default budget", &["--threads", "2"]),
    ("64 MiB", &["--threads", "2", "--memory", "64MiB"]),
    ("one thread", &["--threads", "1"]),
    ("other chunks", &["--threads", "7", "--memory", "300MiB"]),
];
/// All but the place in the source.
const BOOK_COLUMNS: usize = 10;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let gigabytes: f64 = arguments.take("--gigabytes")?.unwrap_or(2.0);
    let securities: usize = arguments.take("--securities")?.unwrap_or(100);
    let days: usize = arguments.take("--days")?.unwrap_or(100);
    let dir: PathBuf = arguments.take("--dir")?.unwrap_or_else(std::env::temp_dir);
    let program: Option<PathBuf> = arguments.take("--program")?;
    let runs: usize = arguments.take("--runs")?.unwrap_or(RUNS.len());
    let there: Option<PathBuf> = arguments.take("--shuffled")?;
    let is_sorted_left_out = arguments.flag("--no-sorted");
    arguments.finish()?;
    let program = program.map_or_else(build, Ok)?;
    let folder = dir.join(format!("hftcol-big-{}", std::process::id()));
    let (raw, store) = (folder.join("raw"), folder.join("store"));
    let snapshots = (gigabytes * 1e9) as usize / BYTES_A_SNAPSHOT;
    let synth = Synth { securities, days, snapshots, trades: snapshots / 2, layout: Layout::Wide, ..Synth::default() };

    if there.is_none() {
        generate(&Synth { order: Order::Shuffled, ..synth.clone() }, &raw)?;
    }
    let shuffled = there.as_ref().unwrap_or(&raw);
    fs::create_dir_all(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut stores = Vec::new();
    let mut rows = None;
    for (name, options) in RUNS.into_iter().take(runs) {
        import(&program, (shuffled, &store), name, options)?;
        stores.push((name, digest(&store)?));
        if rows.is_none() && !is_sorted_left_out {
            finish(&program, &words_of("verify", &store))?;
            rows = Some(row_sums(&program, &store, securities)?);
        }
        remove(&store)?;
    }
    if let Some((name, _)) = stores.iter().find(|(_, digest)| *digest != stores[0].1) {
        return Err(format!("the store of `{name}` differs from that of `{}`", stores[0].0));
    }
    println!("{} stores are the same, byte for byte", stores.len());
    if is_sorted_left_out {
        return remove(&folder);
    }
    if there.is_none() {
        remove(&raw)?;
    }

    generate(&synth, &raw)?;
    import(&program, (&raw, &store), "in order of time", &["--threads", "2"])?;
    if rows != Some(row_sums(&program, &store, securities)?) {
        return Err("rows in order of time give other rows".to_owned());
    }
    println!("rows in order of time give the same rows");
    remove(&folder)
}

fn generate(synth: &Synth, raw: &Path) -> Result<(), String> {
    let started = Instant::now();
    let written = synth.write(raw).map_err(|e| format!("{}: {e}", raw.display()))?;
    println!(
        "{} snapshots and {} trades, {}, {} securities x {} days, written in {:.0} s",
        written.snapshots,
        written.trades,
        synth.order.name(),
        synth.securities,
        synth.days,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}

fn import(program: &Path, (raw, store): (&Path, &Path), name: &str, options: &[&str]) -> Result<(), String> {
    let mut words = words_of("import", store);
    words.insert(1, raw.to_string_lossy().into_owned());
    words.extend(options.iter().map(|word| (*word).to_owned()));
    let run = watched(program, &words)?;
    if run.code != Some(0) {
        return Err(format!("{name}: exit {:?}: {}", run.code, run.said));
    }
    let number = |key: &str| run.report[key].as_u64().unwrap_or(0);
    println!(
        "{name:<18} {:>8.1} s ({:.1} read, {:.1} write), peak {:>6.1} MiB, {} partitions, {} of {} rows sorted and merged, spilled {:.2} GB",
        run.wall_seconds,
        run.report["read_seconds"].as_f64().unwrap_or(0.0),
        run.report["write_seconds"].as_f64().unwrap_or(0.0),
        run.peak_bytes as f64 / f64::from(1 << 20),
        number("published"),
        rows_of(&run.report).saturating_sub(number("encoded_rows")),
        rows_of(&run.report),
        number("spilled_bytes") as f64 / 1e9
    );
    Ok(())
}

fn rows_of(report: &serde_json::Value) -> u64 {
    report["tables"].as_object().map_or(0, |tables| tables.values().filter_map(|t| t["rows"].as_u64()).sum())
}

fn words_of(command: &str, store: &Path) -> Vec<String> {
    [command, "--store", &store.to_string_lossy(), "--quiet"].map(str::to_owned).to_vec()
}

fn remove(folder: &Path) -> Result<(), String> {
    fs::remove_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))
}

/// Of the names and bytes of all files that must be the same.
fn digest(store: &Path) -> Result<u128, String> {
    let mut all = Xxh3::new();
    let mut buffer = vec![0; 1 << 20];
    for name in files_below(store)? {
        all.update(name.as_bytes());
        let mut file = File::open(store.join(&name)).map_err(|e| format!("{name}: {e}"))?;
        loop {
            let read = file.read(&mut buffer).map_err(|e| format!("{name}: {e}"))?;
            if read == 0 {
                break;
            }
            all.update(&buffer[..read]);
        }
    }
    Ok(all.digest128())
}

/// For each security and table: how many rows there are, and the sum of their hashes, which says nothing of their order.
fn row_sums(program: &Path, store: &Path, securities: usize) -> Result<BTreeMap<String, (u64, u128)>, String> {
    let levels = (0..BOOK_COLUMNS)
        .flat_map(|level| ["bid_px", "bid_sz", "ask_px", "ask_sz"].map(|part| format!("{part}_{level:02}")));
    let book = std::iter::once("ts_event".to_owned()).chain(levels).collect::<Vec<_>>().join(",");
    let mut sums = BTreeMap::new();
    for security in 0..securities {
        let name = format!("SEC{security:03}");
        for (table, columns) in [("book", book.as_str()), ("trades", "ts_event,side,trade_id,price,qty")] {
            let mut words = words_of("cat", store);
            words.extend(["--security", &name, "--table", table, "--columns", columns].map(str::to_owned));
            sums.insert(format!("{name} {table}"), row_sum(program, &words)?);
        }
    }
    Ok(sums)
}

fn row_sum(program: &Path, words: &[String]) -> Result<(u64, u128), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", words.join(" "));
    let mut child = Command::new(program).args(words).stdout(Stdio::piped()).spawn().map_err(failed)?;
    let mut lines = BufReader::with_capacity(1 << 20, child.stdout.take().ok_or("no output")?);
    let (mut rows, mut sum, mut line) = (0, 0_u128, Vec::new());
    while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        rows += 1;
        sum = sum.wrapping_add(xxh3_128(&line));
        line.clear();
    }
    let status = child.wait().map_err(failed)?;
    if status.success() { Ok((rows, sum)) } else { Err(format!("{} ended with {status}", words.join(" "))) }
}
