//! Verifying keys: derived from the public graph and the published row commitments, and nothing else.
//!
//! Nobody's key is trusted: halo2's key follows from the graph (a node that admits a model derives it), the committed
//! rows follow from the weights (an auditor recomputes them), and [`VerifyingKey::digest`] covers both. A `.vk` file
//! carries the derived fixed commitments, so that loading needs no setup bases, and the circuit's shape, so that it does
//! not lay the graph out; whoever loads a file from elsewhere compares its digest with one it trusts, or derives the key
//! again from the model. The shape is trusted no more than the commitments: columns and gates are made of it, and the
//! digest covers them.

mod error;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use borsh::{BorshDeserialize, BorshSerialize};
use circuits::circuit::{DEGREE, InferenceCircuit};
use circuits::gadgets::columns::{ChallengeColumn, Columns};
use circuits::layout::lower::row_degree;
use circuits::layout::shape::Stated;
use circuits::layout::{Plan, Shape};
use circuits::model::graph::{GRAPH_BYTES_MAX, Graph, GraphError};
use halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_proofs::halo2curves::ff::WithSmallOrderMulGroup;
use halo2_proofs::plonk::{self, ConstraintSystem, keygen_vk, permutation};
use halo2_proofs::poly::EvaluationDomain;
use serde::{Deserialize, Serialize};

pub use self::error::KeyError;
use crate::argument::{Domain, KeyPoints, PairingKey, Program};
use crate::container::{Container, ContainerError, Kind};
use crate::points::{decode_affine, encode_affine, encode_scalar};
use crate::security::SecurityBudget;
use crate::setup::{Setup, VerifierSetup};
use crate::weights::LinkPositions;

/// Identifier of the proof system: circuit family, commitment scheme and multi-opening scheme.
pub const PROOF_SYSTEM: &str = "assay-tape-1/halo2-kzg-bn254-shplonk";

const MODEL_CONTEXT: &str = "assay 2026 model-hash v1";
const KEY_CONTEXT: &str = "assay 2026 key-digest v1";

/// Largest number of committed rows: what fits a registration of 256 KiB beside its graph.
pub const ROWS_MAX: usize = 2048;

/// Commitment of one row of the weight matrix: a canonical affine point, or 64 zero bytes for a row of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RowCommitment(#[serde(with = "attestation::hex")] pub [u8; 64]);

/// What a registrant publishes beside the graph.
#[derive(Clone, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelCommitment {
    /// Commitments of the rows of the weight matrix, by exponent.
    pub rows: Vec<RowCommitment>,
    /// Merkle root over the integer rows, so that one row can be opened on chain.
    #[serde(with = "attestation::hex")]
    pub rows_root: [u8; 32],
    /// Hash of the bundle file that the rows were computed from.
    #[serde(with = "attestation::hex")]
    pub bundle_hash: [u8; 32],
}

/// A verifying key.
///
/// Invariants: the halo2 key and the link positions are those of `shape`, which is `graph`'s if the digest is that of the
/// graph's key; `rows` decodes `commitment`; `digest` and `model_hash` are recomputed on construction, never read.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    graph: Graph,
    shape: Shape,
    commitment: ModelCommitment,
    rows: Vec<(u64, G1Affine)>,
    setup: VerifierSetup,
    halo2: plonk::VerifyingKey<G1Affine>,
    link: Option<LinkPositions>,
    domain: Domain,
    pairing: PairingKey,
    points: KeyPoints,
    program: OnceLock<Option<Program>>,
    model_hash: [u8; 32],
    digest: [u8; 32],
}

/// A file's body, all of it in version 2.
#[derive(BorshSerialize, BorshDeserialize)]
struct KeyBody {
    graph: Vec<u8>,
    commitment: ModelCommitment,
    tau_g2: [u8; 64],
    fixed: Vec<[u8; 64]>,
    permutation: Vec<[u8; 64]>,
}

/// A file's body.
#[derive(BorshSerialize, BorshDeserialize)]
struct ShapedBody {
    key: KeyBody,
    /// `None` if the graph has to be laid out: its shape is larger than readers take.
    shape: Option<Stated>,
}

