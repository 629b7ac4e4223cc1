//! What the contract alone sees: calls that no library made, and creations with other points than the key's.

use ethereum::{Contract, Refusal};
use halo2_proofs::halo2curves::bn256::G1Affine;
use halo2_proofs::halo2curves::group::Curve as _;
use revm::primitives::{U256, keccak256};

use super::chain::{Answer, GAS_MAX};
use super::*;

const WORD: usize = 32;
const SELECTOR_BYTES: usize = 4;
const ORDER: &str = "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
const MODULUS: &str = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";

fn number(hexadecimal: &str) -> U256 {
    U256::from_str_radix(hexadecimal, 16).unwrap()
}

fn word(call: &[u8], at: usize) -> U256 {
    U256::from_be_slice(&call[at..at + WORD])
}

fn with_word(call: &[u8], at: usize, value: U256) -> Vec<u8> {
    let mut call = call.to_vec();
    call[at..at + WORD].copy_from_slice(&value.to_be_bytes::<WORD>());
    call
}

/// Offsets of the context, the numbers and the elements of a digit's call.
const INPUT: usize = SELECTOR_BYTES + WORD;
const OUTPUT: usize = INPUT + 64 * WORD;
const ELEMENTS: usize = OUTPUT + 10 * WORD;

/// Offsets of points and scalars, by whether two words are on the curve.
fn elements(call: &[u8]) -> (Vec<usize>, Vec<usize>) {
    let modulus = number(MODULUS);
    let (mut points, mut scalars) = (Vec::new(), Vec::new());
    let mut at = ELEMENTS;
    while at < call.len() {
        let on_curve = at + 2 * WORD <= call.len() && {
            let [x, y] = [at, at + WORD].map(|at| word(call, at));
            let cube = x.mul_mod(x, modulus).mul_mod(x, modulus);
            y.mul_mod(y, modulus) == cube.add_mod(U256::from(3), modulus)
        };
        if on_curve {
            points.push(at);
            at += 2 * WORD;
        } else {
            scalars.push(at);
            at += WORD;
        }
    }
    (points, scalars)
}

#[test]
fn points_are_on_the_curve_and_canonical() {
    let mut deployed = Deployed::of(&DIGIT);
    let honest = deployed.call.clone();
    let (points, _) = elements(&honest);
    let modulus = number(MODULUS);
    assert_eq!(points.len(), 21);
    for at in points {
        let refused = |answer: Answer| assert_eq!(answer.refusal(), (Refusal::PointInvalid, vec![at]), "{answer:?}");
        let [x, y] = [at, at + WORD].map(|at| word(&honest, at));
        refused(deployed.ask(with_word(&honest, at, x ^ U256::from(1))));
        refused(deployed.ask(with_word(&honest, at + WORD, y ^ U256::from(1))));
        // Other spellings of the same coordinates.
        refused(deployed.ask(with_word(&honest, at, x + modulus)));
        refused(deployed.ask(with_word(&honest, at + WORD, y + modulus)));
        refused(deployed.ask(with_word(&honest, at, U256::MAX)));
        // The identity, and half of it.
        let identity = with_word(&with_word(&honest, at, U256::ZERO), at + WORD, U256::ZERO);
        refused(deployed.ask(identity));
        refused(deployed.ask(with_word(&honest, at, modulus)));
        // On the curve, and another point.
        let negated = deployed.ask(with_word(&honest, at + WORD, modulus - y));
        assert_eq!(negated.refusal(), (Refusal::NotProven, vec![]));
    }
}

#[test]
fn scalars_are_below_the_order() {
    let mut deployed = Deployed::of(&DIGIT);
    let honest = deployed.call.clone();
    let (points, scalars) = elements(&honest);
    assert_eq!(points.len() * 2 + scalars.len(), (honest.len() - ELEMENTS) / WORD);
    let order = number(ORDER);
    for at in scalars {
        let scalar = word(&honest, at);
        for other in [scalar + order, order, U256::MAX] {
            let answer = deployed.ask(with_word(&honest, at, other));
            assert_eq!(answer.refusal(), (Refusal::ScalarNotCanonical, vec![at]), "{answer:?}");
        }
        let other = deployed.ask(with_word(&honest, at, scalar.add_mod(U256::from(1), order)));
        assert_eq!(other.refusal(), (Refusal::NotProven, vec![]));
    }
}

