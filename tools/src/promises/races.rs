//! Writers and readers of one store at once, started and killed at random moments: of the writers each works, waits, or says who
//! has the lock; readers see a published state; commands that are run afterwards find no lock and end in the undisturbed store.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant};

use fastrand::Rng;

use super::{End, Ground, TABLES, copy, owned, securities, trades};
use crate::crash::{Contents, compare, contents};

/// Moments of a round: the longest delay before a start.
const SPAN: Duration = Duration::from_millis(60);

/// One process of a round.
struct Racer {
    words: Vec<String>,
    start: Duration,
    kill: Option<Duration>,
    child: Option<Child>,
    killed: bool,
}

impl Racer {
    fn is_reader(&self) -> bool {
        ["verify", "cat", "ls"].contains(&self.words[0].as_str())
    }

    fn waits(&self) -> bool {
        self.words.iter().any(|word| word == "--wait")
    }
}

struct Course<'a> {
    ground: &'a Ground,
    /// Rows that every store begins with, and two files whose rows follow: of the same securities and of others.
    files: [String; 3],
    /// What `cat` may print.
    states: Vec<Vec<u8>>,
    gold: Contents,
    digests: String,
}

pub(super) fn run(ground: &Ground, rounds: usize) -> Result<String, String> {
    let (old, new) = (securities('A', 4), securities('B', 4));
    let files = [
        ground.write("base.csv", trades(&old, 0, 250))?,
        ground.write("more.csv", trades(&old, 250, 500))?,
        ground.write("other.csv", trades(&new, 0, 250))?,
    ];
    let (base, gold) = (ground.store("base")?, ground.store("gold")?);
    ground.good(&["import", &files[0], "--store", &base])?;
    copy(&base, &gold)?;
    let mut states = vec![ground.run(&cat(&gold))?.output.stdout];
    for file in &files[1..] {
        ground.good(&["import", file, "--store", &gold])?;
    }
    states.push(ground.run(&cat(&gold))?.output.stdout);
    ground.good(&compute(&gold))?;
    let digests = ground.good(&["ls", "--store", &gold, "--digest", "--set", "default"])?;
    let gold = raw_contents(ground, &gold)?;
    let course = Course { ground, files, states, gold, digests };
    let mut rng = Rng::with_seed(ground.seed);
    let mut counts = Counts::default();
    for round in 0..rounds {
        let store = ground.store(format!("round-{round}"))?;
        copy(&base, &store)?;
        course.round(&store, &mut rng, &mut counts).map_err(|e| format!("round {round}: {e}"))?;
        fs::remove_dir_all(&store).map_err(|e| e.to_string())?;
    }
    let Counts { processes, kills, locked, reads } = counts;
    Ok(format!(
        "{rounds} rounds, {processes} processes, {kills} killed, {locked} told who has the lock, {reads} reads of a published \
         state: 0 violations, every store equals the undisturbed one"
    ))
}

#[derive(Default)]
struct Counts {
    processes: usize,
    kills: usize,
    locked: usize,
    reads: usize,
}

fn cat(store: &str) -> [&str; 9] {
    ["cat", "--store", store, "--security", "A0", "--table", "trades", "--format", "csv"]
}

fn compute(store: &str) -> Vec<&str> {
    [&["compute", "--store", store, "--threads", "1"][..], &TABLES].concat()
}

/// The imported files of a store: what an undisturbed one has the same.
fn raw_contents(ground: &Ground, store: &str) -> Result<Contents, String> {
    let mut all = contents(&ground.program, store.as_ref())?;
    all.files.retain(|name, _| !name.starts_with("features") && !name.starts_with(".staging"));
    Ok(all)
}

impl Course<'_> {
    fn round(&self, store: &str, rng: &mut Rng, counts: &mut Counts) -> Result<(), String> {
        let imports = [1, 2].map(|file| vec!["import", &self.files[file], "--store", store]);
        let mut racers = Vec::new();
        let moment = |rng: &mut Rng| SPAN.mul_f64(rng.f64());
        for words in [imports[rng.usize(..2)].clone(), imports[rng.usize(..2)].clone(), compute(store), compute(store)]
        {
            let mut words = owned(&words);
            if rng.bool() {
                words.push("--wait".to_owned());
            }
            let start = moment(rng);
            let kill = (rng.u8(..3) == 0).then(|| start + moment(rng));
            racers.push(Racer { words, start, kill, child: None, killed: false });
        }
        for words in [owned(&cat(store)), owned(&cat(store)), owned(&["verify", "--store", store])] {
            racers.push(Racer { words, start: moment(rng), kill: None, child: None, killed: false });
        }
        self.go(&mut racers)?;
        for racer in racers {
            counts.processes += 1;
            self.judge(racer, counts)?;
        }
        // Without --wait: no lock outlives its holder.
        for file in &self.files[1..] {
            self.ground.good(&["import", file, "--store", store])?;
        }
        self.ground.good(&compute(store))?;
        self.ground.good(&["verify", "--store", store])?;
        compare(&self.gold, &raw_contents(self.ground, store)?)?;
        match self.ground.good(&["ls", "--store", store, "--digest", "--set", "default"])? == self.digests {
            true => Ok(()),
            false => Err("other features".to_owned()),
        }
    }

    /// Starts and kills each at its moment.
    fn go(&self, racers: &mut [Racer]) -> Result<(), String> {
        let began = Instant::now();
        loop {
            let now = began.elapsed();
            let mut left = false;
            for racer in &mut *racers {
                match &mut racer.child {
                    None if racer.start <= now => racer.child = Some(self.ground.start(&racer.words)?),
                    Some(child) if racer.kill.is_some_and(|at| at <= now) => {
                        racer.kill = None;
                        if child.try_wait().map_err(|e| e.to_string())?.is_none() {
                            child.kill().map_err(|e| e.to_string())?;
                            racer.killed = true;
                        }
                    }
                    _ => {}
                }
                left |= racer.child.is_none() || racer.kill.is_some();
            }
            if !left {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn judge(&self, mut racer: Racer, counts: &mut Counts) -> Result<(), String> {
        let Some(mut child) = racer.child.take() else { return Err("never started".to_owned()) };
        if racer.killed {
            counts.kills += 1;
            return child.wait().map(drop).map_err(|e| e.to_string());
        }
        let what = racer.words.join(" ");
        let end = End::of(child, &what)?;
        let locked = end.code == 6 && !racer.is_reader() && !racer.waits() && end.said().contains("locked by");
        if !locked && end.code != 0 {
            return Err(format!("`{what}` ended with {}: {}{}", end.code, end.said(), end.told()));
        }
        counts.locked += usize::from(locked);
        counts.reads += usize::from(racer.is_reader());
        if racer.words[0] == "cat" && !self.states.contains(&end.output.stdout) {
            return Err(format!("`{what}` printed {} bytes that were never published", end.output.stdout.len()));
        }
        Ok(())
    }
}