impl ShapedBody {
    fn read(bytes: &[u8]) -> Result<Self, ContainerError> {
        let kind = Kind::VerifyingKey;
        match Container::open(kind, bytes)? {
            (2, body) => Ok(Self { key: Container::body(kind, body)?, shape: None }),
            (_, body) => Container::body(kind, body),
        }
    }
}

impl VerifyingKey {
    /// Derives the key of a graph: no weights are needed, and nothing of the registrant is trusted.
    pub fn derive(graph: Graph, commitment: ModelCommitment, setup: &Setup) -> Result<Self, KeyError> {
        // Before anything of the size that the graph announces is built.
        let (expected, got) = (graph.layout().k, setup.k());
        if expected > got {
            return Err(KeyError::SetupSize { expected, got });
        }
        let plan = Arc::new(Plan::new(&graph)?);
        let halo2 = derive_halo2(&plan, setup)?;
        let columns = InferenceCircuit::columns_of(plan.shape());
        Self::assemble(graph, plan.shape().clone(), commitment, setup.verifier().clone(), (halo2, columns))
    }

    /// The key of a plan whose circuit key the caller has just derived, as a prover does beside its own key.
    ///
    /// That `circuit` is the plan's is not checked: a stranger's key goes through [`VerifyingKey::derive`].
    pub fn with_circuit(
        plan: &Plan,
        commitment: ModelCommitment,
        setup: &Setup,
        circuit: &plonk::VerifyingKey<G1Affine>,
    ) -> Result<Self, KeyError> {
        let permutation = circuit.permutation().commitments().clone();
        let circuit = Configured::new(plan.shape()).key(plan.k(), circuit.fixed_commitments().clone(), permutation);
        Self::assemble(plan.graph().clone(), plan.shape().clone(), commitment, setup.verifier().clone(), circuit)
    }

