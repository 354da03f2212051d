//! `cargo tools race`: the same import by hftcol, Polars, DuckDB and pyarrow, in turn, on generated data.
//!
//! Each job is raw text in, files by symbol and date out, in time order. A first round is not counted: it warms the page cache and
//! the peers' own caches. Then every entrant runs once a round, each round begins with another one, and each run must have the right
//! number of rows. Medians and their ratios to hftcol's are printed (`table.rs`), every run goes to `--json`.

mod entrant;
mod job;
mod measure;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::crash;
use crate::synth::Order;
use entrant::Entrant;
use job::{Input, Job, Jobs, Size};
use measure::Run;

/// What the command line asks for.
#[derive(Debug)]
struct Plan {
    jobs: Vec<Job>,
    size: Size,
    order: Order,
    rounds: usize,
    threads: usize,
    seed: u64,
    /// Our own folder; nothing outside it is written or removed.
    folder: PathBuf,
    keep: bool,
    python: Option<PathBuf>,
    program: Option<PathBuf>,
    json: Option<PathBuf>,
}

/// An entrant with its counted runs and what ended them early.
#[derive(Debug)]
struct Raced {
    entrant: Entrant,
    runs: Vec<Run>,
    failed: Option<String>,
}

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let plan = Plan::read(words)?;
    let program = plan.program.clone().map_or_else(crash::build, Ok)?;
    let versions = entrant::versions(&program, plan.python.as_deref())?;
    let (machine, load) = (machine(), load());
    let Size { name, securities, days, .. } = plan.size;
    println!("{versions}\n{machine}, load {load} at the start");
    println!(
        "size {name} ({securities} securities x {days} days), order {}, {} threads, medians of {} rounds",
        plan.order.name(),
        plan.threads,
        plan.rounds
    );
    let (mut jobs, mut failures) = (Vec::new(), 0);
    for &job in &plan.jobs {
        let (report, failed) = race(&plan, job, &program)?;
        jobs.push(report);
        failures += failed;
    }
    if let Some(path) = &plan.json {
        let report = json!({"versions": versions, "machine": machine, "load": load, "size": name,
            "order": plan.order.name(), "seed": plan.seed, "threads": plan.threads, "rounds": plan.rounds, "jobs": jobs});
        fs::write(path, format!("{report:#}\n")).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if !plan.keep {
        remove(&plan.folder)?;
    }
    if failures > 0 { Err(format!("{failures} entrants did not do their job")) } else { Ok(()) }
}

impl Plan {
    fn read(words: &[String]) -> Result<Self, String> {
        let mut arguments = Arguments::new(words);
        let jobs: Option<Jobs> = arguments.take("--jobs")?;
        let size = match arguments.take("--size")? {
            Some(size) => size,
            None => "ref".parse().map_err(|()| "no size `ref`")?,
        };
        let base = arguments.take::<PathBuf>("--dir")?;
        let plan = Self {
            jobs: jobs.map_or_else(|| Job::ALL.to_vec(), |jobs| jobs.0),
            size,
            order: arguments.take("--order")?.unwrap_or(Order::Time),
            rounds: arguments.take("--rounds")?.unwrap_or(5),
            threads: arguments.take("--threads")?.unwrap_or(2),
            seed: arguments.take("--seed")?.unwrap_or(1),
            folder: base.unwrap_or_else(std::env::temp_dir).join("hftcol-race"),
            keep: arguments.flag("--keep"),
            python: arguments.take("--python")?,
            program: arguments.take("--program")?,
            json: arguments.take("--json")?,
        };
        arguments.finish()?;
        if plan.rounds == 0 || plan.threads == 0 {
            return Err("--rounds and --threads are at least 1".to_owned());
        }
        Ok(plan)
    }
}

