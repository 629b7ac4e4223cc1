//! Verifying keys, from their files.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::{BigInteger, FftField, Field, MontFp, PrimeField};
use circuits::layout::shape::Stated;
use circuits::layout::{Plan, Shape};
use circuits::model::graph::Graph;
use circuits::model::tensor::Tensor;
use circuits::statement::Statement;

use crate::Refusal;
use crate::file::{self, Body, body};
use crate::fingerprint::fingerprint;
use crate::points::{affine, compressed_g2, little_endian};
use crate::system::System;

const SYSTEM: &str = "assay-tape-1/halo2-kzg-bn254-shplonk";
const HASH: u16 = 1;
const ROWS_MAX: usize = 2048;
const PROOF_BYTES_MAX: usize = 64 << 10;

/// Generates the multiplicative group, as halo2 has it.
const GENERATOR: Fr = MontFp!("7");
/// A key that was read.
#[derive(Clone, Debug)]
pub struct Key {
    graph: Graph,
    pub(crate) k: u32,
    pub(crate) system: System,
    pub(crate) fingerprint: Fr,
    pub(crate) fixed: Vec<G1Affine>,
    pub(crate) positions: Vec<G1Affine>,
    /// Every committed row, zero rows too.
    pub(crate) rows: Vec<G1Affine>,
    pub(crate) tau: G2Affine,
    pub(crate) root: Fr,
    pub(crate) delta: Fr,
    setup: [u8; 32],
    digest: [u8; 32],
    model_hash: [u8; 32],
}

/// A hash that counts.
struct Hasher(blake3::Hasher);

impl Hasher {
    fn new(purpose: &str) -> Self {
        Self(blake3::Hasher::new_derive_key(purpose))
    }

    fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.update(bytes);
        self
    }

    fn count(self, count: usize) -> Self {
        self.bytes(&u64::try_from(count).unwrap_or(u64::MAX).to_le_bytes())
    }

    fn rows(self, rows: &[&[u8; 64]]) -> Self {
        rows.iter().fold(self.count(rows.len()), |hasher, row| hasher.bytes(*row))
    }

    fn end(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }
}

impl Key {
    /// Reads a `.vk` file.
    // spec: verifier#key
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let (version, mut body) = body(&file::KEY, bytes)?;
        let graph_bytes = body.bytes()?;
        let rows: Vec<&[u8; 64]> = body.arrays()?;
        let (rows_root, bundle_hash): (&[u8; 32], &[u8; 32]) = (body.array()?, body.array()?);
        let tau_bytes: &[u8; 64] = body.array()?;
        let (fixed, positions) = (body.arrays()?, body.arrays()?);
        let stated = if version > 2 && body.flag()? { Some(stated(&mut body)?) } else { None };
        body.end()?;
        let graph = Graph::decode(graph_bytes).map_err(|_| Refusal::Key("graph"))?;
        let shape = match stated {
            Some(stated) => Shape::read(&stated, &graph).map_err(|_| Refusal::Key("shape"))?,
            None => {
                let plan = Plan::new(&graph).map_err(|_| Refusal::Key("graph cannot be laid out"))?;
                plan.shape().clone()
            }
        };
        let system = System::new(&shape);
        let tau = compressed_g2(tau_bytes).ok_or(Refusal::Key("setup point"))?;
        let points = |bytes: &[&[u8; 64]], expected: usize| {
            let points: Option<Vec<G1Affine>> = bytes.iter().map(|bytes| affine(bytes)).collect();
            points.filter(|points| points.len() == expected).ok_or(Refusal::Key("columns or rows"))
        };
        let fixed = points(&fixed, system.fixed_columns)?;
        let positions = points(&positions, system.copied.len())?;
        let expected = shape.committed_rows();
        let committed = points(&rows, expected)?;
        if expected > ROWS_MAX || (expected > 0 && committed.iter().all(AffineRepr::is_zero)) {
            return Err(Refusal::Key("columns or rows"));
        }
        let (root, delta) = roots(shape.k());
        let fingerprint = fingerprint(&system, shape.k(), &root, &fixed, &positions);