    /// Reads a `.vk` file. The caller decides whether to trust its [`VerifyingKey::digest`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        let ShapedBody { key: body, shape } = ShapedBody::read(bytes)?;
        if body.graph.len() > GRAPH_BYTES_MAX {
            return Err(GraphError::TooLarge { got: body.graph.len() }.into());
        }
        let graph = Graph::decode(&body.graph)?;
        let shape = match &shape {
            Some(stated) => Shape::read(stated, &graph)?,
            None => Plan::new(&graph)?.shape().clone(),
        };
        let setup = VerifierSetup::decode(&body.tau_g2).map_err(KeyError::Setup)?;
        let configured = Configured::new(&shape);
        let system = &configured.system;
        let fixed = decode_columns("fixed", &body.fixed, system.num_fixed_columns())?;
        let copied = system.permutation().get_columns().len();
        let permutation = decode_columns("permutation", &body.permutation, copied)?;
        let circuit = configured.key(shape.k(), fixed, permutation);
        Self::assemble(graph, shape, body.commitment, setup, circuit)
    }

    /// The `.vk` file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let key = KeyBody {
            graph: self.graph.encode(),
            commitment: self.commitment.clone(),
            tau_g2: self.setup.encode(),
            fixed: self.halo2.fixed_commitments().iter().map(encode_affine).collect(),
            permutation: self.halo2.permutation().commitments().iter().map(encode_affine).collect(),
        };
        Container::encode(Kind::VerifyingKey, &ShapedBody { key, shape: self.shape.stated(&self.graph) })
    }

    /// The model's public graph.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What the circuit's columns and gates follow from. Only the digest says that it is the graph's.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Published rows and hashes.
    #[must_use]
    pub fn commitment(&self) -> &ModelCommitment {
        &self.commitment
    }

    /// Identity of the model: graph, setup, rows and bundle.
    #[must_use]
    pub fn model_hash(&self) -> [u8; 32] {
        self.model_hash
    }

    /// Digest of everything a proof depends on; the transcript's first message.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// The setup that the key is under.
    #[must_use]
    pub fn setup(&self) -> &VerifierSetup {
        &self.setup
    }

    /// Identifier of the setup.
    #[must_use]
    pub fn setup_id(&self) -> [u8; 32] {
        self.setup.id()
    }

    /// halo2's own key.
    #[must_use]
    pub fn halo2(&self) -> &plonk::VerifyingKey<G1Affine> {
        &self.halo2
    }

    /// The non-zero rows: index and commitment, ascending.
    #[must_use]
    pub fn rows(&self) -> &[(u64, G1Affine)] {
        &self.rows
    }

    /// What a false statement's chance of passing adds up to.
    #[must_use]
    pub fn security(&self) -> SecurityBudget {
        let system = self.halo2.cs();
        let constraints = system.gates().iter().map(|gate| gate.polynomials().len()).sum();
        let queries = system.advice_queries().len().saturating_add(system.fixed_queries().len());
        SecurityBudget::of(&self.shape, row_degree(&self.graph), constraints, queries)
    }

    /// Where in the transcript the weight link is; `None` for a model without weights.
    #[must_use]
    pub fn link(&self) -> Option<&LinkPositions> {
        self.link.as_ref()
    }

    pub(crate) fn domain(&self) -> &Domain {
        &self.domain
    }

    pub(crate) fn pairing(&self) -> &PairingKey {
        &self.pairing
    }

    pub(crate) fn points(&self) -> &KeyPoints {
        &self.points
    }

    /// The gates' constraints, made when they are first asked for.
    pub(crate) fn program(&self) -> Option<&Program> {
        self.program.get_or_init(|| Program::new(self.halo2.cs())).as_ref()
    }

    fn assemble(
        graph: Graph,
        shape: Shape,
        commitment: ModelCommitment,
        setup: VerifierSetup,
        (halo2, columns): (plonk::VerifyingKey<G1Affine>, Columns),
    ) -> Result<Self, KeyError> {
        let expected = shape.committed_rows();
        let got = commitment.rows.len();
        if got != expected || got > ROWS_MAX {
            return Err(KeyError::RowCount { expected: expected.min(ROWS_MAX), got });
        }
        let mut rows = Vec::with_capacity(got);
        for (row, bytes) in commitment.rows.iter().enumerate() {
            if let Some(point) = decode_affine(&bytes.0).map_err(|error| KeyError::Row { row, error })? {
                rows.push((u64::try_from(row).unwrap_or(u64::MAX), point));
            }
        }
        if rows.is_empty() && expected > 0 {
            return Err(KeyError::ZeroModel);
        }
        let link = link_positions(&columns, &halo2)?;
        let model_hash = model_hash(&graph, &commitment, &setup);
        let digest = key_digest(&commitment, &setup, &halo2, link.as_ref(), &graph, &model_hash);
        let (domain, pairing) = (Domain::new(shape.k()), PairingKey::new(setup.tau_g2()));
        let points = KeyPoints::new(halo2.fixed_commitments(), halo2.permutation().commitments(), &rows);
        let program = OnceLock::new();
        Ok(Self {
            graph,
            shape,
            commitment,
            rows,
            setup,
            halo2,
            link,
            domain,
            pairing,
            points,
            program,
            model_hash,
            digest,
        })
    }
}

fn derive_halo2(plan: &Arc<Plan>, setup: &Setup) -> Result<plonk::VerifyingKey<G1Affine>, KeyError> {
    let size = KeyError::SetupSize { expected: plan.k(), got: setup.k() };
    let setup = setup.at(plan.k()).ok_or(size)?;
    let circuit = InferenceCircuit::blank(Arc::clone(plan));
    keygen_vk(setup.parameters(), &circuit).map_err(|error| KeyError::Halo2 { detail: error.to_string() })
}

/// Columns and gates of a circuit.
struct Configured {
    system: ConstraintSystem<Fr>,
    columns: Columns,
}

impl Configured {
    fn new(shape: &Shape) -> Self {
        let mut system = ConstraintSystem::default();
        let columns = InferenceCircuit::configure_shape(&mut system, shape);
        Self { system, columns }
    }

    /// halo2's key from commitments, with an evaluation domain that holds no tables.
    ///
    /// `EvaluationDomain::new` precomputes tables for FFTs, in time growing with 2^k; verification never transforms
    /// anything, so they stay empty.
    // spec: verifier#fingerprint
    fn key(self, k: u32, fixed: Vec<G1Affine>, permutation: Vec<G1Affine>) -> (plonk::VerifyingKey<G1Affine>, Columns) {
        let permutation = permutation::VerifyingKey::from_commitments(permutation);
        let key = plonk::VerifyingKey::from_parts(empty_domain(k), fixed, permutation, self.system, Vec::new(), false);
        (key, self.columns)
    }
}

