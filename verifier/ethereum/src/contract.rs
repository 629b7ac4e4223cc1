//! From a key to code: what is deployed.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::{Fr, G2Affine};
use serde_json::Value as Json;
use sha3::{Digest as _, Keccak256};
use verifier::key::VerifyingKey;
use verifier::points::{PointError, decode_g2, encode_affine};

use crate::abi::{self, KEY_DIGEST, MODEL_HASH, Refusal, SELECTOR_BYTES, Verify, selector};
use crate::argument::{Domain, Inverses, Point, quotient};
use crate::assembler::{Assembled, AssemblyError, Code, Label, Op, Word};
use crate::field::{Field, ORDER, WORD, order, word};
use crate::layout::{Challenge, Layout, POINT_BYTES, Step};
use crate::memory::{Memory, SCRATCH};
use crate::opening::{At, Opening, Points, Written};
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
    /// The circuit is too large for one contract.
    #[error("contract: its code would have {got} bytes, and a contract's may have {CODE_BYTES_MAX} (EIP-170)")]
    CodeSize {
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

/// A contract whose code is points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Data {
    /// What a transaction that creates it carries.
    pub creation: Vec<u8>,
    /// The code that it then has.
    pub code: Vec<u8>,
}

impl Data {
    /// The first byte of the code stops whoever calls it.
    fn new(points: &[u8]) -> Result<Self, AssemblyError> {
        let mut code = vec![Op::Stop as u8];
        code.extend_from_slice(points);
        Ok(Self { creation: creation_of(&code)?, code })
    }

    /// Hash of the code.
    #[must_use]
    pub fn code_hash(&self) -> [u8; 32] {
        Keccak256::digest(&self.code).into()
    }
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
    data: Vec<Data>,
    points: usize,
    abi: Json,
}

/// Where the key's points are.
enum Place<'a> {
    /// Behind the code.
    Here,
    /// In contracts of their own.
    Apart(&'a [Data]),
}

impl<'a> Contract<'a> {
    /// Makes the contract that verifies proofs of this key.
    ///
    /// # Errors
    /// [`GenerateError`].
    pub fn generate(key: &'a VerifyingKey) -> Result<Self, GenerateError> {
        let layout = Layout::new(key);
        let points = Points::new(key, &layout);
        let rows = key.commitment().rows.iter().map(|row| row.0);
        let bytes = points.of_key.iter().map(encode_affine).chain(rows);
        let bytes: Vec<u8> = bytes.flat_map(|point| big_endian(&point)).collect();
        let sizes = [layout.input.count(), layout.output.count(), layout.element_words()];
        let verify = Verify { sizes };
        let runtime = Runtime { key, layout: &layout, points: &points, verify: &verify };
        let mut data = Vec::new();
        let (mut code, mut addresses) = runtime.write(&bytes, &Place::Here)?;
        if code.bytes.len() > CODE_BYTES_MAX {
            // One byte of each is what stops whoever calls it.
            let chunks = bytes.chunks((CODE_BYTES_MAX - 1) / POINT_BYTES * POINT_BYTES);
            data = chunks.map(Data::new).collect::<Result<_, _>>()?;
            (code, addresses) = runtime.write(&bytes, &Place::Apart(&data))?;
        }
        let code_bytes = code.bytes.len();
        if code_bytes > CODE_BYTES_MAX {
            return Err(GenerateError::CodeSize { got: code_bytes });
        }
        Ok(Self {
            creation: creation(&code, &addresses, &data)?,
            abi: abi::description(&verify, data.len()),
            signature: verify.signature(),
            selector: selector(&verify.signature()),
            points: points.present() + key.rows().len(),
            key,
            layout,
            code_bytes,
            data,
        })
    }

    /// What the transaction that creates the contract carries, but for the addresses of its data contracts, which follow it.
    #[must_use]
    pub fn creation_code(&self) -> &[u8] {
        &self.creation
    }

    /// What the transaction that creates the contract carries, if `data` are the addresses of its data contracts.
    ///
    /// `None` if it has another number of them. The creation itself fails if a contract does not hold the key's points.
    #[must_use]
    pub fn creation(&self, data: &[[u8; 20]]) -> Option<Vec<u8>> {
        let mut creation = self.creation.clone();
        for address in data {
            creation.extend([0; 12]);
            creation.extend(address);
        }
        (data.len() == self.data.len()).then_some(creation)
    }