        let (g1, g2) = (generator_g1(), generator_g2());
        let setup = Hasher::new("assay 2026 setup-id v1").bytes(&g1).bytes(&g2).bytes(tau_bytes).end();
        let graph_digest = blake3::derive_key("assay 2026 graph v2", graph_bytes);
        let hasher = Hasher::new("assay 2026 model-hash v1").bytes(&graph_digest).bytes(&setup).rows(&rows);
        let model_hash = hasher.bytes(rows_root).bytes(bundle_hash).end();
        let hasher = Hasher::new("assay 2026 key-digest v1").count(SYSTEM.len()).bytes(SYSTEM.as_bytes());
        let hasher = hasher.bytes(&setup).bytes(&shape.k().to_le_bytes()).bytes(&little_endian(&fingerprint));
        let linked = hasher.bytes(&[u8::from(system.linear.is_some())]);
        let linked = system.linear.iter().fold(linked, |hasher, linear| {
            let before = system.phases.iter().filter(|phase| **phase == 0).count();
            let places = linear.weights.iter().zip(before..);
            places.fold(hasher, |hasher, (column, place)| hasher.count(*column).count(place)).count(linear.r)
        });
        let digest = linked.rows(&rows).bytes(&graph_digest).bytes(&model_hash).end();
        let k = shape.k();
        Ok(Self {
            graph,
            k,
            system,
            fingerprint,
            fixed,
            positions,
            rows: committed,
            tau,
            root,
            delta,
            setup,
            digest,
            model_hash,
        })
    }

    /// Digest of everything a proof depends on.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// Identity of the model.
    #[must_use]
    pub fn model_hash(&self) -> [u8; 32] {
        self.model_hash
    }

    /// Decides whether a `.proof` file shows `statement`.
    // spec: verifier#proof
    pub fn verify(&self, statement: &Statement, proof_file: &[u8]) -> Result<(), Refusal> {
        let (_, mut body) = body(&file::PROOF, proof_file)?;
        let system = std::str::from_utf8(body.bytes()?).map_err(|_| Refusal::File("system"))?;
        let hash = body.u16()?;
        let labels: [&[u8; 32]; 3] = [body.array()?, body.array()?, body.array()?];
        let elements = body.bytes()?;
        body.end()?;
        if elements.len() > PROOF_BYTES_MAX {
            return Err(Refusal::File("too large"));
        }
        if system != SYSTEM {
            return Err(Refusal::Unknown("proof system"));
        }
        if hash != HASH {
            return Err(Refusal::Unknown("hash"));
        }
        let expected = [("setup", self.setup), ("key", self.digest), ("statement", digest(statement))];
        for (label, (name, expected)) in labels.into_iter().zip(expected) {
            if *label != expected {
                return Err(Refusal::Label(name));
            }
        }
        self.argue(&self.instance(statement)?, elements)
    }

    // spec: circuits#statement
    fn instance(&self, statement: &Statement) -> Result<Vec<Fr>, Refusal> {
        let (input, output) = (self.graph.input(), self.graph.output());
        let sides = [
            (&statement.input, input.shape.clone(), input.range, "input"),
            (&statement.output, vec![output.width()], output.range, "output"),
        ];
        let (low, high) = statement.context_digest.split_at(16);
        let mut instance: Vec<Fr> = [low, high].map(Fr::from_le_bytes_mod_order).to_vec();
        for (tensor, shape, range, name) in sides {
            let inside = |value: &i64| (range.min..=range.max).contains(value);
            if tensor.shape() != shape || !tensor.values().iter().all(inside) {
                return Err(Refusal::Statement(name));
            }
            instance.extend(tensor.values().iter().map(|value| Fr::from(*value)));
            // What is generated is asked for what comes after it.
            if name == "input" {
                let fed_back = usize::try_from(self.graph.generated()).unwrap_or(0).saturating_sub(1);
                instance.extend(statement.output.values().iter().take(fed_back).map(|value| Fr::from(*value)));
            }
        }
        Ok(instance)
    }
}

/// A circuit's shape.
fn stated(body: &mut Body<'_>) -> Result<Stated, Refusal> {
    Ok(Stated {
        weight_columns: body.u32()?,
        tables: body.u32()?,
        chain_powers: body.list(Body::u32)?,
        slides: body.list(|body| Ok([body.u32()?, body.u32()?]))?,
        turns: body.list(Body::u32)?,
        roles: body.list(Body::flag)?,
    })
}

/// Digest of a statement, version 1.
fn digest(statement: &Statement) -> [u8; 32] {
    let hasher = Hasher::new("assay 2026 statement v1").bytes(&1u16.to_le_bytes());
    let hasher = hasher.bytes(&statement.context_digest);
    hasher.bytes(&tensor_hash(&statement.input)).bytes(&tensor_hash(&statement.output)).end()
}

fn tensor_hash(tensor: &Tensor) -> [u8; 32] {
    let rank = u32::try_from(tensor.shape().len()).unwrap_or(u32::MAX);
    let hasher = Hasher::new("assay 2026 tensor v1").bytes(&[1]).bytes(&rank.to_le_bytes());
    let hasher = tensor.shape().iter().fold(hasher, |hasher, dimension| hasher.bytes(&dimension.to_le_bytes()));
    tensor.values().iter().fold(hasher, |hasher, value| hasher.bytes(&value.to_le_bytes())).end()
}

/// A primitive root of unity of order 2^k, and the generator's power that tells copied columns apart.
fn roots(k: u32) -> (Fr, Fr) {
    let root = (k..Fr::TWO_ADICITY).fold(GENERATOR.pow(Fr::TRACE), |root, _| root.square());
    (root, (0..Fr::TWO_ADICITY).fold(GENERATOR, |delta, _| delta.square()))
}

fn generator_g1() -> [u8; 32] {
    little_endian(&G1Affine::generator().x)
}

fn generator_g2() -> [u8; 64] {
    let point = G2Affine::generator();
    let mut bytes = [0; 64];
    let (low, high) = bytes.split_at_mut(32);
    low.copy_from_slice(&little_endian(&point.x.c0));
    high.copy_from_slice(&little_endian(&point.x.c1));
    if point.y.c0.into_bigint().is_odd()
        && let Some(last) = high.last_mut()
    {
        *last |= 1 << 6;
    }
    bytes
}
