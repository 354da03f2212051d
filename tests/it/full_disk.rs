//! A disk that is really full or may not be written, where mounting a file system in memory is allowed; a limit of the file size.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cli::hftcol;
use crate::import::{World, tree};

/// A file system of its own, gone with the value.
struct Mount<'a>(&'a Path);

impl<'a> Mount<'a> {
    fn new(at: &'a Path, size: &str) -> Option<Self> {
        fs::create_dir_all(at).unwrap();
        let made = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(at).output();
        made.is_ok_and(|output| output.status.success()).then_some(Self(at))
    }

    fn remount(&self, option: &str) {
        let done = Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(self.0).status().unwrap();
        assert!(done.success());
    }

    fn resize(&self, size: &str) {
        self.remount(&format!("size={size}"));
    }
}

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

/// Trades of eight securities whose sizes do not compress well.
fn input(world: &World) -> String {
    let mut text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned();
    let mut state = 1_u64;
    for n in 0..40_000_u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let ts = 1_723_075_200_000_000 + n * 1_000;
        let (price, size) = (state >> 40, (state >> 20) % 1_000_003 + 1);
        text += &format!("binance,S{},{ts},{},{},buy,{price}.5,{size}\n", n % 8, ts + state % 977, state >> 8);
    }
    world.file("a.csv", text).to_str().unwrap().to_owned()
}

#[test]
fn a_full_disk_is_told_and_the_same_command_succeeds_when_there_is_room() {
    let world = World::new();
    let input = input(&world);
    let reference = world.store();
    let good = hftcol(&["import", &input, "--store", reference.to_str().unwrap()]);
    assert_eq!(good.status.code(), Some(0));
    let place = world.dir.path().join("small");
    let Some(mount) = Mount::new(&place, "128k") else {
        eprintln!("skipped: mounting a file system is not permitted here");
        return;
    };
    let store = place.join("store");
    let store = store.to_str().unwrap();
    let mut refused = 0;
    for size in ["128k", "256k", "384k", "512k", "768k", "1m"] {
        mount.resize(size);
        let output = hftcol(&["import", &input, "--store", store]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.code() == Some(0) {
            break;
        }
        refused += 1;
        assert_eq!(output.status.code(), Some(5), "{size}: {said}");
        assert!(said.contains("No space left on device"), "{size}: {said}");
        if Path::new(store).join("hftcol-store.json").exists() {
            let verified = hftcol(&["verify", "--store", store]);
            assert_eq!(verified.status.code(), Some(0), "{size}: {}", String::from_utf8_lossy(&verified.stdout));
        }
    }
    assert!(refused > 1);
    mount.resize("64m");
    assert_eq!(hftcol(&["import", &input, "--store", store]).status.code(), Some(0));
    assert!(tree(Path::new(store)) == tree(&reference));
    // No room for the features, then for the export, then for both.
    let out = place.join("out");
    let out = out.to_str().unwrap();
    let commands =
        [vec!["compute", "--store", store, "--tables", "trades"], vec!["export", "--store", store, "--out", out]];
    for command in commands {
        // Pages of four KiB, and a little room to begin with.
        let files = walkdir::WalkDir::new(&place).into_iter().map(|entry| entry.unwrap().metadata().unwrap());
        let used: u64 = files.map(|file| file.len().div_ceil(4_096) * 4 + 4).sum();
        mount.resize(&format!("{}k", used + 40));
        let output = hftcol(&command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{command:?}: {said}");
        assert!(said.contains("No space left on device"), "{said}");
        assert_eq!(hftcol(&["verify", "--store", store]).status.code(), Some(0));
        mount.resize("64m");
        assert_eq!(hftcol(&command).status.code(), Some(0), "{command:?}");
    }
}

#[test]
fn a_store_that_may_only_be_read_is_read_and_says_so_when_it_should_be_written() {
    let world = World::new();
    let input = input(&world);
    let place = world.dir.path().join("small");
    let Some(mount) = Mount::new(&place, "64m") else {
        eprintln!("skipped: mounting a file system is not permitted here");
        return;
    };
    let store = place.join("store");
    let store = store.to_str().unwrap();
    assert_eq!(hftcol(&["import", &input, "--store", store]).status.code(), Some(0));
    let whole = tree(Path::new(store));
    mount.remount("ro");
    let out = world.dir.path().join("out");
    let out = out.to_str().unwrap();
    for command in [&["verify"][..], &["ls"], &["status"], &["export", "--out", out], &["compute", "--output", "null"]]
    {
        let output = hftcol(&[command, &["--store", store]].concat());
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let other = world.file("b.csv", fs::read_to_string(&input).unwrap().replace(",S1,", ",T1,"));
    let writing = [&["import", other.to_str().unwrap(), "--overlap", "skip"][..], &["compute", "--tables", "trades"]];
    for command in writing {
        let output = hftcol(&[command, &["--store", store]].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{command:?}: {said}");
        assert!(said.contains("Read-only file system") && said.contains(store), "{command:?}: {said}");
    }
    mount.remount("rw");
    assert!(tree(Path::new(store)) == whole);
    for command in writing {
        let output = hftcol(&[command, &["--store", store]].concat());
        assert_eq!(output.status.code(), Some(0), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_limit_of_the_file_size_is_told_and_the_same_command_succeeds_without_it() {
    let world = World::new();
    let input = input(&world);
    let (store, reference) = (world.dir.path().join("limited"), world.store());
    let paths = [&store, &reference].map(|path| path.to_str().unwrap());
    let limited = |blocks: u32, command: &[&str]| {
        let limit = format!("ulimit -f {blocks}; exec \"$@\"");
        Command::new("sh").args(["-c", &limit, "sh", env!("CARGO_BIN_EXE_hftcol")]).args(command).output().unwrap()
    };
    let commands: [&[&str]; 2] = [&["import", &input], &["compute", "--tables", "trades"]];
    for command in commands {
        let of = |store| [command, &["--store", store]].concat();
        let mut refused = 0;
        for blocks in [0, 1, 8, 64] {
            let output = limited(blocks, &of(paths[0]));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.code() == Some(0) {
                break;
            }
            refused += 1;
            // Partitions whose files are short enough could be computed.
            let codes = if command[0] == "import" { [Some(5), Some(5)] } else { [Some(5), Some(1)] };
            assert!(codes.contains(&output.status.code()), "{command:?} {blocks}: {said} {:?}", output.status);
            assert!(said.contains("File too large"), "{command:?} {blocks}: {said}");
            if store.join("hftcol-store.json").exists() {
                assert_eq!(hftcol(&["verify", "--store", paths[0]]).status.code(), Some(0), "{command:?} {blocks}");
            }
        }
        assert!(refused > 1, "{command:?}");
        for store in paths {
            assert_eq!(hftcol(&of(store)).status.code(), Some(0), "{command:?}");
        }
        assert!(tree(&store) == tree(&reference));
    }
}
