//! Peak memory of a process that makes the keys and then one proof.
//!
//! The kernel keeps the highest resident size of a process. It is read when the keys are there, set back to the present
//! size, and read again after the proof, so that one process tells both. What key generation gave back to the allocator
//! but not to the kernel still counts for the proof: the figure is an upper bound.

use std::path::Path;
use std::process::{Command, Stdio};

use circuits::model::tensor::Tensor;
use serde::{Deserialize, Serialize};

use super::environment::field;
use super::error::BenchError;
use crate::output::printable;

/// The command that a process for measuring is started with.
pub(crate) const COMMAND: [&str; 2] = ["bench", "memory"];

/// What one process found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Peaks {
    /// Before it read the model: the program itself, bytes.
    pub(crate) idle_bytes: u64,
    /// While it made the keys, bytes.
    pub(crate) key_generation_bytes: u64,
    /// While it made one proof, bytes.
    pub(crate) prove_bytes: u64,
}

#[derive(Deserialize)]
struct Answer {
    data: Peaks,
}

/// Starts a process that proves once, waits for it, and returns what it found.
pub(super) fn measure(model: &Path, input: &Tensor) -> Result<Peaks, BenchError> {
    let content = serde_json::to_vec(input).map_err(BenchError::Answer)?;
    let file = tempfile::NamedTempFile::new().map_err(BenchError::Start)?;
    std::fs::write(file.path(), content).map_err(BenchError::Start)?;
    let child = Command::new(std::env::current_exe().map_err(BenchError::Start)?)
        .args(COMMAND)
        .arg("--model")
        .arg(model)
        .arg("--input")
        .arg(file.path())
        .args(["--json", "--quiet"])
        .stdin(Stdio::null())
        .output()
        .map_err(BenchError::Start)?;
    if !child.status.success() {
        let said = String::from_utf8_lossy(&child.stderr);
        let said = said.lines().find(|line| line.starts_with("error")).or(said.lines().last());
        let said = printable(said.unwrap_or("nothing said"));
        return Err(BenchError::Process { status: child.status.to_string(), said });
    }
    let Answer { data } = serde_json::from_slice(&child.stdout).map_err(BenchError::Answer)?;
    Ok(data)
}

/// The highest resident size of this process so far, bytes.
pub(crate) fn peak_bytes() -> Result<u64, BenchError> {
    let text = field("/proc/self/status", "VmHWM:")?;
    let kib: Option<u64> = text.trim_end_matches(" kB").parse().ok();
    kib.and_then(|kib| kib.checked_mul(1024)).ok_or(BenchError::Machine { what: "VmHWM of /proc/self/status" })
}

/// Sets the highest resident size back to the present one.
pub(crate) fn reset_peak() -> Result<(), BenchError> {
    const PATH: &str = "/proc/self/clear_refs";
    std::fs::write(PATH, "5").map_err(|source| BenchError::Kernel { path: PATH, source })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used, reason = "test code")]
    use super::*;

    #[test]
    fn a_large_buffer_raises_the_peak_and_a_reset_lowers_it() {
        const SIZE: usize = 256 << 20;
        let buffer = vec![7u8; SIZE];
        let high = peak_bytes().unwrap();
        assert!(high > SIZE as u64 && buffer.iter().all(|byte| *byte == 7));
        drop(buffer);
        reset_peak().unwrap();
        assert!(peak_bytes().unwrap() < high - (SIZE as u64) / 2);
    }
}