/// One job by all entrants; prints its table, returns its report and how many failed.
fn race(plan: &Plan, job: Job, program: &Path) -> Result<(Value, usize), String> {
    let input = Input::prepare(&plan.folder.join("data"), job, &plan.size, plan.order, plan.seed)?;
    let out = plan.folder.join("out");
    let python = plan.python.as_deref();
    let mut reference: Option<u64> = None;
    for entrant in python.iter().flat_map(|python| Entrant::references(python)) {
        let bytes = once(&entrant, plan, job, &input, &out)?.book_bytes;
        reference = Some(reference.map_or(bytes, |least| least.min(bytes)));
    }
    let with = |entrant| Raced { entrant, runs: Vec::new(), failed: None };
    let mut raced: Vec<Raced> = Entrant::all(program, python).into_iter().map(with).collect();
    for round in 0..=plan.rounds {
        for turn in turns(round, raced.len()) {
            let racer = &mut raced[turn];
            if racer.failed.is_some() {
                continue;
            }
            eprintln!("{}, round {round} of {}: {}", job.name(), plan.rounds, racer.entrant.name);
            let done = once(&racer.entrant, plan, job, &input, &out);
            let checked = if round == 0 { done.and_then(|run| racer.entrant.verify(&out).map(|()| run)) } else { done };
            match checked {
                Ok(run) if round > 0 => racer.runs.push(run),
                Ok(_) => {}
                Err(why) => racer.failed = Some(why),
            }
        }
    }
    remove(&out)?;
    let Input { bytes, rows, .. } = input;
    println!("\n{}: {} snapshots, {} trades, {bytes} bytes", job.name(), rows.snapshots, rows.trades);
    print!("{}", table::text(&raced, rows.snapshots, reference));
    let report = json!({"job": job.name(), "input_bytes": bytes, "snapshots": rows.snapshots, "trades": rows.trades,
        "parquet_zstd_3_book_bytes": reference, "entrants": table::as_json(&raced)});
    Ok((report, raced.iter().filter(|r| r.failed.is_some()).count()))
}

/// The order of a round: each begins one further on, so that nobody always follows the same one.
fn turns(round: usize, entrants: usize) -> impl Iterator<Item = usize> {
    (0..entrants).map(move |turn| (turn + round) % entrants)
}

/// One run into an empty folder, with what the run before has written on disk already.
fn once(entrant: &Entrant, plan: &Plan, job: Job, input: &Input, out: &Path) -> Result<Run, String> {
    remove(out)?;
    measure::process(&mut std::process::Command::new("sync"))?;
    entrant.run(plan, job, input, out)
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {e}", folder.display())),
        _ => Ok(()),
    }
}

/// The processor's name and how many of it this process may use.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let described = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = described.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    format!("{cores} cores of {}", model.map_or("an unknown processor", |(_, name)| name))
}

/// How busy the machine has been in the last minute: figures from a busy one say little.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(words: &[&str]) -> Result<Plan, String> {
        Plan::read(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_plan_has_defaults() {
        let plan = plan(&[]).unwrap();
        assert_eq!((plan.jobs.len(), plan.size.name, plan.rounds, plan.threads, plan.keep), (2, "ref", 5, 2, false));
        assert!(plan.folder.ends_with("hftcol-race"));
    }

    #[test]
    fn the_plan_is_as_asked() {
        let words = [
            "--keep",
            "--dir",
            "/d",
            "--jobs",
            "import-ndjson",
            "--size",
            "big",
            "--order",
            "shuffled",
            "--rounds",
            "3",
        ];
        let plan = plan(&words).unwrap();
        assert_eq!((plan.jobs, plan.size.days, plan.order, plan.rounds), (vec![Job::Ndjson], 30, Order::Shuffled, 3));
        assert_eq!((plan.folder, plan.keep), (PathBuf::from("/d/hftcol-race"), true));
    }

    #[test]
    fn a_plan_that_cannot_be_is_refused() {
        for words in
            [&["--size", "huge"][..], &["--rounds", "0"], &["--jobs", "compute"], &["--keep", "it"], &["--dir"]]
        {
            assert!(plan(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn every_round_has_everybody_and_another_first() {
        let rounds: Vec<Vec<usize>> = (0..3).map(|round| turns(round, 3).collect()).collect();
        assert_eq!(rounds, [[0, 1, 2], [1, 2, 0], [2, 0, 1]]);
    }
}
