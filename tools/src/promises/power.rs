//! Power cuts on a real ext4: a file system in a file is shut down while a run writes to it, so that what was not synced and
//! what the journal did not commit is gone, as `EXT4_IOC_SHUTDOWN` without a flush of the log does it. Then it is mounted
//! again, its journal is replayed, and the store must verify, hold every unit that was acknowledged, and become the store of
//! an undisturbed run by the same command. Needs root, loop devices, mkfs.ext4 and Python 3.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{End, Ground, TABLES, copy, owned, securities, trades};
use crate::crash::{Contents, compare, contents};

/// Size of the file system.
const DISK_BYTES: u64 = 256 << 20;
/// Partitions of a run.
const PARTITIONS: usize = 40;
/// Waits for a line, then shuts the file system of a folder down: 0x8004587d is `EXT4_IOC_SHUTDOWN`, 2 its `NOLOGFLUSH`.
const SHUTDOWN: &str = "import fcntl, os, struct, sys\nfd = os.open(sys.argv[1], os.O_RDONLY)\nsys.stdin.readline()\n\
    fcntl.ioctl(fd, 0x8004587d, struct.pack('I', 2))\n";

const KINDS: [&str; 3] = ["import", "compute", "compact"];

pub(super) fn run(ground: &Ground, rounds: usize) -> Result<String, String> {
    let disk = match Disk::new(&ground.folder) {
        Ok(disk) => disk,
        Err(reason) => return Ok(format!("skipped: no ext4 can be made and mounted here ({reason})")),
    };
    let mut scenes = KINDS.iter().map(|kind| Scene::new(ground, kind)).collect::<Result<Vec<_>, _>>()?;
    scenes.iter_mut().try_for_each(|scene| scene.time(ground, &disk))?;
    let mut rng = Rng::with_seed(ground.seed);
    let (mut acknowledged, mut cuts) = (0, BTreeMap::new());
    for round in 0..rounds {
        let scene = &scenes[round % KINDS.len()];
        let told = |what: String| format!("round {round}, {}: {what}", scene.kind);
        disk.mount()?;
        let store = disk.at.join("store");
        // Sometimes what recovers is cut, too.
        for again in 0..1 + usize::from(rng.u8(..4) == 0) {
            if again == 0 {
                scene.begin(&store)?;
            }
            let (acks, code) = scene.cut(ground, &disk, &store, &mut rng).map_err(told)?;
            disk.remount().map_err(told)?;
            scene.check(ground, &store, &acks).map_err(told)?;
            acknowledged += acks.len();
            *cuts.entry((scene.kind, code)).or_insert(0_usize) += 1;
        }
        ground.good(&scene.words(&store)?).map_err(told)?;
        compare(&scene.whole, &contents(&ground.program, &store)?).map_err(told)?;
        fs::remove_dir_all(&store).map_err(|e| told(e.to_string()))?;
        disk.unmount()?;
    }
    let cuts: Vec<String> = cuts.iter().map(|((kind, code), count)| format!("{kind} exit {code}: {count}")).collect();
    Ok(format!("{rounds} rounds, {acknowledged} acknowledgements, none lost ({})", cuts.join(", ")))
}

/// A run that is cut, and what it makes when it is not.
struct Scene {
    kind: &'static str,
    input: String,
    /// The store in front of the run, if there is one.
    before: Option<PathBuf>,
    whole: Contents,
    usual: Duration,
}

impl Scene {
    fn new(ground: &Ground, kind: &'static str) -> Result<Self, String> {
        let names = securities('S', PARTITIONS);
        let input = ground.write("power.csv", trades(&names, 0, 400))?;
        let later = ground.write("later.csv", trades(&names, 400, 500))?;
        let (gold, before) = (ground.folder.join(format!("{kind}-gold")), ground.folder.join(format!("{kind}-before")));
        if kind != "import" {
            ground.good(&["import", &input, "--store", &super::word(&before)?])?;
            ground.good(&["import", &later, "--store", &super::word(&before)?])?;
            copy(&before, &gold)?;
        }
        let before = (kind != "import").then_some(before);
        let mut scene = Self { kind, input, before, whole: Contents::default(), usual: Duration::ZERO };
        ground.good(&scene.words(&gold)?)?;
        scene.whole = contents(&ground.program, &gold)?;
        Ok(scene)
    }

    /// The shortest of a few runs on the disk.
    fn time(&mut self, ground: &Ground, disk: &Disk) -> Result<(), String> {
        disk.mount()?;
        let store = disk.at.join("store");
        self.usual = Duration::MAX;
        for _ in 0..3 {
            self.begin(&store)?;
            let began = Instant::now();
            ground.good(&self.words(&store)?)?;
            self.usual = self.usual.min(began.elapsed());
            fs::remove_dir_all(&store).map_err(|e| e.to_string())?;
        }
        disk.unmount()
    }

