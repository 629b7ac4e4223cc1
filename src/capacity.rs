//! How much memory this process may still take.

use std::fs;
use std::path::{Path, PathBuf};

/// Memory, and who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Bytes.
    pub(crate) bytes: u64,
    /// What bounds them, as a phrase after a number.
    pub(crate) basis: &'static str,
}

/// What the machine has available, or less if a control group allows less; `None` where the system does not tell.
///
/// Pages that only cache files count as available: the kernel takes them back.
pub(crate) fn available() -> Option<Capacity> {
    let machine = meminfo(&fs::read_to_string("/proc/meminfo").ok()?)?;
    let machine = Capacity { bytes: machine, basis: "available on this machine" };
    let group = fs::read_to_string("/proc/self/cgroup").ok().and_then(|text| group(&text, Path::new("/sys/fs/cgroup")));
    let group = group.map(|bytes| Capacity { bytes, basis: "left in this process's control group" });
    group.into_iter().chain([machine]).min_by_key(|capacity| capacity.bytes)
}

fn meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// The least that any group above the process leaves, by version 2 of the interface; `None` without a limit.
fn group(text: &str, root: &Path) -> Option<u64> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mut folder: PathBuf = root.join(path.trim_start_matches('/'));
    let mut least = None;
    // A process in a container may be told a path that is not there; its limit then lies at the root.
    while folder.starts_with(root) {
        if let Some(left) = left(&folder) {
            least = Some(least.map_or(left, |least: u64| least.min(left)));
        }
        if !folder.pop() {
            break;
        }
    }
    least
}

fn left(folder: &Path) -> Option<u64> {
    let number = |name: &str| fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u64>().ok();
    let limit = number("memory.max")?;
    let used = number("memory.current")?;
    let statistics = fs::read_to_string(folder.join("memory.stat")).unwrap_or_default();
    let cached = statistics.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(used.saturating_sub(cached)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn the_kernels_figure_is_in_kib() {
        assert_eq!(meminfo("MemTotal: 9 kB\nMemAvailable:    3000 kB\n"), Some(3_072_000));
        for text in ["", "MemTotal: 9 kB", "MemAvailable: 3000", "MemAvailable: many kB"] {
            assert_eq!(meminfo(text), None, "{text}");
        }
    }

    #[test]
    fn the_tightest_group_counts_and_cached_files_do_not() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("outer/inner");
        fs::create_dir_all(&inner).unwrap();
        let put = |folder: &Path, files: [(&str, &str); 3]| {
            files.iter().for_each(|(name, text)| fs::write(folder.join(name), text).unwrap());
        };
        assert_eq!(group("0::/outer/inner\n", root.path()), None);
        put(&inner, [("memory.max", "max\n"), ("memory.current", "10\n"), ("memory.stat", "")]);
        assert_eq!(group("0::/outer/inner\n", root.path()), None);
        put(
            &root.path().join("outer"),
            [("memory.max", "1000\n"), ("memory.current", "700\n"), ("memory.stat", "anon 1\ninactive_file 500\n")],
        );
        assert_eq!(group("12:cpu:/x\n0::/outer/inner\n", root.path()), Some(800));
        put(&inner, [("memory.max", "300"), ("memory.current", "400"), ("memory.stat", "inactive_file 5")]);
        assert_eq!(group("0::/outer/inner\n", root.path()), Some(0));
        assert_eq!(group("0::/elsewhere\n", root.path()), None);
        assert_eq!(group("1:memory:/outer\n", root.path()), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_some() {
        assert!(available().unwrap().bytes > 1 << 20);
    }
}
