//! The verifier for JavaScript: bytes in, one JSON text out. It decides nothing itself: `verifier::judgement` does, as it
//! does for the commands.

use std::sync::Arc;

use attestation::hex;
use circuits::model::graph::GraphError;
use circuits::model::tensor::Tensor;
use serde_json::{Value, json};
use verifier::container::ContainerError;
use verifier::judgement::{Judge, Judged, Subject};
use verifier::key::{KeyError, VerifyingKey};
use verifier::proof::Proof;
use verifier::receipt::{ReceiptFile, ReceiptFileError};
use verifier::setup::VerifierSetup;
use verifier::statement::{STATEMENT_BYTES_MAX, StatementFile};
use verifier::tokens::Vocabulary;
use verifier::verdict::{Outcome, RequiredLayer};
use wasm_bindgen::prelude::wasm_bindgen;

/// A verifying key that was read: reading takes milliseconds, and serves any number of receipts.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Key(VerifyingKey);

#[wasm_bindgen]
impl Key {
    /// Reads a `.vk` file.
    ///
    /// # Errors
    /// Throws a text that says what is wrong with it.
    #[wasm_bindgen(constructor)]
    pub fn new(bytes: &[u8]) -> Result<Key, String> {
        VerifyingKey::from_bytes(bytes).map(Self).map_err(|error| error.to_string())
    }

    /// What the key is of, as JSON: `model_hash`, `key_digest`, `setup_id`, `k`, `input_shape`, `is_development_setup`.
    #[must_use]
    pub fn describe(&self) -> String {
        let key = &self.0;
        json!({
            "model_hash": hex::encode(&key.model_hash()),
            "key_digest": hex::encode(&key.digest()),
            "setup_id": hex::encode(&key.setup_id()),
            "is_development_setup": key.setup_id() == VerifierSetup::development().id(),
            "k": key.shape().k(),
            "input_shape": key.graph().input().shape,
        })
        .to_string()
    }
}

/// What a file that is no key is refused with, in the words and with the code of [`Verifier::verify`]; nothing for a key.
#[must_use]
#[wasm_bindgen(js_name = keyRefusal)]
pub fn key_refusal(bytes: &[u8]) -> Option<String> {
    let error = VerifyingKey::from_bytes(bytes).err()?;
    let is_other_version = matches!(
        error,
        KeyError::Container(ContainerError::Version { .. }) | KeyError::Graph(GraphError::Version { .. })
    );
    Some(unreadable(is_other_version, &error.to_string()))
}

/// How a receipt is judged.
#[wasm_bindgen]
#[derive(Clone, Debug, Default)]
pub struct Options {
    accepted_setup: Option<[u8; 32]>,
    require_attested: bool,
    at_ms: Option<u64>,
    vocabulary: Option<Arc<Vocabulary>>,
}

#[wasm_bindgen]
impl Options {
    /// A proof is required, no setup is accepted, and evidence is judged at the receipt's own time.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Accepts proofs under the setup of this identifier, believing that nobody knows its secret.
    ///
    /// # Errors
    /// Throws a text if it is no identifier, or the development setup's.
    #[wasm_bindgen(js_name = acceptSetup)]
    pub fn accept_setup(&mut self, id: &str) -> Result<(), String> {
        let id = hex::decode(id).map_err(|error| error.to_string())?;
        if id == VerifierSetup::development().id() {
            return Err("this is the development setup, whose secret is public".to_owned());
        }
        self.accepted_setup = Some(id);
        Ok(())
    }

    /// Accepts proofs under the development setup, whose secret is public: anybody can forge them.
    #[wasm_bindgen(js_name = acceptInsecureSetup)]
    pub fn accept_insecure_setup(&mut self) {
        self.accepted_setup = Some(VerifierSetup::development().id());
    }

    /// Requires evidence instead of a proof.
    #[wasm_bindgen(js_name = requireAttested)]
    pub fn require_attested(&mut self) {
        self.require_attested = true;
    }

    /// Inputs are tokens of a language model, and read by its tokenizer (`tokenizer.json`).
    ///
    /// # Errors
    /// Throws a text that says why it is no tokenizer.
    #[wasm_bindgen(js_name = readTokensBy)]
    pub fn read_tokens_by(&mut self, tokenizer: &[u8]) -> Result<(), String> {
        let vocabulary = Vocabulary::from_json(tokenizer).map_err(|error| error.to_string())?;
        self.vocabulary = Some(Arc::new(vocabulary));
        Ok(())
    }

    /// Judges evidence at this time, milliseconds since the epoch.
    #[wasm_bindgen(js_name = judgeAt)]
    pub fn judge_at(&mut self, at_ms: u64) {
        self.at_ms = Some(at_ms);
    }
}

/// Judges receipts by one key and one set of options.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Verifier(Judge);

#[wasm_bindgen]
impl Verifier {
    /// A verifier; it takes the key over. Without one it decides about signature and evidence alone.
    #[wasm_bindgen(constructor)]
    #[must_use]
    pub fn new(key: Option<Key>, options: &Options) -> Self {
        let layer = if options.require_attested { RequiredLayer::Attested } else { RequiredLayer::Proven };
        let judge = Judge::new(key.map(|key| key.0), None, layer, options.accepted_setup);
        Self(judge.at(options.at_ms).reading(options.vocabulary.clone()))
    }

