//! What the machine has: cores that we may use, their NUMA nodes, the SIMD level, memory, file systems.
//!
//! Everything is read from the system at run time; what it does not say is left out, never guessed. Nothing here
//! changes a result: outputs do not depend on the machine (decision 25).

use std::path::Path;

use super::usage::kibibytes;
use crate::error::{Error, Result};

/// One logical core that the process may run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Core {
    /// The system's number.
    pub id: usize,
    /// NUMA node; 0 where the system knows none.
    pub node: usize,
    /// True unless another core of the list shares the same physical core and comes before it.
    pub first_sibling: bool,
}

/// The machine as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// Usable cores: physical cores first, then their siblings; by node and number.
    pub cores: Vec<Core>,
    /// Number of NUMA nodes among them.
    pub nodes: usize,
    /// Threads that run at once by default: usable cores, or less where a container allows less.
    pub parallelism: usize,
    /// Bytes of memory, or the container's limit where that is less; 0 if unknown.
    pub memory_bytes: u64,
    /// Bytes that may still be taken; 0 if unknown.
    pub memory_available_bytes: u64,
}

impl Topology {
    /// Looks at the machine.
    #[must_use]
    pub fn detect() -> Self {
        let ids = core_affinity::get_core_ids().unwrap_or_default();
        let nodes = node_of_cores();
        let mut cores: Vec<Core> = ids
            .iter()
            .map(|core| Core {
                id: core.id,
                node: nodes.iter().find(|(_, list)| list.contains(&core.id)).map_or(0, |(node, _)| *node),
                first_sibling: first_sibling(core.id).is_none_or(|first| {
                    // The first sibling may be a core that we must not use: then the next one takes its place.
                    first == core.id || !ids.iter().any(|c| c.id == first)
                }),
            })
            .collect();
        cores.sort_by_key(|core| (!core.first_sibling, core.node, core.id));
        let mut used: Vec<usize> = cores.iter().map(|core| core.node).collect();
        used.sort_unstable();
        used.dedup();
        let parallelism = std::thread::available_parallelism().map_or(1, usize::from);
        let (memory_bytes, memory_available_bytes) = memory();
        Self { cores, nodes: used.len().max(1), parallelism, memory_bytes, memory_available_bytes }
    }
}

/// Node numbers with their cores, from sysfs.
fn node_of_cores() -> Vec<(usize, Vec<usize>)> {
    let Ok(entries) = std::fs::read_dir("/sys/devices/system/node") else { return Vec::new() };
    let mut nodes: Vec<(usize, Vec<usize>)> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let node = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
            let list = std::fs::read_to_string(entry.path().join("cpulist")).ok()?;
            Some((node, parse_core_list(list.trim()).ok()?))
        })
        .collect();
    nodes.sort();
    nodes
}

/// The lowest logical core that shares a physical core with this one.
fn first_sibling(core: usize) -> Option<usize> {
    let path = format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list");
    let list = std::fs::read_to_string(path).ok()?;
    parse_core_list(list.trim()).ok()?.into_iter().min()
}

/// Memory in all and memory available, the container's limit applied.
fn memory() -> (u64, u64) {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = kibibytes(&text, "MemTotal:").unwrap_or(0);
    let available = kibibytes(&text, "MemAvailable:").unwrap_or(0);
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|t| t.trim().parse::<u64>().ok());
    match limit {
        Some(limit) if limit < total => (limit, available.min(limit)),
        _ => (total, available),
    }
}

/// Parses `0-3,8,10-11`.
///
/// # Errors
/// `Usage` if it is no such list.
pub(super) fn parse_core_list(text: &str) -> Result<Vec<usize>> {
    const CORES: usize = 65_536;
    let bad = || {
        Error::usage(
            format!("`{text}` is no list of cores"),
            "write `auto`, `off`, or numbers and ranges such as 0,2,4-7",
        )
    };
    let mut cores = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().map_err(|_| bad())?;
        let last: usize = last.trim().parse().map_err(|_| bad())?;
        if first > last || last >= CORES {
            return Err(bad());
        }
        cores.extend(first..=last);
    }
    Ok(cores)
}

/// The widest vector instructions that kernels are compiled for and this machine has.
#[must_use]
pub fn simd_level() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        let avx512 = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512bw")
            && std::arch::is_x86_feature_detected!("avx512dq")
            && std::arch::is_x86_feature_detected!("avx512vl");
        if avx512 {
            "avx512"
        } else if std::arch::is_x86_feature_detected!("avx2") {
            "avx2"
        } else {
            "sse2"
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        "neon"
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        "scalar"
    }
}

/// The file system of a path: its name where we know it, else its magic number. Free and total bytes with it.
///
/// # Errors
/// `Io` if the path is not there.
pub fn file_system(path: &Path) -> Result<(String, u64, u64)> {
    let stat = rustix::fs::statfs(path).map_err(|e| Error::io("statfs", path, e.into()))?;
    let magic = u64::try_from(stat.f_type).unwrap_or(0);
    let block = u64::try_from(stat.f_bsize).unwrap_or(0);
    let name = match magic & 0xffff_ffff {
        0xef53 => "ext4".to_owned(),
        0x5846_5342 => "xfs".to_owned(),
        0x9123_683e => "btrfs".to_owned(),
        0x0102_1994 => "tmpfs".to_owned(),
        0x794c_7630 => "overlay".to_owned(),
        0x2fc1_2fc1 => "zfs".to_owned(),
        0xf2f5_2010 => "f2fs".to_owned(),
        0x6969 => "nfs (not promised: network file systems may lose acknowledged writes)".to_owned(),
        0x6573_5546 => "fuse".to_owned(),
        other => format!("unknown ({other:#x})"),
    };
    Ok((name, stat.f_blocks.saturating_mul(block), stat.f_bavail.saturating_mul(block)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn core_lists_are_read_or_refused() {
        assert_eq!(parse_core_list("0-2,7").unwrap(), [0, 1, 2, 7]);
        for bad in ["", "a", "3-1", "1,,2", "-1", "0-99999999"] {
            assert_eq!(parse_core_list(bad).unwrap_err().exit_code(), 2, "{bad}");
        }
    }

    #[test]
    fn this_machine_has_cores() {
        let topology = Topology::detect();
        assert!(topology.parallelism >= 1 && topology.nodes >= 1);
        assert!(topology.cores.iter().any(|core| core.first_sibling));
    }

    #[test]
    fn file_systems_have_names_and_absent_paths_are_errors() {
        let (name, total, free) = file_system(Path::new("/")).unwrap();
        assert!(!name.is_empty() && total >= free);
        assert_eq!(file_system(Path::new("/no/such/place")).unwrap_err().exit_code(), 5);
    }
}
