//! `hftcol sysinfo`: what the machine has, and the settings that follow from it.

use std::path::PathBuf;

use hftcol::error::Result;
use hftcol::exec::{PinPolicy, Topology, file_system, simd_level};
use hftcol::feature::{Arena, FeatureConfig};
use hftcol::limits;
use serde_json::{Value, json};

use crate::output::{Output, Style};
use crate::words;

/// Anonymous memory of a compute worker at most, at the defaults.
const WORKER_BYTES: u64 = 32 << 20;
/// What Parquet output may take more.
const PARQUET_BYTES: u64 = 64 << 20;

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
    for (name, value) in &facts {
        output.line(format_args!(
            "{:<16} {}",
            name.trim_end_matches("_bytes").replace('_', " "),
            shown(name, value)
        ))?;
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
    let arena_bytes = Arena::new(&FeatureConfig::default())?.bytes();
    let plan = PinPolicy::Auto.plan(threads, &topology)?;
    let pins: Vec<String> = plan.iter().flatten().map(ToString::to_string).collect();
    let pinning = if pins.is_empty() { "off: more workers than cores".to_owned() } else { pins.join(",") };
    Ok(vec![
        ("hftcol", json!(env!("CARGO_PKG_VERSION"))),
        ("system", json!(format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))),
        ("cores", json!({"usable": topology.cores.len(), "physical": physical, "at_once": threads})),
        ("numa_nodes", json!(topology.nodes)),
        ("simd", json!(simd_level())),
        ("memory", json!({"total_bytes": topology.memory_bytes, "available_bytes": topology.memory_available_bytes})),
        ("page_bytes", json!(rustix::param::page_size())),
        ("open_files", json!(open_file_limit())),
        (
            "file_system",
            json!({"of": place.display().to_string(), "name": fs_name, "total_bytes": fs_bytes, "free_bytes": fs_free}),
        ),
        (
            "limits",
            json!({"line_bytes": limits::LINE_BYTES, "columns": limits::COLUMNS, "levels": limits::LEVELS,
                "group_rows": limits::GROUP_ROWS}),
        ),
        ("threads", json!(threads)),
        ("pinning", json!(pinning)),
        ("import_memory_bytes", json!(limits::MEMORY_DEFAULT)),
        (
            "compute_memory",
            json!({"worker_bytes": WORKER_BYTES, "worker_parquet_bytes": WORKER_BYTES + PARQUET_BYTES,
                "arena_bytes": arena_bytes}),
        ),
    ])
}

fn open_file_limit() -> String {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current.map_or_else(|| "unlimited".to_owned(), |n| n.to_string())
}

/// A value for people: names without their unit, bytes with one.
fn shown(name: &str, value: &Value) -> String {
    match (value, value.as_u64()) {
        (Value::String(text), _) => text.clone(),
        (Value::Object(parts), _) => {
            let part = |(key, value): (&String, &Value)| {
                format!("{} {}", key.trim_end_matches("_bytes").replace('_', " "), shown(key, value))
            };
            parts.iter().map(part).collect::<Vec<_>>().join(", ")
        }
        (_, Some(bytes)) if name.ends_with("_bytes") => words::show_bytes(bytes),
        (other, _) => other.to_string(),
    }
}
