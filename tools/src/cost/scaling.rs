//! `cargo tools scaling`: how much faster two threads are than one, beside an arithmetic loop within the cache of a core, which shows
//! what the machine gives at that moment.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hftcol::store::{Store, Tree};

use super::Stored;
use super::market::Shape;
use crate::arguments::Arguments;
use crate::crash::{build, finish};

/// Values of the loop: half of a first-level cache.
const VALUES: usize = 2_048;

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let rows: usize = arguments.take("--rows")?.unwrap_or(100_000);
    let partitions: usize = arguments.take("--partitions")?.unwrap_or(10);
    let rounds: usize = arguments.take("--rounds")?.unwrap_or(7);
    let dir: PathBuf = arguments.take("--dir")?.unwrap_or_else(std::env::temp_dir);
    let program: Option<PathBuf> = arguments.take("--program")?;
    arguments.finish()?;
    let program = program.map_or_else(build, Ok)?;
    let stored = Stored::new(&dir, Shape { partitions, rows, spacing_ns: 50_000_000 })?;
    println!("{partitions} partitions of {rows} snapshots, every column, results dropped; {rounds} rounds");
    println!("{:>6} {:>12} {:>12} {:>12} {:>12}", "round", "1 thread s", "2 threads s", "speed-up", "of the loop");
    let (mut ours, mut loops, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds.max(1) {
        let (one_loop, two_loops) = (arithmetic(1), arithmetic(2));
        let (one, two) = (stored.compute(&program, 1, &[])?, stored.compute(&program, 2, &[])?);
        if one.total("rows_out") != two.total("rows_out") {
            return Err("two threads give other rows than one".to_owned());
        }
        let (of_compute, of_loop) = (one.wall_ms / two.wall_ms, one_loop / two_loops);
        println!(
            "{round:>6} {:>12.3} {:>12.3} {of_compute:>12.2} {of_loop:>12.2}",
            one.wall_ms / 1e3,
            two.wall_ms / 1e3
        );
        ours.push(of_compute);
        loops.push(of_loop);
        shares.push(of_compute / of_loop);
    }
    println!("medians: {:.2}, of the loop {:.2}, share {:.3}", median(ours), median(loops), median(shares));
    same_bytes(&program, &stored)
}

/// Seconds of a fixed amount of arithmetic, shared by so many threads.
fn arithmetic(threads: usize) -> f64 {
    let turns = 60_000 / threads;
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(move || {
                let mut values = [1.000_000_1_f64; VALUES];
                for _ in 0..turns {
                    for value in &mut values {
                        *value = *value * 1.000_000_1 + 1e-9;
                    }
                    black_box(&mut values);
                }
            });
        }
    });
    started.elapsed().as_secs_f64()
}

/// Computes the store on one thread and on two into sets of their own: the same files, by length and hash.
fn same_bytes(program: &Path, stored: &Stored) -> Result<(), String> {
    let store = stored.folder.to_string_lossy().into_owned();
    let mut seen = Vec::new();
    for threads in ["1", "2"] {
        let set = format!("threads{threads}");
        let words = ["compute", "--store", &store, "--threads", threads, "--set", &set].map(str::to_owned);
        finish(program, &words)?;
        let opened = Store::open(&stored.folder).map_err(|e| e.to_string())?;
        let tree = Tree::Features(set);
        let mut files = Vec::new();
        for key in opened.keys(&tree).map_err(|e| e.to_string())? {
            let manifest = opened.manifest(&tree, &key).map_err(|e| e.to_string())?;
            files.push(manifest.map(|manifest| manifest.segments));
        }
        seen.push(format!("{files:?}"));
    }
    if seen[0] != seen[1] {
        return Err("two threads write other bytes than one".to_owned());
    }
    println!("one thread and two write the same bytes");
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
