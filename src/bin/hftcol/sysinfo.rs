//! `hftcol sysinfo`: what the machine has, and the settings that follow from it.

use std::path::PathBuf;

use hftcol::error::Result;
use hftcol::exec::{PinPolicy, Topology, file_system, simd_level};
use hftcol::limits;
use serde_json::{Map, Value, json};

use crate::output::{Output, Style};

/// Show cores, NUMA nodes, SIMD level, memory, file system, limits, and the settings that follow.
///
/// Example: hftcol sysinfo --store ./store
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The store whose file system is shown; the current folder without it.
    #[arg(long, env = "HFTCOL_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, output: &Output) -> Result<()> {
    let facts = facts(args)?;
    if output.style == Style::Json {
        return output.json(&Value::Object(facts.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()));
    }
    for (name, value) in facts {
        let text = match value {
            Value::String(text) => text,
            Value::Object(parts) => joined(&parts),
            other => other.to_string(),
        };
        output.line(format!("{name:<22} {text}"))?;
    }
    Ok(())
}

/// Names and values, in the order of printing.
fn facts(args: &Args) -> Result<Vec<(&'static str, Value)>> {
    let topology = Topology::detect();
    let place = args.store.clone().unwrap_or_else(|| PathBuf::from("."));
    // A store that is not made yet will stand where its parent stands.
    let existing = place.ancestors().find(|p| p.exists()).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let (fs_name, fs_bytes, fs_free) = file_system(&existing)?;
    let physical = topology.cores.iter().filter(|core| core.first_sibling).count();
    let threads = topology.parallelism;
    let plan = PinPolicy::Auto.plan(threads, &topology)?;
    let pins: Vec<String> = plan.iter().flatten().map(ToString::to_string).collect();
    let pinning = if pins.is_empty() { "off: more workers than cores".to_owned() } else { pins.join(",") };
    Ok(vec![
        ("hftcol", json!(env!("CARGO_PKG_VERSION"))),
        ("system", json!(format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))),
        ("cores", json!({"usable": topology.cores.len(), "physical": physical, "at once": threads})),
        ("numa_nodes", json!(topology.nodes)),
        ("simd", json!(simd_level())),
        (
            "memory",
            json!({"total": mebibytes(topology.memory_bytes), "available": mebibytes(topology.memory_available_bytes)}),
        ),
        ("page", json!(format!("{} bytes", rustix::param::page_size()))),
        ("open_files", json!(open_file_limit())),
        (
            "file_system",
            json!({"of": place.display().to_string(), "name": fs_name,
            "total": mebibytes(fs_bytes), "free": mebibytes(fs_free)}),
        ),
        (
            "limits",
            json!({"line": format!("{} bytes", limits::LINE_BYTES), "columns": limits::COLUMNS,
            "levels": limits::LEVELS, "rows of a group": limits::GROUP_ROWS}),
        ),
        ("default_threads", json!(threads)),
        ("default_pinning", json!(pinning)),
        ("import_memory", json!(mebibytes(limits::MEMORY_DEFAULT))),
        ("compute_memory", json!(format!("32 MiB a worker, 64 MiB more with Parquet: {} MiB", threads * 96))),
    ])
}

fn mebibytes(bytes: u64) -> String {
    format!("{} MiB", bytes >> 20)
}

fn open_file_limit() -> String {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map_or_else(|| "unlimited".to_owned(), |n| n.to_string())
}

fn joined(parts: &Map<String, Value>) -> String {
    let text = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    parts.iter().map(|(key, value)| format!("{key} {}", text(value))).collect::<Vec<_>>().join(", ")
}