#[test]
fn numbers_are_in_the_models_range() {
    let mut deployed = Deployed::of(&DIGIT);
    let (key, honest) = (DIGIT.key(), deployed.call.clone());
    let ranges = [
        (INPUT..OUTPUT, key.graph().input().range, Refusal::InputRange),
        (OUTPUT..ELEMENTS, key.graph().output().range, Refusal::OutputRange),
    ];
    let order = number(ORDER);
    let signed = |value: i64| {
        if value < 0 { U256::ZERO.wrapping_sub(U256::from(value.unsigned_abs())) } else { U256::from(value) }
    };
    for (place, range, refusal) in ranges {
        for at in place.step_by(WORD) {
            let honest_number = word(&honest, at);
            // The same number modulo the order, and with bits beyond 64.
            let spellings =
                [honest_number.wrapping_add(order), honest_number ^ (U256::from(1) << 64), U256::from(1) << 255];
            for other in [signed(range.max + 1), signed(range.min - 1)].into_iter().chain(spellings) {
                let answer = deployed.ask(with_word(&honest, at, other));
                assert_eq!(answer.refusal(), (refusal, vec![at]), "{answer:?}");
            }
            for other in [range.min, range.max].map(signed).into_iter().filter(|other| *other != honest_number) {
                assert_eq!(deployed.ask(with_word(&honest, at, other)).refusal(), (Refusal::NotProven, vec![]));
            }
        }
    }
}

#[test]
fn calls_have_one_length_and_one_function() {
    let mut deployed = Deployed::of(&DIGIT);
    let honest = deployed.call.clone();
    let mut refused = |call: Vec<u8>| {
        let got = call.len();
        assert_eq!(deployed.ask(call).refusal(), (Refusal::CalldataSize, vec![honest.len(), got]));
    };
    for length in [SELECTOR_BYTES, SELECTOR_BYTES + 1, honest.len() / 2, honest.len() - WORD, honest.len() - 1] {
        refused(honest[..length].to_vec());
    }
    for more in [1, WORD, 1000] {
        let mut longer = honest.clone();
        longer.resize(honest.len() + more, 0);
        refused(longer);
    }
    for call in [vec![], honest[..3].to_vec(), honest[4..].to_vec()] {
        assert_eq!(deployed.ask(call).refusal(), (Refusal::UnknownFunction, vec![]));
    }
    let Deployed { mut chain, address, .. } = deployed;
    let answer = chain.call_with(address, honest.clone(), 1, GAS_MAX);
    assert_eq!(answer.refusal(), (Refusal::PaymentRefused, vec![]));
    // Every shortage of gas ends in a refusal or without an answer, and never in acceptance.
    let needed = chain.call(address, honest.clone()).gas();
    for gas in (200_000..needed).step_by(50_000).chain([needed - 1]) {
        assert!(!chain.call_with(address, honest.clone(), 0, gas).accepted(), "{gas}");
    }
    assert!(chain.call(address, honest).accepted());
}

#[test]
fn neighbours_are_not_exchanged() {
    let mut deployed = Deployed::of(&DIGIT);
    let honest = deployed.call.clone();
    let (points, scalars) = elements(&honest);
    for (list, bytes) in [(points, 2 * WORD), (scalars, WORD)] {
        for pair in list.windows(2) {
            let [first, second] = [pair[0], pair[1]].map(|at| honest[at..at + bytes].to_vec());
            let mut call = honest.clone();
            call[pair[0]..pair[0] + bytes].copy_from_slice(&second);
            call[pair[1]..pair[1] + bytes].copy_from_slice(&first);
            let answer = deployed.ask(call.clone());
            assert_eq!(answer.accepted(), call == honest, "{answer:?}");
        }
    }
}

/// What creates a contract, piece by piece.
pub(crate) struct Pieces {
    creation: Vec<u8>,
    /// Code of the data contracts and parts.
    pub(crate) data: Vec<Vec<u8>>,
}

impl Pieces {
    pub(crate) fn of(contract: &Contract<'_>) -> Self {
        let data = contract.pieces().map(|piece| piece.code.clone()).collect();
        Self { creation: contract.creation_code().to_vec(), data }
    }

    /// Puts other bytes in the place of these; the hash of a data contract follows its code.
    fn replace(&mut self, old: &[u8], new: &[u8]) {
        let put = |bytes: &mut Vec<u8>, old: &[u8], new: &[u8]| {
            let place = bytes.windows(old.len()).position(|window| window == old);
            place.map(|place| bytes[place..place + old.len()].copy_from_slice(new)).is_some()
        };
        if !put(&mut self.creation, old, new) {
            let changed = self.data.iter_mut().find_map(|code| {
                let before = keccak256(&*code);
                put(code, old, new).then(|| (before, keccak256(&*code)))
            });
            let (before, after) = changed.unwrap();
            assert!(put(&mut self.creation, before.as_slice(), after.as_slice()));
        }
    }

    pub(crate) fn create(&self) -> (Chain, Result<Address, Answer>) {
        let mut chain = Chain::new();
        let mut creation = self.creation.clone();
        for code in &self.data {
            // Copies the code, and gives it back.
            let mut own = vec![0x61, 0, 0, 0x80, 0x60, 0x0a, 0x5f, 0x39, 0x5f, 0xf3];
            own[1..3].copy_from_slice(&u16::try_from(code.len()).unwrap().to_be_bytes());
            own.extend(code);
            let (address, _) = chain.create(own).unwrap();
            creation.extend([0; 12]);
            creation.extend(address.into_array());
        }
        let created = chain.create(creation).map(|(address, _)| address);
        (chain, created)
    }
}

