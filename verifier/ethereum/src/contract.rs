//! From a key to code: what is deployed.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::{Fr, G2Affine};
use serde_json::Value as Json;
use verifier::key::VerifyingKey;
use verifier::points::{PointError, decode_g2, encode_affine};

use crate::abi::{self, KEY_DIGEST, MODEL_HASH, Refusal, SELECTOR_BYTES, Verify, selector};
use crate::argument::{Domain, Inverses, Point, quotient};
use crate::assembler::{Assembled, AssemblyError, Code, Label, Op, Word};
use crate::creation::{Piece, creation};
use crate::field::{Field, ORDER, WORD, order, word};
use crate::layout::{Challenge, Layout, POINT_BYTES, Step};
use crate::memory::{Memory, SCRATCH};
use crate::opening::{At, Opening, Points, Written as Multiples};
use crate::parts::{Parts, call_parts};
use crate::precompile::{copy_points, invert, pair, row_multiples, sum_points};
use crate::routines::Routines;
use crate::statement::{absorb, fraction};

/// Bytes that a contract's code may have (EIP-170).
pub const CODE_BYTES_MAX: usize = 24_576;
/// Bits of a word that are no selector.
const SELECTOR_SHIFT: usize = 224;

/// Why no contract was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GenerateError {
    /// Code that cannot be divided further is too large for one contract.
    #[error("contract: code that cannot be divided further has {got} bytes, expected at most {max} (EIP-170)")]
    CodeSize {
        /// Most bytes that a contract may have.
        max: usize,
        /// Bytes of the code, without points.
        got: usize,
    },
    /// The code could not be put together.
    #[error("contract: {0}")]
    Assembly(#[from] AssemblyError),
    /// The key's point in G2 cannot be read.
    #[error("contract: setup point: {0}")]
    Setup(PointError),
    /// The circuit has what contracts are not made for.
    #[error("contract: {what} is not supported")]
    Unsupported {
        /// What it has.
        what: &'static str,
    },
}

/// The contract of one key.
#[derive(Debug)]
pub struct Contract<'a> {
    pub(crate) key: &'a VerifyingKey,
    pub(crate) layout: Layout,
    pub(crate) selector: [u8; SELECTOR_BYTES],
    signature: String,
    creation: Vec<u8>,
    code_bytes: usize,
    data: Vec<Piece>,
    parts: Vec<Piece>,
    points: usize,
    abi: Json,
}

/// Where the key's points are, and the code.
enum Place<'a> {
    /// Behind the code.
    Here,
    /// In contracts of their own.
    Apart(&'a [Piece]),
    /// In contracts of their own, and the arithmetic in others.
    Parted {
        data: &'a [Piece],
        /// Bytes of code after which a part ends.
        after: usize,
        /// Where memory ends that parts hand on.
        memory_end: usize,
    },
}

/// What was written.
struct Written {
    code: Assembled,
    /// Where the code has the addresses of data contracts and of parts.
    addresses: Vec<Label>,
    parts: Vec<Vec<u8>>,
    /// Where memory ends that holds single words.
    memory_end: usize,
}

impl Written {
    /// Bytes of the longest code.
    fn longest(&self) -> usize {
        self.parts.iter().map(Vec::len).fold(self.code.bytes.len(), usize::max)
    }
}

impl<'a> Contract<'a> {
    /// Makes the contract that verifies proofs of this key.
    ///
    /// # Errors
    /// [`GenerateError`].
    pub fn generate(key: &'a VerifyingKey) -> Result<Self, GenerateError> {
        Self::generate_within(key, CODE_BYTES_MAX)
    }

