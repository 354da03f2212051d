//! Hostile inputs through the real program: an exit code of the list and never a signal, within a time and the stated memory, nothing
//! printed that moves a terminal, nothing outside the store, and a store that verifies.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use fastrand::Rng;

use super::texts::{hostile, samples};
use super::{Ground, owned};

/// Seconds that no import of a small input may take.
const SECONDS: f64 = 60.0;
/// The budget of the imports, MiB.
const MEMORY: u64 = 64;

pub(super) fn run(ground: &Ground, rounds: usize) -> Result<String, String> {
    let samples = samples()?;
    let mut rng = Rng::with_seed(ground.seed);
    let (mut ends, mut peak, mut printed, mut slowest) = (BTreeMap::new(), 0, 0, 0.0_f64);
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
    let ends: Vec<String> = ends.iter().map(|(code, count)| format!("exit {code}: {count}")).collect();
    Ok(format!(
        "{rounds} inputs ({}), 0 signals, {:.1} MB printed without a control byte, peak {:.1} of {MEMORY} MiB, at most {slowest:.2} s",
        ends.join(", "),
        printed as f64 / 1e6,
        peak as f64 / 1048576.0
    ))
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
