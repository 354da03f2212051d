//! Some partitions of a store are damaged, each in a file and a way of its own: `verify --list-bad` names just those files,
//! `compute` fails only such partitions and does the others, `import --repair` brings every byte back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use fastrand::Rng;

use super::{Ground, TABLES, copy, overwrite, securities, trades};
use crate::crash::{compare, contents, files_below};

const PARTITIONS: usize = 12;

pub(super) fn run(ground: &Ground, rounds: usize) -> Result<String, String> {
    let names = securities('S', PARTITIONS);
    let files = [
        ground.write("first.csv", trades(&names, 0, 150))?,
        ground.write("second.csv", trades(&names[..PARTITIONS / 2], 150, 200))?,
    ];
    let base = ground.store("base")?;
    for file in &files {
        ground.good(&["import", file, "--store", &base])?;
    }
    let gold = ground.store("gold")?;
    copy(&base, &gold)?;
    ground.good(&compute(&gold))?;
    let whole = contents(&ground.program, gold.as_ref())?;
    let mut rng = Rng::with_seed(ground.seed);
    let (mut damaged, mut failed, mut ways) = (0, 0, BTreeMap::new());
    for round in 0..rounds {
        let store = ground.store(format!("round-{round}"))?;
        copy(&base, &store)?;
        let broken = break_some(&store, &mut rng, &mut ways)?;
        damaged += broken.len();
        let told = |what: String| format!("round {round}, {broken:?}: {what}");
        failed += check(ground, &store, &broken, &whole.files).map_err(told)?;
        ground.good(&["import", "--repair", "--store", &store]).map_err(told)?;
        // What failed is computed now, what did not fail stays.
        ground.good(&compute(&store)).map_err(told)?;
        ground.good(&["verify", "--store", &store]).map_err(told)?;
        compare(&whole, &contents(&ground.program, store.as_ref())?).map_err(told)?;
        fs::remove_dir_all(&store).map_err(|e| e.to_string())?;
    }
    let ways: Vec<String> = ways.into_iter().map(|(way, count)| format!("{count} {way}")).collect();
    Ok(format!(
        "{rounds} rounds, {damaged} of {} partitions damaged ({}): just their files named by verify; {failed} failed in compute, which \
         read what was damaged, every other output right; after the repair every byte as before",
        rounds * PARTITIONS,
        ways.join(", ")
    ))
}

fn compute(store: &str) -> Vec<&str> {
    [&["compute", "--store", store, "--threads", "2"][..], &TABLES].concat()
}

/// Damages one file of each of some partitions; their paths beneath the store.
fn break_some(
    store: &str,
    rng: &mut Rng,
    ways: &mut BTreeMap<&'static str, usize>,
) -> Result<BTreeSet<String>, String> {
    let root = Path::new(store);
    let mut by_partition: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files_below(root)?.into_iter().filter(|file| file.starts_with("venue=")) {
        let (folder, _) = file.rsplit_once('/').ok_or("a file outside folders")?;
        by_partition.entry(folder.to_owned()).or_default().push(file);
    }
    let mut partitions: Vec<Vec<String>> = by_partition.into_values().collect();
    rng.shuffle(&mut partitions);
    let mut broken = BTreeSet::new();
    for files in &partitions[..rng.usize(1..=PARTITIONS / 2)] {
        let name = &files[rng.usize(..files.len())];
        let path = root.join(name);
        let mut bytes = fs::read(&path).map_err(|e| format!("{name}: {e}"))?;
        let at = rng.usize(..bytes.len());
        let way = match rng.u8(..6) {
            0 => {
                bytes[at] ^= 1 << rng.u8(..8);
                "flipped bits"
            }
            1 => {
                let to = bytes.len().min(at + 4);
                bytes[at..to].iter_mut().for_each(|byte| *byte ^= rng.u8(1..));
                "bursts"
            }
            2 => {
                bytes.truncate(at);
                "cut"
            }
            3 => {
                bytes.extend((0..=rng.usize(..600)).map(|n| n as u8));
                "longer"
            }
            4 => {
                let to = bytes.len().min(at + 512);
                bytes[at..to].iter_mut().for_each(|byte| *byte = !*byte);
                "other sectors"
            }
            _ => {
                fs::remove_file(&path).map_err(|e| format!("{name}: {e}"))?;
                "gone"
            }
        };
        if path.exists() {
            overwrite(&path, &bytes)?;
        }
        *ways.entry(way).or_default() += 1;
        broken.insert(name.clone());
    }
    Ok(broken)
}

fn check(
    ground: &Ground,
    store: &str,
    broken: &BTreeSet<String>,
    whole: &BTreeMap<String, Vec<u8>>,
) -> Result<usize, String> {
    let end = ground.run(&["verify", "--list-bad", "--store", store])?;
    let named: BTreeSet<String> = end.told().lines().map(str::to_owned).collect();
    // A manifest that is gone is named by its folder: without it that is no partition.
    let is_gone = |name: &str| name.ends_with(".hftm") && !Path::new(store).join(name).exists();
    let folder = |name: &String| name.rsplit_once('/').map_or_else(String::new, |(folder, _)| folder.to_owned());
    let wanted: BTreeSet<String> =
        broken.iter().map(|name| if is_gone(name) { folder(name) } else { name.clone() }).collect();
    if end.code != 1 || named != wanted {
        return Err(format!("verify ended with {} and named {named:?}", end.code));
    }
    let end = ground.run(&compute(store))?;
    let security = |name: &str| name.split('/').find_map(|part| part.strip_prefix("security=")).map(str::to_owned);
    let damaged: BTreeSet<String> = broken.iter().filter_map(|name| security(name)).collect();
    let said = end.said();
    let named = |line: &str| Some(line.strip_prefix("failed binance ")?.split(' ').next()?.to_owned());
    let failed: BTreeSet<String> = said.lines().filter_map(named).collect();
    // A damaged column that no feature reads harms no feature.
    if end.code != i32::from(!failed.is_empty()) || !failed.is_subset(&damaged) {
        return Err(format!("compute ended with {}: {said}", end.code));
    }
    let done: Vec<String> =
        files_below(Path::new(store))?.into_iter().filter(|name| name.starts_with("features/")).collect();
    // To readers a folder without a manifest is no partition: those are for `verify` to tell.
    let unseen: BTreeSet<String> =
        broken.iter().filter(|name| is_gone(name)).filter_map(|name| security(name)).collect();
    let wanted = |name: &&String| {
        let is_left_out = |security: String| failed.contains(&security) || unseen.contains(&security);
        name.starts_with("features/") && !security(name).is_some_and(is_left_out)
    };
    if !done.iter().eq(whole.keys().filter(wanted)) {
        return Err(format!("other outputs than those of the partitions that did not fail: {done:?}"));
    }
    for name in &done {
        let bytes = fs::read(Path::new(store).join(name)).map_err(|e| format!("{name}: {e}"))?;
        if whole.get(name) != Some(&bytes) {
            return Err(format!("{name} has other bytes"));
        }
    }
    Ok(failed.len())
}
