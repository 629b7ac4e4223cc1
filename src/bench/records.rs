//! Records of either kind, told apart by what they say they are.

use serde::Deserialize;

use super::layers::record::{Kind, LayersRun};
use super::record::{RecordError, Run};

/// A record.
#[derive(Debug)]
pub(crate) enum Record {
    /// Of proofs.
    Proofs(Box<Run>),
    /// Of layers of verification.
    Layers(Box<LayersRun>),
}

/// What tells the kinds apart: records of proofs came first and name none.
#[derive(Deserialize)]
struct Head {
    #[serde(default)]
    kind: Option<Kind>,
}

impl Record {
    /// Reads a file of either kind.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let Head { kind } = serde_json::from_slice(bytes).map_err(RecordError::Json)?;
        Ok(match kind {
            None => Self::Proofs(Box::new(Run::from_bytes(bytes)?)),
            Some(Kind::Layers) => Self::Layers(Box::new(LayersRun::from_bytes(bytes)?)),
        })
    }

    /// What it is a record of.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Proofs(_) => "proofs",
            Self::Layers(_) => "layers",
        }
    }
}