    fn words<'a>(&'a self, store: &'a Path) -> Result<Vec<&'a str>, String> {
        let store = store.to_str().ok_or("the folder is not UTF-8")?;
        Ok(match self.kind {
            "import" => vec!["import", &self.input, "--store", store, "--plain"],
            "compute" => [&["compute", "--store", store, "--plain", "--threads", "2"], &TABLES[..]].concat(),
            _ => vec!["compact", "--store", store, "--plain"],
        })
    }

    /// The store in front of the run, on a disk that has all of it.
    fn begin(&self, store: &Path) -> Result<(), String> {
        if let Some(before) = &self.before {
            copy(before, store)?;
            let status = Command::new("sync").status().map_err(|e| e.to_string())?;
            return if status.success() { Ok(()) } else { Err("no sync".to_owned()) };
        }
        Ok(())
    }

    /// Begins the run and cuts the power after a while: what was acknowledged, and how the run ended.
    fn cut(&self, ground: &Ground, disk: &Disk, store: &Path, rng: &mut Rng) -> Result<(Vec<String>, i32), String> {
        let mut switch = disk.switch()?;
        let child = ground.start(&owned(&self.words(store)?))?;
        // Some cuts come when all is told and nothing more should be on its way.
        std::thread::sleep(self.usual.mul_f64(rng.f64() * 1.1));
        if let Some(mut line) = switch.stdin.take() {
            line.write_all(b"\n").map_err(|e| e.to_string())?;
        }
        let cut = switch.wait().map_err(|e| e.to_string())?;
        let end = End::of(child, self.kind)?;
        if !cut.success() {
            return Err("the file system was not shut down".to_owned());
        }
        if !matches!(end.code, 0 | 1 | 4 | 5) || (end.code != 0 && end.said().trim().is_empty()) {
            return Err(format!("ended with {}: {}", end.code, end.said()));
        }
        let told = end.told();
        let acks = told.lines().filter_map(|line| line.strip_prefix("published ")).map(str::to_owned);
        Ok((acks.collect(), end.code))
    }

    /// The store verifies and holds what was acknowledged.
    fn check(&self, ground: &Ground, store: &Path, acks: &[String]) -> Result<(), String> {
        if !store.join("hftcol-store.json").exists() {
            return if acks.is_empty() { Ok(()) } else { Err("the store is gone".to_owned()) };
        }
        let store = super::word(store)?;
        ground.good(&["verify", "--store", &store])?;
        let held = ground.good(&["ls", "--store", &store, "--digest"])?;
        let set = if self.kind == "compute" { "default/" } else { "" };
        match acks.iter().find(|ack| !held.lines().any(|line| line.starts_with(&format!("{set}{ack} ")))) {
            Some(lost) => Err(format!("lost: {lost}")),
            None => Ok(()),
        }
    }
}

/// A file system in a file, mounted or not.
struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    fn new(folder: &Path) -> Result<Self, String> {
        let disk = Self { image: folder.join("disk"), at: folder.join("mounted") };
        let file = fs::File::create(&disk.image).map_err(|e| e.to_string())?;
        file.set_len(DISK_BYTES).map_err(|e| e.to_string())?;
        fs::create_dir_all(&disk.at).map_err(|e| e.to_string())?;
        call("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), disk.image.as_os_str()])?;
        disk.mount()?;
        disk.unmount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), String> {
        call("mount", &["-o".as_ref(), "loop".as_ref(), self.image.as_os_str(), self.at.as_os_str()])
    }

    fn unmount(&self) -> Result<(), String> {
        call("umount", &[self.at.as_os_str()])
    }

    fn remount(&self) -> Result<(), String> {
        self.unmount()?;
        self.mount()
    }

    /// A process that cuts the power when it reads a line.
    fn switch(&self) -> Result<Child, String> {
        let mut python = Command::new("python3");
        python.args(["-c", SHUTDOWN]).arg(&self.at).stdin(Stdio::piped());
        python.spawn().map_err(|e| format!("python3: {e}"))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // After an error it may be mounted still.
        let _ = Command::new("umount").arg(&self.at).stderr(Stdio::null()).status();
    }
}

fn call(program: &str, words: &[&std::ffi::OsStr]) -> Result<(), String> {
    let output = Command::new(program).args(words).output().map_err(|e| format!("{program}: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(()) } else { Err(format!("{program}: {}", said.trim())) }
}
