//! Asking for an object, with or without believing the node.

use std::path::PathBuf;

use ::chain::client::Client;
use ::chain::state::{Key, Stored};
use ::chain::types::{Genesis, Hash};
use attestation::hex;
use serde::Serialize;
use serde_json::{Value, json};

use super::TrustOptions;
use verifier::cli::{CheckError, Failure as _};

use crate::commands::chain::directory::{DataDirectory, read_genesis};
use crate::commands::node::NodeOptions;
use crate::error::CliError;
use crate::files::{self, Existing};
use crate::output::{Done, Output, Problem, Tone, name, short};

/// A node, and whom to believe about its answers.
pub(super) struct Asked<'a> {
    pub(super) client: Client,
    pub(super) output: &'a Output,
    trust: Option<Trust>,
    keep: Option<PathBuf>,
}

/// The validators of this genesis are believed.
struct Trust {
    genesis: Genesis,
    source: &'static str,
}

/// An answer.
struct Found<T> {
    object: Option<T>,
    /// Height and hash of the header that shows it.
    proof: Option<(u64, Hash)>,
}

impl<'a> Asked<'a> {
    /// Finds out whom to believe.
    pub(super) async fn prepare(
        client: Client,
        node: &NodeOptions,
        options: &TrustOptions,
        output: &'a Output,
    ) -> Result<Self, CliError> {
        let trust = match (options.prove, &options.genesis, node.data_dir()) {
            (false, ..) => None,
            (true, Some(path), _) => Some(Trust { genesis: read_genesis(path)?, source: "file" }),
            (true, None, Some(path)) => {
                let genesis = DataDirectory::new(path).existing_genesis()?;
                Some(Trust { genesis, source: "data directory" })
            }
            (true, None, None) => {
                output.warn("the validators are those of the genesis that the node itself names; --genesis FILE believes nobody");
                Some(Trust { genesis: client.genesis().await?, source: "node" })
            }
        };
        if let Some(path) = &options.keep {
            files::check_writable(path, Existing::Keep)?;
        }
        Ok(Self { client, output, trust, keep: options.keep.clone() })
    }

    /// Whether answers are checked. What is asked for beside the object itself is the node's word all the same.
    pub(super) fn proves(&self) -> bool {
        self.trust.is_some()
    }

    async fn find<T: Stored>(&self, key: &Key) -> Result<Found<T>, CliError> {
        let Some(Trust { genesis, .. }) = &self.trust else {
            return Ok(Found { object: self.client.get(key).await?, proof: None });
        };
        let proven = self.client.prove(key, genesis.validators(), &genesis.hash()).await?;
        if let Some(path) = &self.keep {
            let text = serde_json::to_vec(&proven.inclusion);
            let text = text.map_err(|error| CliError::from(CheckError::Output(error.into())))?;
            files::write(path, &text, Existing::Keep)?;
        }
        Ok(Found { object: proven.object, proof: Some((proven.height, proven.block)) })
    }

    /// Asks for the object `what` with an identifier, if its kind has any, and prints it.
    pub(super) async fn show<T: Stored + Serialize>(
        &self,
        what: &'static str,
        id: Option<&Hash>,
        key: &Key,
        print: impl AsyncFnOnce(&T) -> Result<(), CliError>,
    ) -> Result<Done, CliError> {
        let Found { object, proof } = self.find::<T>(key).await?;
        let id = id.map(|id| hex::encode(id));
        let Some(object) = object else {
            let shown =
                proof.map(|(height, _)| format!(", shown by the header of height {height}")).unwrap_or_default();
            return Ok(self.none(what, format!("{}{shown}", id.unwrap_or_default())));
        };
        self.output.heading([what, id.as_deref().unwrap_or_default()].join(" ").trim_end());
        print(&object).await?;
        if let (Some((height, block)), Some(trust)) = (proof, &self.trust) {
            let text = format!(
                "in the state after block {height} ({}), which the validators of genesis {} finalised",
                short(&block),
                short(&trust.genesis.hash())
            );
            self.output.field("proof", format!("{} {text}", self.output.paint(Tone::Good, "holds:")));
            if let Some(path) = &self.keep {
                self.output.field("kept in", name(path));
            }
        }
        Ok(Done::ok(json!({ "kind": what, "id": id, "object": object, "proof": self.proof_data(proof) })))
    }

    fn proof_data(&self, proof: Option<(u64, Hash)>) -> Option<Value> {
        let ((height, block), Trust { genesis, source }) = (proof?, self.trust.as_ref()?);
        let genesis = hex::encode(&genesis.hash());
        Some(json!({ "height": height, "block": hex::encode(&block), "genesis": genesis, "genesis_from": source }))
    }

    /// The answer when there is nothing.
    pub(super) fn none(&self, what: &'static str, id: String) -> Done {
        self.output.line("none");
        let error = CliError::None { what, id };
        let problem: Problem = self.output.problem(&error);
        Done { exit: error.exit(), data: Value::Null, problems: vec![problem] }
    }
}
