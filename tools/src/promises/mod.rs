//! `cargo tools promises`: the attacks of docs/promises.md that need the real program, other processes or so many rounds that
//! no suite should wait for them. Every attack ends at the first broken promise, and else tells what it has counted.

mod audit;
mod cuts;
mod damage;
mod hostile;
mod power;
mod races;
mod texts;

use std::ffi::OsStr;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use crate::arguments::Arguments;
use crate::crash::{build, finish};

/// Name, rounds where none are given, entry point.
type Attack = (&'static str, usize, fn(&Ground, usize) -> Result<String, String>);

const ATTACKS: &[Attack] = &[
    ("races", 200, races::run),
    ("damage", 200, damage::run),
    ("cuts", 500, cuts::run),
    ("hostile", 1_000, hostile::run),
    ("power", 500, power::run),
    ("audit", 1, audit::run),
];

/// The features that attacks compute: quick ones.
const TABLES: [&str; 2] = ["--tables", "trades,bars_60s"];

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let rounds: Option<usize> = arguments.take("--rounds")?;
    let seed: u64 = arguments.take("--seed")?.unwrap_or(1);
    let only: Option<String> = arguments.take("--attack")?;
    let dir: PathBuf = arguments.take("--dir")?.unwrap_or_else(std::env::temp_dir);
    let program: Option<PathBuf> = arguments.take("--program")?;
    arguments.finish()?;
    let program = program.map_or_else(build, Ok)?;
    let whole = dir.join(format!("hftcol-promises-{}", std::process::id()));
    for (name, usual, attack) in ATTACKS.iter().filter(|(name, ..)| only.as_deref().is_none_or(|only| only == *name)) {
        let ground = Ground { program: program.clone(), folder: whole.join(name), seed };
        fs::create_dir_all(&ground.folder).map_err(|e| format!("{}: {e}", ground.folder.display()))?;
        let told = attack(&ground, rounds.unwrap_or(*usual)).map_err(|e| format!("{name}: {e}"))?;
        println!("{name}: {told}");
    }
    fs::remove_dir_all(&whole).map_err(|e| e.to_string())
}

/// Where an attack takes place.
struct Ground {
    program: PathBuf,
    folder: PathBuf,
    seed: u64,
}

impl Ground {
    /// Writes a file and gives its path as a word of a command line.
    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<String, String> {
        let path = self.folder.join(name);
        fs::write(&path, bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        word(&path)
    }

    /// The path of a store of a name, as a word.
    fn store(&self, name: impl AsRef<Path>) -> Result<String, String> {
        word(&self.folder.join(name))
    }

    /// Runs to the end, which must be exit 0.
    fn good(&self, words: &[&str]) -> Result<String, String> {
        finish(&self.program, &owned(words))
    }

    fn start(&self, words: &[String]) -> Result<Child, String> {
        let mut command = Command::new(&self.program);
        command.args(words).env_remove("HFTCOL_STORE").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| e.to_string())
    }

    /// Runs to the end, whatever that is but a signal.
    fn run(&self, words: &[&str]) -> Result<End, String> {
        End::of(self.start(&owned(words))?, &words.join(" "))
    }
}

/// How a run ended by itself.
struct End {
    code: i32,
    output: Output,
}

impl End {
    fn of(child: Child, what: &str) -> Result<Self, String> {
        let output = child.wait_with_output().map_err(|e| e.to_string())?;
        match (output.status.code(), output.status.signal()) {
            (Some(code), _) if code != 101 => Ok(Self { code, output }),
            (code, signal) => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                Err(format!("{what}: exit {code:?}, signal {signal:?}: {said}"))
            }
        }
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }

    fn told(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }
}

fn word(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{} is not UTF-8", path.display()))
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

/// Copies a folder with everything in it.
fn copy(from: impl AsRef<OsStr>, to: impl AsRef<OsStr>) -> Result<(), String> {
    let status = Command::new("cp").arg("-r").args([from.as_ref(), to.as_ref()]).status().map_err(|e| e.to_string())?;
    if status.success() { Ok(()) } else { Err(format!("no copy of {}", from.as_ref().display())) }
}

/// Writes over a file that may be read-only.
fn overwrite(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let failed = |e: std::io::Error| format!("{}: {e}", path.display());
    set_mode(path, 0o640)?;
    fs::write(path, bytes).map_err(failed)?;
    set_mode(path, 0o440)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|e| format!("{}: {e}", path.display()))
}

/// Trades of some securities on 2024-08-08 in the Tardis layout: the seconds `from..to`, one a second and security.
fn trades(securities: &[String], from: i64, to: i64) -> String {
    let mut text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n".to_owned();
    for (number, security) in (0_i64..).zip(securities) {
        for second in from..to {
            let at = 1_723_075_200_000_000_i64 + second * 1_000_000 + number;
            let price = 1_000 + (second * 7 + number * 3) % 89;
            text += &format!(
                "binance,{security},{at},{},{second},buy,{}.{},{}\n",
                at + 9,
                price / 10,
                price % 10,
                1 + second % 5
            );
        }
    }
    text
}

/// Names of securities: the letter with numbers.
fn securities(letter: char, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{letter}{n}")).collect()
}
