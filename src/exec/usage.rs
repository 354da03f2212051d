//! What the process uses: CPU time and memory. A figure that the system does not give is 0.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// CPU time of the calling thread.
#[must_use]
pub fn thread_cpu() -> Duration {
    read_clock(ClockId::ThreadCPUTime)
}

/// CPU time of the whole process, all threads.
#[must_use]
pub fn process_cpu() -> Duration {
    read_clock(ClockId::ProcessCPUTime)
}

fn read_clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// Anonymous resident bytes of the process now (`RssAnon`): heap and stacks, without mapped files.
#[must_use]
pub fn anonymous_bytes() -> u64 {
    status_field("RssAnon:")
}

/// The largest resident size of the process so far (`VmHWM`).
#[must_use]
pub fn peak_resident_bytes() -> u64 {
    status_field("VmHWM:")
}

fn status_field(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    kibibytes(&text, name).unwrap_or(0)
}

/// The value of a `Name:   123 kB` line, in bytes.
pub(super) fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().trim_end_matches("kB").trim_end().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_are_read_in_bytes() {
        assert_eq!(kibibytes("VmHWM:\t    1608 kB\nRssAnon:\t 108 kB\n", "RssAnon:"), Some(108 * 1024));
        assert_eq!(kibibytes("VmHWM:\t    1608 kB\n", "RssAnon:"), None);
    }

    #[test]
    fn clocks_run() {
        let before = thread_cpu();
        let sum: u64 = (0..2_000_000_u64).fold(0, |a, b| a ^ std::hint::black_box(b));
        assert!(thread_cpu() > before, "{sum}");
        assert!(process_cpu() >= thread_cpu());
    }
}