/// Each of the key's points is in the sum: fixed columns, positions, and every committed row. The transcript knows the key
/// by its hash alone, so that only the sum can notice another point.
#[test]
fn every_point_of_the_key_decides() {
    // Of so many points every 41st.
    for (released, step, code_bytes_max) in
        [(DIGIT, 1, CODE_BYTES_MAX), (SEQUENCE, 3, CODE_BYTES_MAX), (SEQUENCE, 7, SMALL), (LENET, 41, CODE_BYTES_MAX)]
    {
        let key = released.key();
        let contract = Contract::generate_within(&key, code_bytes_max).unwrap();
        let (statement, proof) = released.shown();
        let call = contract.call(&statement, &proof).unwrap();
        let halo2 = key.halo2();
        let columns = halo2.fixed_commitments().iter().chain(halo2.permutation().commitments());
        let points = columns.chain(key.rows().iter().map(|(_, point)| point));
        let encoded = points.map(verifier::points::encode_affine).filter(|point| *point != [0; 64]);
        // The generator, which is on the curve.
        let mut generator = [0; 64];
        (generator[31], generator[63]) = (1, 2);
        let mut decisive = 0;
        for mut point in encoded.step_by(step) {
            point.chunks_mut(WORD).for_each(<[u8]>::reverse);
            let mut pieces = Pieces::of(&contract);
            pieces.replace(&point, &generator);
            let (mut chain, created) = pieces.create();
            let answer = chain.call(created.unwrap(), call.clone());
            assert_eq!(answer.refusal(), (Refusal::NotProven, vec![]));
            decisive += 1;
        }
        assert!(decisive > 10, "{decisive}");
    }
}

/// Errors of two rows that cancel in their plain sum: of one column, which differ by a power of `r`, and of two columns, which
/// differ by a power of the last challenge.
#[test]
fn errors_of_two_rows_do_not_cancel() {
    let encoded = |point: G1Affine| {
        let mut bytes = verifier::points::encode_affine(&point);
        bytes.chunks_mut(WORD).for_each(<[u8]>::reverse);
        bytes
    };
    let generator = G1Affine::generator();
    let key = LENET.key();
    let columns = key.link().unwrap().columns.len();
    assert!(columns > 1, "{columns}");
    let contract = Contract::generate(&key).unwrap();
    let (statement, proof) = LENET.shown();
    let call = contract.call(&statement, &proof).unwrap();
    let row = |row: usize| key.rows().iter().find(|(index, _)| *index == u64::try_from(row).unwrap()).unwrap().1;
    for second in [columns, 1] {
        let mut pieces = Pieces::of(&contract);
        pieces.replace(&encoded(row(0)), &encoded((row(0) + generator).to_affine()));
        pieces.replace(&encoded(row(second)), &encoded((row(second) - generator).to_affine()));
        let (mut chain, created) = pieces.create();
        assert_eq!(chain.call(created.unwrap(), call.clone()).refusal(), (Refusal::NotProven, vec![]), "row {second}");
    }
}

#[test]
fn data_contracts_hold_the_keys_points_and_nothing_else() {
    let key = LENET.key();
    let contract = Contract::generate(&key).unwrap();
    assert_eq!(contract.data().len(), 2);
    assert!(contract.data().iter().all(|data| data.code.len() <= CODE_BYTES_MAX && data.code[0] == 0));
    assert_eq!(contract.creation(&[]), None);
    let mut pieces = Pieces::of(&contract);
    let code = pieces.data[0].clone();
    let refused_at = |pieces: &Pieces, index: usize| {
        let (_, created) = pieces.create();
        assert_eq!(created.unwrap_err().refusal(), (Refusal::DataMismatch, vec![index]));
    };
    let refused = |pieces: &Pieces| refused_at(pieces, 0);
    for position in [0, 1, code.len() / 2, code.len() - 1] {
        pieces.data[0][position] ^= 1;
        // What starts with another byte may be code that removes itself.
        refused(&pieces);
        pieces.data[0][position] ^= 1;
    }
    pieces.data[0].push(0);
    refused(&pieces);
    pieces.data[0].truncate(code.len() - 1);
    refused(&pieces);
    pieces.data[0].clone_from(&code);
    assert!(pieces.create().1.is_ok());
    // In the other order, without one, and without any.
    pieces.data.swap(0, 1);
    refused(&pieces);
    pieces.data.swap(0, 1);
    pieces.data.truncate(1);
    refused_at(&pieces, 1);
    pieces.data.clear();
    refused(&pieces);
    let nobody = Chain::new().create(contract.creation(&[[0x11; 20]; 2]).unwrap());
    assert_eq!(nobody.unwrap_err().refusal(), (Refusal::DataMismatch, vec![0]));
}