    /// The same for a chain whose contracts may have at most so many bytes.
    ///
    /// # Errors
    /// [`GenerateError`].
    pub fn generate_within(key: &'a VerifyingKey, code_bytes_max: usize) -> Result<Self, GenerateError> {
        let layout = Layout::new(key);
        let points = Points::new(key, &layout);
        let rows = key.commitment().rows.iter().map(|row| row.0);
        let bytes = points.of_key.iter().map(encode_affine).chain(rows);
        let bytes: Vec<u8> = bytes.flat_map(|point| big_endian(&point)).collect();
        let sizes = [layout.input.count(), layout.output.count(), layout.element_words()];
        let verify = Verify { sizes };
        let runtime = Runtime { key, layout: &layout, points: &points, verify: &verify };
        let mut data = Vec::new();
        let mut written = runtime.write(&bytes, &Place::Here)?;
        if written.longest() > code_bytes_max {
            // One byte of each is what stops whoever calls it.
            let points_each = (code_bytes_max.saturating_sub(1) / POINT_BYTES).max(1);
            data = bytes.chunks(points_each * POINT_BYTES).map(Piece::of_points).collect::<Result<_, _>>()?;
            written = runtime.write(&bytes, &Place::Apart(&data))?;
        }
        // A part ends where it may, which can be some way behind where it should.
        for eighths in [7, 6, 5, 4, 2] {
            if written.longest() > code_bytes_max {
                let after = code_bytes_max / 8 * eighths;
                // How much is handed on is known when it was written once.
                let Written { memory_end, .. } =
                    runtime.write(&bytes, &Place::Parted { data: &data, after, memory_end: 0 })?;
                written = runtime.write(&bytes, &Place::Parted { data: &data, after, memory_end })?;
            }
        }
        if written.longest() > code_bytes_max {
            return Err(GenerateError::CodeSize { max: code_bytes_max, got: written.longest() });
        }
        let Written { code, addresses, parts, .. } = written;
        let parts = parts.into_iter().map(Piece::new).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            creation: creation(&code, &addresses, data.iter().chain(&parts))?,
            abi: abi::description(&verify, data.len(), parts.len()),
            signature: verify.signature(),
            selector: selector(&verify.signature()),
            points: points.present() + key.rows().len(),
            key,
            layout,
            code_bytes: code.bytes.len(),
            data,
            parts,
        })
    }

    /// What the transaction that creates the contract carries, but for the addresses of its pieces, which follow it.
    #[must_use]
    pub fn creation_code(&self) -> &[u8] {
        &self.creation
    }

    /// What the transaction that creates the contract carries, if `pieces` are the addresses of its data contracts and parts.
    ///
    /// `None` if it has another number of them. The creation itself fails if a contract has not the code that it should have.
    #[must_use]
    pub fn creation(&self, pieces: &[[u8; 20]]) -> Option<Vec<u8>> {
        let mut creation = self.creation.clone();
        for address in pieces {
            creation.extend([0; 12]);
            creation.extend(address);
        }
        (pieces.len() == self.pieces().count()).then_some(creation)
    }

    /// Contracts that are created first, in the order of their addresses: data contracts, then parts.
    pub fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.data.iter().chain(&self.parts)
    }

    /// Contracts whose code is points; none if these have room behind the code.
    #[must_use]
    pub fn data(&self) -> &[Piece] {
        &self.data
    }

    /// Contracts that the code goes on in; none if it has room in one.
    #[must_use]
    pub fn parts(&self) -> &[Piece] {
        &self.parts
    }

    /// Bytes of the code.
    #[must_use]
    pub fn code_bytes(&self) -> usize {
        self.code_bytes
    }

    /// Points whose multiples are added up for a proof.
    #[must_use]
    pub fn points(&self) -> usize {
        self.points
    }

    /// The function that verifies, with its types.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// Functions and errors, as tools read them.
    #[must_use]
    pub fn abi(&self) -> &Json {
        &self.abi
    }

    /// Bytes of a call.
    #[must_use]
    pub fn calldata_bytes(&self) -> usize {
        self.layout.calldata_bytes()
    }
}

/// A point's coordinates as words.
fn big_endian(point: &[u8; 64]) -> [u8; 64] {
    let mut words = *point;
    words.chunks_exact_mut(WORD).for_each(<[u8]>::reverse);
    words
}

/// What the code is written for.
struct Runtime<'a> {
    key: &'a VerifyingKey,
    layout: &'a Layout,
    points: &'a Points,
    verify: &'a Verify,
}

