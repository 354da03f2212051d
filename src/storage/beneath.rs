//! Opening paths beneath a folder's descriptor: in a descriptor and a relative path, out a descriptor that is surely inside.
//!
//! `openat2` lets the kernel refuse `..`, links and magic links in one call. Where it is missing (kernels before 5.6, some
//! sandboxes) each component is opened on its own with `O_NOFOLLOW`, which refuses the same paths with more calls.

use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::{Errno, Result};

/// How often a lookup is repeated that a rename elsewhere disturbed (`EAGAIN`), or a signal.
const ATTEMPTS: u32 = 64;

/// Opens `path` beneath `root`. The empty path is `root` itself.
pub(super) fn open(root: BorrowedFd<'_>, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    if path.as_os_str().is_empty() {
        return rustix::fs::openat(root, ".", flags, mode);
    }
    check(path)?;
    match open_by_kernel(root, path, flags, mode) {
        // Unknown to the kernel, or to a sandbox that answers for it; a real refusal comes back from the second way too.
        Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => open_by_component(root, path, flags, mode),
        other => other,
    }
}

/// Opens the folder that holds `path` and returns it with the last name.
pub(super) fn parent<'a>(root: BorrowedFd<'_>, path: &'a Path) -> Result<(OwnedFd, &'a OsStr)> {
    check(path)?;
    let name = path.file_name().ok_or(Errno::INVAL)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let fd = open(root, folder, OFlags::DIRECTORY | OFlags::PATH, Mode::empty())?;
    Ok((fd, name))
}

/// What stands at `path`, a link not followed.
pub(super) fn stat(root: BorrowedFd<'_>, path: &Path) -> Result<rustix::fs::Stat> {
    let (folder, name) = parent(root, path)?;
    rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Refuses whatever is not a plain relative path, before any system call.
fn check(path: &Path) -> Result<()> {
    if path.components().all(|c| matches!(c, Component::Normal(_))) { Ok(()) } else { Err(Errno::XDEV) }
}

#[cfg(target_os = "linux")]
fn open_by_kernel(root: BorrowedFd<'_>, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    use rustix::fs::ResolveFlags;

    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let mut attempt = 0;
    loop {
        match rustix::fs::openat2(root, path, flags, mode, resolve) {
            Err(Errno::AGAIN | Errno::INTR) if attempt < ATTEMPTS => attempt += 1,
            other => return other,
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn open_by_kernel(_root: BorrowedFd<'_>, _path: &Path, _flags: OFlags, _mode: Mode) -> Result<OwnedFd> {
    Err(Errno::NOSYS)
}

fn open_by_component(root: BorrowedFd<'_>, path: &Path, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    let mut at: Option<OwnedFd> = None;
    let mut names = path.components().map(Component::as_os_str).peekable();
    let step = OFlags::DIRECTORY | OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    while let Some(name) = names.next() {
        let last = names.peek().is_none();
        let (flags, mode) = if last { (flags | OFlags::NOFOLLOW, mode) } else { (step, Mode::empty()) };
        let next = match &at {
            Some(fd) => rustix::fs::openat(fd, name, flags, mode)?,
            None => rustix::fs::openat(root, name, flags, mode)?,
        };
        if last {
            return Ok(next);
        }
        at = Some(next);
    }
    Err(Errno::NOENT)
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    /// One way of opening.
    type Way = fn(BorrowedFd<'_>, &Path, OFlags, Mode) -> Result<OwnedFd>;

    #[test]
    fn both_ways_refuse_links_and_outside() {
        let dir = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("canary"), "x").unwrap();
        std::fs::create_dir(dir.path().join("d")).unwrap();
        std::fs::write(dir.path().join("d/f"), "x").unwrap();
        std::os::unix::fs::symlink(outside.path(), dir.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path().join("canary"), dir.path().join("d/leaf")).unwrap();
        let root = std::fs::File::open(dir.path()).unwrap();
        let ways: [Way; 3] = [open_by_kernel, open_by_component, open];
        for way in ways {
            let get = |path: &str| way(root.as_fd(), Path::new(path), OFlags::RDONLY, Mode::empty());
            assert!(get("d/f").is_ok());
            assert!(get("link/canary").is_err());
            assert!(get("d/leaf").is_err());
            assert_eq!(get("d/none").unwrap_err(), Errno::NOENT);
        }
        let get = |path: &str| open(root.as_fd(), Path::new(path), OFlags::RDONLY, Mode::empty());
        assert_eq!(get("../x").unwrap_err(), Errno::XDEV);
        assert_eq!(get("/etc/passwd").unwrap_err(), Errno::XDEV);
        assert_eq!(get("d/../../x").unwrap_err(), Errno::XDEV);
    }
}
