//! Pinning: which worker runs on which core, and what the system made of the wish.
//!
//! A wish that cannot be met is reported, never silently skipped ([`Pinned`]); it does not fail the run, because
//! results do not depend on it. A list that names cores we do not have is a usage error, before anything starts.

use std::fmt;

use super::topology::{Topology, parse_core_list};
use crate::error::{Error, Result};

/// `--pin`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PinPolicy {
    /// One core a worker, physical cores first; off when there are more workers than cores.
    #[default]
    Auto,
    /// The system's scheduler decides.
    Off,
    /// These cores, in this order; workers beyond the list start over.
    List(Vec<usize>),
}

impl std::str::FromStr for PinPolicy {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "auto" => Ok(Self::Auto),
            "off" => Ok(Self::Off),
            list => parse_core_list(list).map(Self::List),
        }
    }
}

impl PinPolicy {
    /// The core that each of `workers` workers is to run on; `None` for a worker that stays unpinned.
    ///
    /// # Errors
    /// `Usage` if the list names a core that this process may not use.
    pub fn plan(&self, workers: usize, topology: &Topology) -> Result<Vec<Option<usize>>> {
        match self {
            Self::Off => Ok(vec![None; workers]),
            Self::Auto if workers > topology.cores.len() => Ok(vec![None; workers]),
            Self::Auto => Ok(topology.cores.iter().take(workers).map(|core| Some(core.id)).collect()),
            Self::List(list) => {
                if let Some(absent) = list.iter().find(|id| !topology.cores.iter().any(|core| core.id == **id)) {
                    let usable: Vec<String> = topology.cores.iter().map(|core| core.id.to_string()).collect();
                    return Err(Error::usage(
                        format!("--pin names core {absent}, which this process may not use"),
                        format!("usable cores are {}", usable.join(",")),
                    ));
                }
                Ok((0..workers).map(|worker| list.get(worker % list.len()).copied()).collect())
            }
        }
    }
}

/// What a worker asked for and what it got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinned {
    /// The core asked for.
    pub asked: Option<usize>,
    /// The core got: the system says that the thread runs there and nowhere else.
    pub got: Option<usize>,
}

impl Pinned {
    /// Pins the calling thread and asks the system what came of it.
    #[must_use]
    pub fn pin_current_thread(asked: Option<usize>) -> Self {
        let Some(id) = asked else { return Self { asked, got: None } };
        let accepted = core_affinity::set_for_current(core_affinity::CoreId { id });
        Self { asked, got: (accepted && runs_only_on(id)).then_some(id) }
    }
}

impl fmt::Display for Pinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.asked, self.got) {
            (None, _) => write!(f, "not pinned"),
            (Some(asked), Some(_)) => write!(f, "pinned to core {asked}"),
            (Some(asked), None) => write!(f, "asked for core {asked}, not granted by the system: not pinned"),
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn runs_only_on(id: usize) -> bool {
    rustix::thread::sched_getaffinity(None)
        .is_ok_and(|set| id < rustix::thread::CpuSet::MAX_CPU && set.count() == 1 && set.is_set(id))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn runs_only_on(_id: usize) -> bool {
    // Elsewhere affinity is a hint that cannot be read back; the setter's answer stands.
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_are_read() {
        assert_eq!("auto".parse::<PinPolicy>().unwrap(), PinPolicy::Auto);
        assert_eq!("off".parse::<PinPolicy>().unwrap(), PinPolicy::Off);
        assert_eq!("1,0".parse::<PinPolicy>().unwrap(), PinPolicy::List(vec![1, 0]));
        assert_eq!("on".parse::<PinPolicy>().unwrap_err().exit_code(), 2);
    }

    #[test]
    fn more_workers_than_cores_are_not_pinned() {
        let topology = Topology::detect();
        let many = topology.cores.len() + 1;
        assert_eq!(PinPolicy::Auto.plan(many, &topology).unwrap(), vec![None; many]);
        let one = PinPolicy::Auto.plan(1, &topology).unwrap();
        assert_eq!(one, [Some(topology.cores[0].id)]);
    }

    #[test]
    fn an_absent_core_is_refused_by_name() {
        let error = PinPolicy::List(vec![60_000]).plan(1, &Topology::detect()).unwrap_err();
        assert!(error.to_string().contains("60000"), "{error}");
    }

    #[test]
    fn a_granted_core_is_reported_as_got() {
        let id = Topology::detect().cores[0].id;
        let report = std::thread::spawn(move || Pinned::pin_current_thread(Some(id))).join().unwrap();
        assert_eq!(report, Pinned { asked: Some(id), got: Some(id) });
        assert_eq!(report.to_string(), format!("pinned to core {id}"));
    }
}
