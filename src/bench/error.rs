//! What can go wrong with a measurement.

use std::io;
use std::path::PathBuf;

use prover::key_file::KeyFileError;

#[cfg(feature = "synthetic")]
use super::layers::measure::LayersError;
use super::layers::report::PlotError;
#[cfg(feature = "synthetic")]
use super::layers::series::SeriesError;
use super::record::RecordError;
use super::samples::SamplesError;

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("cannot read {path}: {source}; measuring needs Linux's /proc")]
    Kernel { path: &'static str, source: io::Error },
    #[error("this machine does not tell its {what}")]
    Machine { what: &'static str },
    #[error("the clock did not move during {what}: {source}")]
    Clock { what: &'static str, source: SamplesError },
    #[error("{what}: expected a size above zero")]
    Size { what: &'static str },
    #[error("a process for measuring memory did not start: {0}")]
    Start(io::Error),
    #[error("a process for measuring memory ended with {status}: {said}")]
    Process { status: String, said: String },
    #[error("a process for measuring memory answered what this program does not understand: {0}")]
    Answer(serde_json::Error),
    #[error("the proving key's file: {0}")]
    KeyFile(KeyFileError),
    #[error("the run cannot be recorded: {0}")]
    Record(RecordError),
    #[cfg(feature = "synthetic")]
    #[error(transparent)]
    Layers(Box<LayersError>),
    #[cfg(feature = "synthetic")]
    #[error("a network of the series: {0}")]
    Series(Box<SeriesError>),
    #[error(transparent)]
    Plot(#[from] PlotError),
    #[error("{} is a record of {}, {} one of {}: expected two of one kind", .files[0].display(), .kinds[0], .files[1].display(), .kinds[1])]
    OtherKind { files: [PathBuf; 2], kinds: [&'static str; 2] },
    #[error("{}: expected a record of layers, got one of {kind}", path.display())]
    NoLayers { path: PathBuf, kind: &'static str },
    #[error("a proof was accepted for an output that the model does not give")]
    Accepting,
    #[error("the model's output has one possible value, so nothing can be proven about it")]
    Constant,
    #[error("--{option}: expected one model with it, got {got}")]
    OneModel { option: &'static str, got: usize },
    #[error("models: expected different names, got {name:?} twice ({} and {})", first.display(), second.display())]
    SameName { name: String, first: PathBuf, second: PathBuf },
    #[error("{} and {}: expected a model that both measured; got {base} and {new}", .files[0].display(), .files[1].display())]
    NoSharedModel { files: [PathBuf; 2], base: String, new: String },
    #[error("{}: sample {sample} of the reference: {detail}", path.display())]
    Reference { path: PathBuf, sample: usize, detail: String },
}

#[cfg(feature = "synthetic")]
impl From<LayersError> for BenchError {
    fn from(error: LayersError) -> Self {
        Self::Layers(Box::new(error))
    }
}