    /// Contracts that are created first; none if the points have room behind the code.
    #[must_use]
    pub fn data(&self) -> &[Data] {
        &self.data
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

/// What a transaction carries to create a contract with this code.
fn creation_of(runtime: &[u8]) -> Result<Vec<u8>, AssemblyError> {
    let mut code = Code::default();
    let start = code.label();
    code.number(runtime.len()).reference(start).number(0).op(Op::Codecopy);
    code.number(runtime.len()).number(0).op(Op::Return);
    code.data(start, runtime);
    Ok(code.assemble()?.bytes)
}

/// The same for a contract that keeps addresses in its code, which follow the creation's code: each must be of a contract
/// with the code that it should have.
fn creation(runtime: &Assembled, addresses: &[Label], data: &[Data]) -> Result<Vec<u8>, AssemblyError> {
    let mut code = Code::default();
    let routines = Routines::new(&mut code);
    let (start, arguments) = (code.label(), code.label());
    let bytes = runtime.bytes.len();
    code.number(bytes).reference(start).number(0).op(Op::Codecopy);
    for (index, (address, data)) in addresses.iter().zip(data).enumerate() {
        let at = runtime.place(*address).ok_or(AssemblyError::Place)?;
        code.number(WORD).reference(arguments).number(index * WORD).op(Op::Add).number(at).op(Op::Codecopy);
        code.number(index).word(&data.code_hash());
        code.number(at).ops(&[Op::Mload, Op::Extcodehash, Op::Eq, Op::Iszero]);
        routines.refuse_if(&mut code, Refusal::DataMismatch);
        code.drop(1);
    }
    code.op(Op::Callvalue);
    routines.refuse_if(&mut code, Refusal::PaymentRefused);
    code.number(bytes).number(0).op(Op::Return);
    routines.write_refusals(&mut code, 0);
    code.data(start, &runtime.bytes);
    code.data(arguments, &[]);
    Ok(code.assemble()?.bytes)
}

/// What the code is written for.
struct Runtime<'a> {
    key: &'a VerifyingKey,
    layout: &'a Layout,
    points: &'a Points,
    verify: &'a Verify,
}

impl Runtime<'_> {
    /// The code, and where it has the addresses of data contracts.
    fn write(&self, data: &[u8], place: &Place<'_>) -> Result<(Assembled, Vec<Label>), GenerateError> {
        let Self { key, layout, points, verify } = self;
        let rows = key.commitment().rows.len();
        let memory = Memory::new(layout, points.count() + rows);
        let mut code = Code::default();
        let routines = Routines::new(&mut code);
        self.dispatch(&mut code, &routines, &verify.signature());
        code.word(&order()).name(ORDER);
        let fingerprint = little_endian(&key.halo2().transcript_repr());
        absorb(&mut code, &routines, layout, &memory, &key.digest(), &fingerprint);
        let mut field = Field::new(code, memory.rest);
        let challenges = self.transcript(&mut field, &routines);
        self.multiples(&mut field, &routines, &memory, &challenges)?;
        let code = &mut field.code;
        copy_points(code, layout, &memory);
        let (label, mut addresses) = (code.label(), Vec::new());
        let to = memory.points + layout.point_runs().iter().map(ExactSizeIterator::len).sum::<usize>();
        match place {
            Place::Here => {
                code.number(data.len()).reference(label).number(to).op(Op::Codecopy);
            }
            Place::Apart(apart) => {
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
        sum_points(code, &routines, &memory, points.count() + rows);
        let [_, remainder] = layout.opening;
        let tau = tau(key)?;
        pair(code, &routines, memory.points + remainder * POINT_BYTES, &tau);
        code.number(1).number(SCRATCH).op(Op::Mstore);
        code.number(WORD).number(SCRATCH).op(Op::Return);
        routines.write(code, memory.transcript, layout.calldata_bytes());
        if let Place::Here = place {
            code.op(Op::Invalid);
            code.data(label, data);
        }
        Ok((field.code.assemble()?, addresses))
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
        let at = At { x, step: point.step, y, v, u, domain: &domain };
        let quotient_address = field.slot();
        let quotient_value = field.memory(quotient_address);
        let opening = Opening::new(field, key, layout, points, &at, quotient_value);

        let mut inverted = vec![x, point.vanishing, instance[1]];
        inverted.extend(&point.distances);
        inverted.extend(opening.scale);
        let inverses = invert(field, routines, &inverted);
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
        let put_off = opening.multiples(field, layout, points, &at, inverted, Written::new(memory.scalars, &weights));
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