impl Runtime<'_> {
    /// Writes the code, with the key's points or where they are.
    fn write(&self, data: &[u8], place: &Place<'_>) -> Result<Written, GenerateError> {
        let Self { key, layout, points, verify } = self;
        let sum = points.count() + key.commitment().rows.len();
        let memory = match place {
            Place::Here | Place::Apart(_) => Memory::new(layout, sum),
            Place::Parted { memory_end, .. } => Memory::in_parts(sum, *memory_end),
        };
        let mut code = Code::default();
        let routines = Routines::new(&mut code);
        self.dispatch(&mut code, &routines, &verify.signature());
        code.word(&order()).name(ORDER);
        let fingerprint = little_endian(&key.halo2().transcript_repr());
        absorb(&mut code, &routines, layout, &memory, &key.digest(), &fingerprint);
        let mut field = Field::new(code, memory.rest);
        let challenges = self.transcript(&mut field, &routines);
        let before = match place {
            Place::Here | Place::Apart(_) => None,
            Place::Parted { after, .. } => {
                Some(field.begin_parts(Parts::new(*after, &memory, layout.calldata_bytes())))
            }
        };
        self.multiples(&mut field, &routines, &memory, &challenges)?;
        let parts = before.map(|before| field.end_parts(before, &routines)).transpose()?.unwrap_or_default();
        let code = &mut field.code;
        let called = call_parts(code, &routines, &memory, layout.calldata_bytes(), parts.len());
        copy_points(code, layout, &memory);
        let (label, mut addresses) = (code.label(), Vec::new());
        let to = memory.points + layout.point_runs().iter().map(ExactSizeIterator::len).sum::<usize>();
        match place {
            Place::Here => {
                code.number(data.len()).reference(label).number(to).op(Op::Codecopy);
            }
            Place::Apart(apart) | Place::Parted { data: apart, .. } => {
                let mut to = to;
                for data in *apart {
                    let bytes = data.code.len() - 1;
                    code.number(bytes).number(1).number(to);
                    addresses.push(code.placeholder());
                    code.op(Op::Extcodecopy);
                    to += bytes;
                }
            }
        }
        addresses.extend(called);
        sum_points(code, &routines, &memory, sum);
        let [_, remainder] = layout.opening;
        let tau = tau(key)?;
        pair(code, &routines, memory.points + remainder * POINT_BYTES, &tau);
        code.number(1).number(SCRATCH).op(Op::Mstore);
        code.number(WORD).number(SCRATCH).op(Op::Return);
        routines.write(code, memory.transcript, layout.calldata_bytes());
        if !parts.is_empty() {
            routines.write_part_failed(code);
        }
        if let Place::Here = place {
            code.op(Op::Invalid);
            code.data(label, data);
        }
        let memory_end = field.memory_end();
        Ok(Written { code: field.code.assemble()?, addresses, parts, memory_end })
    }

    /// Answers what needs no proof, and refuses what is no call of `verify` of the right length.
    fn dispatch(&self, code: &mut Code, routines: &Routines, verify: &str) {
        code.op(Op::Callvalue);
        routines.refuse_if(code, Refusal::PaymentRefused);
        code.number(0).op(Op::Calldataload).number(SELECTOR_SHIFT).op(Op::Shr).name("function");
        for (name, hash) in [(KEY_DIGEST, self.key.digest()), (MODEL_HASH, self.key.model_hash())] {
            let other = code.label();
            code.word(&right_aligned(&selector(&format!("{name}()")))).get("function").ops(&[Op::Eq, Op::Iszero]);
            code.jump_if(other);
            code.word(&hash).number(SCRATCH).op(Op::Mstore).number(WORD).number(SCRATCH).op(Op::Return);
            code.target(other);
        }
        code.word(&right_aligned(&selector(verify))).ops(&[Op::Eq, Op::Iszero]);
        routines.refuse_if(code, Refusal::UnknownFunction);
        code.number(self.layout.calldata_bytes()).ops(&[Op::Calldatasize, Op::Eq, Op::Iszero]);
        routines.refuse_if(code, Refusal::CalldataSize);
    }

    /// Checks every element and draws every challenge; the answer says where each is.
    fn transcript(&self, field: &mut Field, routines: &Routines) -> BTreeMap<Challenge, usize> {
        let mut challenges = BTreeMap::new();
        let mut at = self.layout.elements.start;
        for step in &self.layout.steps {
            match step {
                Step::Points(count) => {
                    // The routine's last argument is on top.
                    let end = at + count * POINT_BYTES;
                    routines.call(&mut field.code, routines.points, &[end, at]);
                    at = end;
                }
                Step::Scalars(count) => {
                    let end = at + count * WORD;
                    routines.call(&mut field.code, routines.scalars, &[end, at]);
                    at = end;
                }
                Step::Draw(challenge) => {
                    let address = field.slot();
                    routines.call(&mut field.code, routines.challenge, &[address]);
                    challenges.insert(*challenge, address);
                }
            }
        }
        challenges
    }

    /// Computes the multiple of every point.
    fn multiples(
        &self,
        field: &mut Field,
        routines: &Routines,
        memory: &Memory,
        challenges: &BTreeMap<Challenge, usize>,
    ) -> Result<(), GenerateError> {
        let Self { key, layout, points, .. } = self;
        let address = |challenge: Challenge| challenges.get(&challenge).copied();
        let unsupported = || GenerateError::Unsupported { what: "a transcript without the argument's challenges" };
        let mut drawn = Vec::new();
        for challenge in [Challenge::X, Challenge::OpeningY, Challenge::OpeningV, Challenge::OpeningU, Challenge::Link]
        {
            drawn.push(field.memory(address(challenge).ok_or_else(unsupported)?));
        }
        let [x, y, v, u, s] = drawn.try_into().map_err(|_| unsupported())?;
        let domain = Domain::new(key.shape().k());
        let blinded = i32::try_from(key.halo2().cs().blinding_factors()).unwrap_or(i32::MAX);
        let instance = fraction(field, routines, layout, x, domain.root);
        let point = Point::new(field, &domain, blinded, x, instance);
        field.may_end();
        let at = At { x, step: point.step, y, v, u, domain: &domain };
        let quotient_address = field.slot();
        let quotient_value = field.memory(quotient_address);
        let opening = Opening::new(field, key, layout, points, &at, quotient_value);

        let mut inverted = vec![x, point.vanishing, instance[1]];
        inverted.extend(&point.distances);
        inverted.extend(opening.scale);
        field.may_end();
        let inverses = invert(field, routines, &inverted);
        field.may_end();
        let ([x_inverse, vanishing, denominator], rest) =
            inverses.split_first_chunk::<3>().ok_or_else(unsupported).map(|(first, rest)| (*first, rest))?;
        let (distances, scale) = rest.split_at(point.distances.len());
        let inverses = Inverses { vanishing, distances: distances.to_vec(), instance: denominator };
        let quotient = quotient(field, key, layout, &domain, &address, &point, &inverses)?;
        field.store(quotient, quotient_address);

        let link = key.link();
        let columns = link.map(|link| link.columns.as_slice()).unwrap_or_default();
        let weights: Vec<usize> = columns.iter().filter_map(|column| layout.advice.get(*column).copied()).collect();
        let one = field.one();
        let inverted = [scale.first().copied().unwrap_or(one), x_inverse];
        let put_off = opening.multiples(field, layout, points, &at, inverted, Multiples::new(memory.scalars, &weights));
        let Some(link) = link else { return Ok(()) };
        // Weight columns are in the opening, and in the link by a power of the last challenge.
        let (mut power, mut powers) = (one, Vec::new());
        for place in &weights {
            let next = field.product(power, s);
            power = field.keep(next);
            powers.push(power);
            let multiple = put_off.get(place).copied().ok_or_else(unsupported)?;
            let multiple = field.sum(multiple, power);
            field.store(multiple, memory.scalars + place * WORD);
            field.may_end();
        }
        let rows = key.commitment().rows.len();
        if powers.len() != columns.len() || !rows.is_multiple_of(powers.len().max(1)) {
            return Err(GenerateError::Unsupported { what: "a number of rows that is not the same for all columns" });
        }
        let r = field.memory(address(Challenge::Circuit(link.index)).ok_or_else(unsupported)?);
        row_multiples(field, r, &powers, memory.scalars + points.count() * WORD, rows);
        Ok(())
    }
}

fn right_aligned(selector: &[u8; SELECTOR_BYTES]) -> Word {
    let mut word = [0; 32];
    if let Some(last) = word.last_chunk_mut() {
        *last = *selector;
    }
    word
}

/// A scalar as the transcript takes it.
fn little_endian(element: &Fr) -> Word {
    let mut bytes = word(element);
    bytes.reverse();
    bytes
}

fn tau(key: &VerifyingKey) -> Result<G2Affine, GenerateError> {
    decode_g2(&key.setup().encode()).map_err(GenerateError::Setup)
}
