//! `cargo tools asan`: the tests under the address sanitizer, which finds reads and writes out of bounds in the islands of
//! `unsafe` and in the crates beneath. Needs the nightly toolchain.

use std::path::Path;
use std::process::Command;

use crate::arguments::Arguments;

/// The tests that reach `unsafe` code: parsing, codecs, files, maps, the kernels beneath them.
const FILTERS: [&str; 8] = ["codec", "format", "csv", "ndjson", "tape", "decimal", "store", "import"];

pub(crate) fn run(words: &[String]) -> Result<(), String> {
    let mut arguments = Arguments::new(words);
    let only: Option<String> = arguments.take("--filter")?;
    let lib_only = arguments.flag("--lib");
    arguments.finish()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no project root")?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    call(root, &["+nightly", "test", "--target", &target, "--lib"], only.as_deref())?;
    if lib_only {
        return Ok(());
    }
    let filters: Vec<&str> = only.as_deref().map_or(FILTERS.to_vec(), |only| vec![only]);
    for filter in filters {
        call(root, &["+nightly", "test", "--target", &target, "--test", "it"], Some(filter))?;
    }
    Ok(())
}

fn call(root: &Path, words: &[&str], filter: Option<&str>) -> Result<(), String> {
    println!("cargo {} {}", words.join(" "), filter.unwrap_or_default());
    // A folder of its own: builds with a sanitizer share nothing with others. The toolchain that runs this command must not
    // override `+nightly`. A killed child's memory is no leak; SIGBUS has a handler of the program's own, which is tested.
    let status = Command::new("cargo")
        .args(words)
        .args(filter)
        .current_dir(root)
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env("CARGO_TARGET_DIR", root.join("target/asan"))
        .env("RUSTFLAGS", "-Zsanitizer=address")
        .env("ASAN_OPTIONS", "detect_leaks=0:abort_on_error=1:handle_sigbus=0")
        .status()
        .map_err(|e| format!("cargo: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("`cargo {}` failed", words.join(" "))) }
}
