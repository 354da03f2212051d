//! Files are cut or written over while a process reads them: a source under its import, table files under `cat`, `compute` and
//! `verify`. No signal; an exit code with a word, or the whole answer.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{End, Ground, TABLES, copy, owned, securities, set_mode, trades};
use crate::crash::files_below;

const KINDS: [&str; 4] = ["import", "cat", "compute", "verify"];

pub(super) fn run(ground: &Ground, rounds: usize) -> Result<String, String> {
    let names = securities('S', 4);
    let text = trades(&names, 0, 12_000);
    let file = ground.write("base.csv", &text)?;
    let (base, gold) = (ground.store("base")?, ground.store("gold")?);
    ground.good(&["import", &file, "--store", &base])?;
    copy(&base, &gold)?;
    let mut usual = Vec::new();
    for kind in KINDS {
        let began = Instant::now();
        let again = ground.store("again")?;
        let store = if kind == "import" { &again } else { &gold };
        ground.good(&words(kind, store, &file).iter().map(String::as_str).collect::<Vec<_>>())?;
        usual.push(began.elapsed());
    }
    let whole = ground.good(&words("cat", &gold, "").iter().map(String::as_str).collect::<Vec<_>>())?;
    let digests = ground.good(&["ls", "--store", &gold, "--digest", "--set", "default"])?;
    let mut rng = Rng::with_seed(ground.seed);
    let mut ends: BTreeMap<(&str, i32), usize> = BTreeMap::new();
    for round in 0..rounds {
        let kind = KINDS[round % KINDS.len()];
        let store = ground.store(format!("round-{round}"))?;
        let input = ground.write("input.csv", &text)?;
        if kind != "import" {
            copy(&base, &store)?;
        }
        let told = |what: String| format!("round {round}, {kind}: {what}");
        let victims = if kind == "import" { vec![PathBuf::from(&input)] } else { tables(&store)? };
        let child = ground.start(&words(kind, &store, &input))?;
        let delay = usual[round % KINDS.len()].mul_f64(rng.f64() * 1.1);
        strike(&victims[rng.usize(..victims.len())], delay, &mut rng)?;
        let end = End::of(child, kind).map_err(told)?;
        judge(ground, (kind, &store), &end, (&whole, &digests)).map_err(told)?;
        *ends.entry((kind, end.code)).or_default() += 1;
        if Path::new(&store).exists() {
            fs::remove_dir_all(&store).map_err(|e| e.to_string())?;
        }
    }
    let ends: Vec<String> = ends.iter().map(|((kind, code), count)| format!("{kind} exit {code}: {count}")).collect();
    Ok(format!("{rounds} rounds, 0 signals, no shorter answer ({})", ends.join(", ")))
}

fn words(kind: &str, store: &str, input: &str) -> Vec<String> {
    match kind {
        "import" => owned(&["import", input, "--store", store]),
        "cat" => owned(&["cat", "--store", store, "--table", "trades", "--format", "csv"]),
        "compute" => owned(&[&["compute", "--store", store][..], &TABLES].concat()),
        _ => owned(&["verify", "--store", store]),
    }
}

fn tables(store: &str) -> Result<Vec<PathBuf>, String> {
    let files = files_below(Path::new(store))?.into_iter().filter(|name| name.ends_with(".hftc"));
    Ok(files.map(|name| Path::new(store).join(name)).collect())
}

/// Cuts a file, or writes over a stretch of it, after a while.
fn strike(path: &Path, delay: Duration, rng: &mut Rng) -> Result<(), String> {
    set_mode(path, 0o640)?;
    std::thread::sleep(delay);
    let failed = |e: std::io::Error| format!("{}: {e}", path.display());
    let file = OpenOptions::new().write(true).open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let at = rng.u64(..length);
    if rng.bool() {
        return file.set_len(at).map_err(failed);
    }
    let stretch: Vec<u8> = (0..(length - at).min(65_536)).map(|_| rng.u8(..)).collect();
    file.write_all_at(&stretch, at).map_err(failed)
}

fn judge(
    ground: &Ground,
    (kind, store): (&str, &str),
    end: &End,
    (whole, digests): (&str, &str),
) -> Result<(), String> {
    if !(0..=5).contains(&end.code) || end.code == 2 || (end.code != 0 && end.said().trim().is_empty()) {
        return Err(format!("ended with {}: {}", end.code, end.said()));
    }
    match kind {
        // The rows are of what the source was; the store is whole.
        "import" => ground.good(&["verify", "--store", store]).map(drop),
        "cat" if end.code == 0 && end.told() != *whole => Err("a shorter answer with exit 0".to_owned()),
        "compute" if end.code == 0 => {
            match ground.good(&["ls", "--store", store, "--digest", "--set", "default"])? == *digests {
                true => Ok(()),
                false => Err("other features with exit 0".to_owned()),
            }
        }
        _ => Ok(()),
    }
}
