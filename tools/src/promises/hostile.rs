//! Hostile inputs through the real program: an exit code of the list and never a signal, within a time and the stated memory, nothing
//! printed that moves a terminal, nothing outside the store, and a store that verifies. What is refused is told with its place.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use fastrand::Rng;

use super::texts::{hostile, samples};
use super::{End, Ground, owned};

/// Seconds that no import of a small input may take.
const SECONDS: f64 = 60.0;
/// The share of failures that name their place: of rejects the line, the byte and the reason, of inputs the file and a line or byte.
const PLACED: f64 = 0.95;
/// The budget of the imports, MiB.
const MEMORY: u64 = 64;

pub(super) fn run(ground: &Ground, rounds: usize) -> Result<String, String> {
    let samples = samples()?;
    let mut rng = Rng::with_seed(ground.seed);
    let (mut ends, mut peak, mut printed, mut slowest) = (BTreeMap::new(), 0, 0, 0.0_f64);
    let mut places = Places::default();
    let inputs = ground.folder.join("inputs");
    fs::create_dir(&inputs).map_err(|e| e.to_string())?;
    for round in 0..rounds {
        let (name, sample) = &samples[rng.usize(..samples.len())];
        let name = if round % 9 == 0 { format!("\x1b[7m{name}\r\x07") } else { name.clone() };
        let path = inputs.join(&name);
        fs::write(&path, hostile(sample, &mut rng)).map_err(|e| e.to_string())?;
        let (input, store) = (super::word(&path)?, ground.store("store")?);
        let memory = format!("{MEMORY}MiB");
        let mut words = owned(&["import", &input, "--store", &store, "--memory", &memory, "--threads", "2"]);
        words.extend(owned([&["--json"][..], &["--plain"], &["-v"], &["--json", "--on-error", "skip"]][round % 4]));
        let told = |what: String| format!("round {round}, {name:?}, kept at {}: {what}", path.display());
        let began = Instant::now();
        let end = ground.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).map_err(told)?;
        slowest = slowest.max(began.elapsed().as_secs_f64());
        if end.code > 3 || end.code < 0 || (end.code != 0 && end.said().is_empty()) || slowest > SECONDS {
            return Err(told(format!("exit {} after {slowest:.1} s: {}", end.code, end.said())));
        }
        places.of_input(&end, &name);
        let mut all = vec![end.output.stdout.clone(), end.output.stderr.clone()];
        if Path::new(&store).exists() {
            for words in
                [&["verify", "--store", &store][..], &["ls", "--store", &store], &["inspect", "--store", &store]]
            {
                let end = ground.run(words).map_err(told)?;
                // A store in which nothing could be stored has nothing to inspect.
                if end.code != 0 && (words[0] == "verify" || end.code != 2) {
                    return Err(told(format!("{} ended with {}: {}{}", words[0], end.code, end.said(), end.told())));
                }
                all.extend([end.output.stdout, end.output.stderr]);
            }
            places.of_rejects(&store)?;
            fs::remove_dir_all(&store).map_err(|e| e.to_string())?;
        }
        for text in &all {
            printed += text.len();
            only_text(text).map_err(told)?;
        }
        peak = peak.max(peak_of(&end.told()));
        *ends.entry(end.code).or_insert(0) += 1;
        fs::remove_file(&path).map_err(|e| e.to_string())?;
        only_inputs(ground)?;
    }
    if peak > MEMORY << 20 {
        return Err(format!("a peak of {peak} bytes, over {MEMORY} MiB"));
    }
    let places = places.told()?;
    let ends: Vec<String> = ends.iter().map(|(code, count)| format!("exit {code}: {count}")).collect();
    Ok(format!(
        "{rounds} inputs ({}), 0 signals, {:.1} MB printed without a control byte, peak {:.1} of {MEMORY} MiB, at most {slowest:.2} s, {places}",
        ends.join(", "),
        printed as f64 / 1e6,
        peak as f64 / 1048576.0
    ))
}

/// How many failures were told with their place.
#[derive(Default)]
struct Places {
    inputs: u64,
    placed_inputs: u64,
    rejects: u64,
    placed_rejects: u64,
}

impl Places {
    /// An input that was refused as a whole.
    fn of_input(&mut self, end: &End, name: &str) {
        if end.code == 3 {
            let said = end.said() + &end.told();
            // Of the name what stands in front of the first byte that is escaped.
            let start = name.trim_start_matches('\x1b').split(char::is_control).next().unwrap_or_default();
            self.inputs += 1;
            self.placed_inputs +=
                u64::from(said.contains(start) && [", line ", ", byte "].iter().any(|place| said.contains(place)));
        }
    }

    /// The records in quarantine.
    fn of_rejects(&mut self, store: &str) -> Result<(), String> {
        let Ok(entries) = fs::read_dir(Path::new(store).join("quarantine")) else { return Ok(()) };
        for entry in entries {
            let text = entry.and_then(|entry| fs::read_to_string(entry.path())).map_err(|e| e.to_string())?;
            for line in text.lines() {
                let reject: serde_json::Value = serde_json::from_str(line).map_err(|e| format!("{line}: {e}"))?;
                let is_told = reject["reason"].as_str().is_some_and(|reason| !reason.is_empty());
                let is_placed = reject["line"].as_u64() > Some(0) && reject["byte_offset"].is_u64();
                self.rejects += 1;
                self.placed_rejects += u64::from(is_told && is_placed);
            }
        }
        Ok(())
    }

    fn told(&self) -> Result<String, String> {
        let Self { inputs, placed_inputs, rejects, placed_rejects } = self;
        let told =
            format!("place told of {placed_inputs} of {inputs} inputs and {placed_rejects} of {rejects} rejects");
        let share = |part: u64, whole: u64| part as f64 >= PLACED * whole as f64;
        if share(*placed_inputs, *inputs) && share(*placed_rejects, *rejects) { Ok(told) } else { Err(told) }
    }
}

/// Nothing but text: of the control bytes newline and tab, none of those of the upper half.
fn only_text(output: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(output).map_err(|e| format!("what is printed is no UTF-8: {e}"))?;
    let is_bad = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    match text.lines().find(|line| line.contains(is_bad)) {
        Some(line) => Err(format!("a control byte is printed: {line:?}")),
        None => Ok(()),
    }
}

/// The largest peak that a report in JSON names.
fn peak_of(told: &str) -> u64 {
    let reports = told.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    reports.filter_map(|report| report["peak_memory"].as_u64()).max().unwrap_or(0)
}

/// Beside the inputs nothing has come to be.
fn only_inputs(ground: &Ground) -> Result<(), String> {
    let entries = fs::read_dir(&ground.folder).map_err(|e| e.to_string())?.count();
    let inputs = fs::read_dir(ground.folder.join("inputs")).map_err(|e| e.to_string())?.count();
    if (entries, inputs) == (1, 0) {
        Ok(())
    } else {
        Err(format!("{entries} entries beside the store, {inputs} inputs"))
    }
}
