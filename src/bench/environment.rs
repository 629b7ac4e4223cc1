//! The machine that a run is of, and the build that ran.

use std::num::{NonZeroU32, NonZeroU64};

use serde::{Deserialize, Serialize};

use super::error::BenchError;

/// A machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Machine {
    /// The processor's name, by itself.
    pub(crate) processor: String,
    /// Cores that the process may use.
    pub(crate) cores: NonZeroU32,
    /// Memory, bytes.
    pub(crate) memory_bytes: NonZeroU64,
    /// Operating system.
    pub(crate) system: String,
    /// Release of the kernel.
    pub(crate) kernel: String,
    /// Instruction set.
    pub(crate) architecture: String,
}

/// A build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Build {
    /// What compiled it, or where it came from.
    pub(crate) compiler: String,
    /// Flags beyond the compiler's own choice.
    pub(crate) flags: String,
    /// Optional parts that were compiled in.
    pub(crate) features: Vec<String>,
    /// Commit of the source, where it was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
    /// Files that differed from that commit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) changed_files: Option<u32>,
}

impl Machine {
    /// This machine, by what its kernel says of it.
    pub(crate) fn read() -> Result<Self, BenchError> {
        let cores = std::thread::available_parallelism().ok().and_then(|cores| u32::try_from(cores.get()).ok());
        let memory_kib: Option<u64> = field("/proc/meminfo", "MemTotal:")?.trim_end_matches(" kB").parse().ok();
        Ok(Self {
            processor: processor(&file("/proc/cpuinfo")?),
            cores: cores.and_then(NonZeroU32::new).ok_or(BenchError::Machine { what: "cores" })?,
            memory_bytes: memory_kib
                .and_then(|kib| NonZeroU64::new(kib.checked_mul(1024)?))
                .ok_or(BenchError::Machine { what: "MemTotal of /proc/meminfo" })?,
            system: field("/etc/os-release", "PRETTY_NAME=")?.trim_matches('"').to_owned(),
            kernel: file("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
        })
    }
}

impl Build {
    /// This program's.
    pub(crate) fn own() -> Self {
        Self {
            compiler: option_env!("ASSAY_COMPILER").unwrap_or("rustc of unknown version").to_owned(),
            flags: option_env!("ASSAY_FLAGS").unwrap_or_default().to_owned(),
            features: if cfg!(feature = "cuda") { vec!["cuda".to_owned()] } else { Vec::new() },
            commit: option_env!("ASSAY_COMMIT").map(str::to_owned),
            changed_files: option_env!("ASSAY_CHANGES").and_then(|count| count.parse().ok()),
        }
    }
}

/// The load average over a minute.
pub(crate) fn load() -> Result<f64, BenchError> {
    let text = file("/proc/loadavg")?;
    let first = text.split_whitespace().next().and_then(|word| word.parse().ok());
    first.ok_or(BenchError::Machine { what: "/proc/loadavg" })
}

/// The model's name; where the processor gives none, what identifies it instead.
fn processor(text: &str) -> String {
    let value = |name: &str| {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        lines.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    let part = |name: &str| value(name).unwrap_or("unknown").to_owned();
    let family = format!("family {}, model {}", part("cpu family"), part("model"));
    match value("model name").filter(|name| !name.is_empty() && *name != "unknown") {
        Some(name) => format!("{name} ({family})"),
        None => format!("{} ({family})", value("vendor_id").or(value("CPU implementer")).unwrap_or("unknown")),
    }
}

fn file(path: &'static str) -> Result<String, BenchError> {
    std::fs::read_to_string(path).map_err(|source| BenchError::Kernel { path, source })
}

/// What follows `prefix` on the line that starts with it.
pub(super) fn field(path: &'static str, prefix: &'static str) -> Result<String, BenchError> {
    let text = file(path)?;
    let value = text.lines().find_map(|line| line.strip_prefix(prefix)).map(|value| value.trim().to_owned());
    value.ok_or(BenchError::Machine { what: prefix })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn a_processor_without_a_name_is_told_by_its_numbers() {
        let text = "processor\t: 0\nvendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: ";
        assert_eq!(processor(text), "AuthenticAMD (family 25, model 17)");
        assert_eq!(processor(&format!("{text}AMD EPYC\n")), "AMD EPYC (family 25, model 17)");
        assert_eq!(processor(""), "unknown (family unknown, model unknown)");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_has_a_kernel_and_memory() {
        let machine = Machine::read().unwrap();
        assert!(machine.memory_bytes.get() > 1 << 27, "{machine:?}");
        assert!(!machine.kernel.is_empty() && !machine.kernel.contains('\n'), "{machine:?}");
        assert!(load().unwrap() >= 0.0);
    }

    #[test]
    fn a_build_knows_its_compiler() {
        assert!(Build::own().compiler.starts_with("rustc 1."), "{:?}", Build::own());
    }
}