    /// Judges a `.receipt` file. The JSON holds `accepted` (boolean), `code` (0 accepted, 1 rejected, 2 unreadable, 3
    /// undecided, as the commands exit) and `reason`; of a readable receipt also what `assay verify --json` prints of it,
    /// `text` if a tokenizer was given (a line for each text), the input, and the labels that nobody signed.
    #[must_use]
    pub fn verify(&self, receipt: &[u8]) -> String {
        match ReceiptFile::from_bytes(receipt) {
            Ok(file) => self.judged(Subject::Receipt(Box::new(file))),
            Err(error) => {
                let is_other_version = matches!(error, ReceiptFileError::Container(ContainerError::Version { .. }));
                unreadable(is_other_version, &error.to_string())
            }
        }
    }

    /// Judges a `.proof` file by what it is to show, as `assay prover run --out-statement` writes it. Answers as
    /// [`Verifier::verify`] does.
    #[must_use]
    #[wasm_bindgen(js_name = verifyProof)]
    pub fn verify_proof(&self, proof: &[u8], statement: &[u8]) -> String {
        let proof = match Proof::from_bytes(proof) {
            Ok(proof) => proof,
            Err(error) => return unreadable(error.is_undecided(), &error.to_string()),
        };
        if statement.len() > STATEMENT_BYTES_MAX {
            return unreadable(false, &format!("statement: expected at most {STATEMENT_BYTES_MAX} bytes"));
        }
        match serde_json::from_slice::<StatementFile>(statement) {
            Ok(statement) => self.judged(Subject::Proof(Box::new(proof), Box::new(statement.into()))),
            Err(error) => unreadable(false, &format!("not a statement: {error}")),
        }
    }

    fn judged(&self, subject: Subject) -> String {
        let answer = self.0.judge(vec![subject]).pop().as_ref().map(in_full);
        let nothing = || json!({ "accepted": false, "code": 3, "reason": "nothing was judged" });
        answer.unwrap_or_else(nothing).to_string()
    }
}

/// The answer about what cannot be read: exit code 3 of another release's format, 2 of anything else.
fn unreadable(is_other_version: bool, reason: &str) -> String {
    let code = if is_other_version { 3 } else { 2 };
    json!({ "accepted": false, "code": code, "reason": reason }).to_string()
}

fn in_full(judged: &Judged) -> Value {
    let code = match judged.outcome() {
        Outcome::Accepted => 0,
        Outcome::Rejected => 1,
        Outcome::Undecided => 3,
    };
    let mut data = judged.data("receipt");
    let Some(fields) = data.as_object_mut() else { return data };
    fields.insert("accepted".to_owned(), Value::Bool(code == 0));
    fields.insert("code".to_owned(), json!(code));
    fields.insert("claim".to_owned(), json!(judged.claim()));
    match judged.subject() {
        Subject::Receipt(file) => {
            fields.insert("input".to_owned(), json!(file.input));
            fields.insert("labels".to_owned(), json!(file.unauthenticated.labels));
            fields.insert("model_name".to_owned(), json!(file.unauthenticated.model_name));
            let bytes = file.proofs.iter().map(|proof| proof.bytes.len()).sum::<usize>();
            fields.insert("proof_bytes".to_owned(), json!(bytes));
        }
        Subject::Proof(proof, statement) => {
            fields.insert("input".to_owned(), json!(statement.input));
            fields.insert("labels".to_owned(), json!([]));
            fields.insert("proof_bytes".to_owned(), json!(proof.bytes.len()));
        }
        Subject::Evidence { .. } | Subject::Inclusion(_) => {}
    }
    data
}

/// A copy of a receipt with one lie in it and a fresh checksum, to see it refused: `part` is `proof` (a bit of it),
/// `output` (its two largest elements exchanged), `input` (one element changed) or `nonce` (other work).
///
/// # Errors
/// Throws a text if the receipt cannot be read or has no such part.
#[wasm_bindgen]
pub fn tampered(receipt: &[u8], part: &str) -> Result<Vec<u8>, String> {
    let mut file = ReceiptFile::from_bytes(receipt).map_err(|error| error.to_string())?;
    match part {
        "proof" => {
            let proof = file.proofs.first_mut().ok_or("the receipt carries no proof")?;
            let middle = proof.bytes.len() / 2;
            *proof.bytes.get_mut(middle).ok_or("the proof is empty")? ^= 1;
        }
        "output" => file.output = exchanged(&file.output)?,
        "input" => {
            let mut values = file.input.values().to_vec();
            let first = values.first_mut().ok_or("the input is empty")?;
            *first = if *first == 0 { 1 } else { 0 };
            file.input = Tensor::new(file.input.shape().to_vec(), values).map_err(|error| error.to_string())?;
        }
        "nonce" => file.signed.receipt.context.nonce[0] ^= 1,
        other => return Err(format!("expected proof, output, input or nonce, got {other}")),
    }
    Ok(file.to_bytes())
}

/// The two largest elements exchanged.
fn exchanged(output: &Tensor) -> Result<Tensor, String> {
    let mut values = output.values().to_vec();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(values.get(*index).copied()));
    let [first, second, ..] = order.as_slice() else { return Err("the output has one element".to_owned()) };
    values.swap(*first, *second);
    Tensor::new(output.shape().to_vec(), values).map_err(|error| error.to_string())
}

/// The release that this was built from.
#[wasm_bindgen]
#[must_use]
pub fn release() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}
