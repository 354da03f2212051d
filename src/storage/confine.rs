//! Self-confinement: in, the paths that a run reads and writes; out, a process to which the kernel refuses everything else.
//!
//! What a hostile input could make us do is bounded by this even where our own checks have a hole: nothing outside of the
//! writable folders is made, changed or removed, nothing but the inputs is read, no socket is opened. It is best effort: a
//! kernel without Landlock, or one that may not confine, is reported and the run goes on.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

/// What the system has to be asked for while a run goes on: our own status, the machine, zones.
const SYSTEM: [&str; 9] = [
    "/proc/self",
    "/proc/meminfo",
    "/proc/cpuinfo",
    "/sys/devices/system",
    "/sys/fs/cgroup",
    "/usr/share/zoneinfo",
    "/usr/lib/zoneinfo",
    "/etc/localtime",
    "/etc/timezone",
];

/// How a process is confined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Confined {
    /// By Landlock with this version of its interface; 2 is the first that suits a store.
    By {
        /// The version that kernel and program both know.
        abi: i32,
    },
    /// Not at all, for this reason.
    Not(String),
}

impl fmt::Display for Confined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::By { abi } => write!(f, "confined by Landlock, ABI {abi}"),
            Self::Not(why) => write!(f, "not confined: {why}"),
        }
    }
}

/// Whether a run confines its process, and what came of it. Off by default: a library does not lock its host in. Clones
/// share the outcome.
#[derive(Clone, Debug, Default)]
pub struct Sandbox {
    wanted: bool,
    outcome: Arc<OnceLock<Confined>>,
}

impl Sandbox {
    /// Confines the process once its inputs and outputs are known. For a program whose process does nothing else: it cannot
    /// be undone.
    #[must_use]
    pub fn wanted() -> Self {
        Self { wanted: true, ..Self::default() }
    }

    /// True if the process shall be confined.
    #[must_use]
    pub fn is_wanted(&self) -> bool {
        self.wanted
    }

    /// What came of it; `None` if the run did not get there, or did not want it.
    #[must_use]
    pub fn outcome(&self) -> Option<&Confined> {
        self.outcome.get()
    }

    /// Confines the calling thread and every thread that it starts from here on: `reads` may be read, with what is beneath
    /// them, and `writes` may be read and written. Writable folders must exist.
    pub fn enter<'p>(&self, reads: impl IntoIterator<Item = &'p Path>, writes: &[&Path]) {
        if self.wanted {
            let outcome = kernel::restrict(reads, writes).unwrap_or_else(Confined::Not);
            let _ = self.outcome.set(outcome);
        }
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr,
        RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus, path_beneath_rules,
    };

    use super::{Confined, SYSTEM};

    /// The newest interface whose rights we ask for; an older kernel gives those that it has.
    const NEWEST: ABI = ABI::V5;

    pub(super) fn restrict<'p>(
        reads: impl IntoIterator<Item = &'p Path>,
        writes: &[&Path],
    ) -> Result<Confined, String> {
        let refused = |e: RulesetError| e.to_string();
        // Without the right to rename between folders (ABI 2) nothing could be published from staging.
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::Refer)
            .map_err(refused)?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(NEWEST))
            .map_err(refused)?
            .handle_access(AccessNet::from_all(NEWEST))
            .map_err(refused)?;
        let mut rules = ruleset.create().map_err(refused)?;
        for path in reads.into_iter().chain(SYSTEM.map(Path::new)) {
            // A pipe needs no rule and takes none; an input that is gone is told when it is opened.
            let _ = allow(&mut rules, path, AccessFs::from_read(NEWEST) & !AccessFs::Execute);
        }
        for path in writes {
            allow(&mut rules, path, AccessFs::from_all(NEWEST) & !AccessFs::Execute)
                .map_err(|e| format!("{}: {e}", path.display()))?;
        }
        let status = rules.restrict_self().map_err(refused)?;
        match (status.ruleset, status.landlock) {
            (RulesetStatus::NotEnforced, _) => Err("the kernel does not enforce Landlock".to_owned()),
            (_, LandlockStatus::Available { effective_abi, .. }) => Ok(Confined::By { abi: effective_abi as i32 }),
            (_, LandlockStatus::NotEnabled) => Err("Landlock is not enabled in the kernel".to_owned()),
            (_, LandlockStatus::NotImplemented) => Err("the kernel has no Landlock".to_owned()),
        }
    }

    fn allow(rules: &mut RulesetCreated, path: &Path, access: BitFlags<AccessFs>) -> Result<(), RulesetError> {
        for rule in path_beneath_rules([path], access) {
            rules.add_rule(rule?)?;
        }
        Ok(())
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    use std::path::Path;

    use super::{Confined, SYSTEM};

    pub(super) fn restrict<'p>(
        reads: impl IntoIterator<Item = &'p Path>,
        _writes: &[&Path],
    ) -> Result<Confined, String> {
        let paths = reads.into_iter().count() + SYSTEM.len();
        Err(format!("this system has no Landlock ({paths} paths are open to read)"))
    }
}