fn decode_columns(kind: &'static str, bytes: &[[u8; 64]], expected: usize) -> Result<Vec<G1Affine>, KeyError> {
    let points: Vec<G1Affine> =
        bytes.iter().map_while(|bytes| decode_affine(bytes).ok()).map(Option::unwrap_or_default).collect();
    if points.len() != expected || bytes.len() != expected {
        return Err(KeyError::Columns { kind, expected, got: points.len() });
    }
    Ok(points)
}

fn empty_domain(k: u32) -> EvaluationDomain<Fr> {
    let quotient_degree = DEGREE.saturating_sub(1);
    let extended_k = k.saturating_add(quotient_degree.next_power_of_two().trailing_zeros());
    let (rows, extended) = (Domain::new(k), Domain::new(extended_k));
    EvaluationDomain {
        n: rows.size,
        k,
        extended_k,
        omega: rows.root,
        omega_inv: rows.root_inverse,
        extended_omega: extended.root,
        extended_omega_inv: extended.root_inverse,
        g_coset: Fr::ZETA,
        g_coset_inv: Fr::ZETA.square(),
        quotient_poly_degree: u64::try_from(quotient_degree).unwrap_or(0),
        ifft_divisor: rows.size_inverse,
        extended_ifft_divisor: extended.size_inverse,
        t_evaluations: Vec::new(),
        barycentric_weight: rows.size_inverse,
        fft_data: HashMap::new(),
    }
}

fn link_positions(columns: &Columns, halo2: &plonk::VerifyingKey<G1Affine>) -> Result<Option<LinkPositions>, KeyError> {
    let Some(linear) = &columns.linear else { return Ok(None) };
    let weights: Vec<usize> = linear.weights.iter().map(ChallengeColumn::index).collect();
    match LinkPositions::find(halo2.cs(), &weights, linear.row.index()) {
        None => Err(KeyError::Halo2 { detail: "the weight column precedes its challenge".to_owned() }),
        found => Ok(found),
    }
}

fn model_hash(graph: &Graph, commitment: &ModelCommitment, setup: &VerifierSetup) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(MODEL_CONTEXT);
    hasher.update(&graph.digest());
    hasher.update(&setup.id());
    absorb_rows(&mut hasher, commitment);
    hasher.update(&commitment.rows_root);
    hasher.update(&commitment.bundle_hash);
    *hasher.finalize().as_bytes()
}

// spec: verifier#key
fn key_digest(
    commitment: &ModelCommitment,
    setup: &VerifierSetup,
    halo2: &plonk::VerifyingKey<G1Affine>,
    link: Option<&LinkPositions>,
    graph: &Graph,
    model_hash: &[u8; 32],
) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(KEY_CONTEXT);
    let count = |value: usize| u64::try_from(value).unwrap_or(u64::MAX).to_le_bytes();
    hasher.update(&count(PROOF_SYSTEM.len()));
    hasher.update(PROOF_SYSTEM.as_bytes());
    hasher.update(&setup.id());
    hasher.update(&graph.layout().k.to_le_bytes());
    hasher.update(&encode_scalar(&halo2.transcript_repr()));
    hasher.update(&[u8::from(link.is_some())]);
    if let Some(link) = link {
        let places = link.columns.iter().zip(&link.points).flat_map(|(column, point)| [*column, *point]);
        places.chain([link.challenge]).for_each(|position| {
            hasher.update(&count(position));
        });
    }
    absorb_rows(&mut hasher, commitment);
    hasher.update(&graph.digest());
    hasher.update(model_hash);
    *hasher.finalize().as_bytes()
}

fn absorb_rows(hasher: &mut blake3::Hasher, commitment: &ModelCommitment) {
    hasher.update(&u64::try_from(commitment.rows.len()).unwrap_or(u64::MAX).to_le_bytes());
    for row in &commitment.rows {
        hasher.update(&row.0);
    }
}
