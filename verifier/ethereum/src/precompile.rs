//! What a contract has computed for it: inverses, the sum of multiples of points, the pairing.

use halo2_proofs::halo2curves::bn256::{Fq, Fr, G2Affine};
use halo2_proofs::halo2curves::ff::{Field as _, PrimeField as _};

use crate::abi::Refusal;
use crate::assembler::{Code, Op, Word};
use crate::field::{Field, ORDER, Value, WORD, word};
use crate::layout::{Layout, POINT_BYTES};
use crate::memory::{Memory, SCRATCH, TRANSCRIPT_END};
use crate::routines::Routines;

const EXPMOD: usize = 5;
const ECADD: usize = 6;
const ECMUL: usize = 7;
const PAIRING: usize = 8;

/// Calls a precompile with bytes of memory, and leaves whether it answered.
fn ask(code: &mut Code, precompile: usize, [from, bytes]: [usize; 2], [to, answer]: [usize; 2]) {
    for number in [answer, to, bytes, from, precompile] {
        code.number(number);
    }
    code.ops(&[Op::Gas, Op::Staticcall]);
}

fn put(code: &mut Code, words: &[Word], at: usize) {
    for (place, word) in words.iter().enumerate() {
        code.word(word).number(at + place * WORD).op(Op::Mstore);
    }
}

/// The inverses of all values, by one power.
///
/// The inverse of their product is checked against it, so neither a zero among them nor a wrong answer goes on.
pub(crate) fn invert(field: &mut Field, routines: &Routines, values: &[Value]) -> Vec<Value> {
    let one = field.one();
    let mut products = vec![one];
    for value in values {
        let next = field.product(products.last().copied().unwrap_or(one), *value);
        products.push(field.keep(next));
    }
    let all = products.pop().unwrap_or(one);
    let words = [WORD, WORD, WORD];
    for (place, length) in words.into_iter().enumerate() {
        field.code.number(length).number(SCRATCH + place * WORD).op(Op::Mstore);
    }
    field.store(all, SCRATCH + 3 * WORD);
    // The order less two: a power by it is the inverse.
    let exponent = word(&-Fr::from(2));
    let code = &mut field.code;
    put(code, &[exponent], SCRATCH + 4 * WORD);
    code.get(ORDER).number(SCRATCH + 5 * WORD).op(Op::Mstore);
    ask(code, EXPMOD, [SCRATCH, 6 * WORD], [SCRATCH, WORD]);
    code.op(Op::Iszero);
    routines.refuse_if(code, Refusal::PrecompileFailed);
    let address = field.slot();
    field.code.number(SCRATCH).op(Op::Mload).number(address).op(Op::Mstore);
    let mut inverse = field.memory(address);
    let check = field.product(inverse, all);
    field.code.number(1);
    field.push(check);
    field.code.ops(&[Op::Eq, Op::Iszero]);
    routines.refuse_if(&mut field.code, Refusal::ChallengeDegenerate);
    let mut inverses = Vec::with_capacity(values.len());
    for (value, before) in values.iter().zip(&products).rev() {
        let own = field.product(inverse, *before);
        inverses.push(field.keep(own));
        let next = field.product(inverse, *value);
        inverse = field.keep(next);
    }
    inverses.reverse();
    inverses
}

/// Brings the proof's points into memory.
pub(crate) fn copy_points(code: &mut Code, layout: &Layout, memory: &Memory) {
    let mut to = memory.points;
    for run in layout.point_runs() {
        code.number(run.len()).number(run.start).number(to).op(Op::Calldatacopy);
        to += run.len();
    }
}

/// The multiples of committed rows, `-(r^e s^(w + 1))` for row `e` of weight column `w`.
pub(crate) fn row_multiples(field: &mut Field, r: Value, powers: &[Value], from: usize, rows: usize) {
    let again = field.code.label();
    field.code.number(from).name("to").word(&word(&-Fr::ONE)).name("power").target(again);
    for (column, of_column) in powers.iter().enumerate() {
        field.code.get(ORDER);
        field.push(*of_column);
        field.code.get("power").op(Op::Mulmod);
        field.code.get("to").number(column * WORD).ops(&[Op::Add, Op::Mstore]);
    }
    field.code.get(ORDER);
    field.push(r);
    let code = &mut field.code;
    code.get("power").op(Op::Mulmod).set("power");
    code.get("to").number(powers.len() * WORD).op(Op::Add).set("to");
    code.number(from + rows * WORD).get("to").op(Op::Lt).jump_if(again).drop(2);
}

/// Adds the multiples of all points up, at [`SCRATCH`]; what is no point, two zeros, is passed over.
pub(crate) fn sum_points(code: &mut Code, routines: &Routines, memory: &Memory, points: usize) {
    let (again, passed) = (code.label(), code.label());
    let [sum, product] = [SCRATCH, SCRATCH + POINT_BYTES];
    for half in [0, WORD] {
        code.number(0).number(sum + half).op(Op::Mstore);
    }
    code.number(memory.points).name("point").number(memory.scalars).name("scalar").target(again);
    code.get("point").op(Op::Mload).get("point").number(WORD).ops(&[Op::Add, Op::Mload, Op::Or, Op::Iszero]);
    code.jump_if(passed);
    code.number(POINT_BYTES).get("point").number(product).op(Op::Mcopy);
    code.get("scalar").op(Op::Mload).number(product + POINT_BYTES).op(Op::Mstore);
    ask(code, ECMUL, [product, POINT_BYTES + WORD], [product, POINT_BYTES]);
    ask(code, ECADD, [sum, 2 * POINT_BYTES], [sum, POINT_BYTES]);
    code.ops(&[Op::And, Op::Iszero]);
    routines.refuse_if(code, Refusal::PrecompileFailed);
    code.target(passed);
    code.get("scalar").number(WORD).op(Op::Add).set("scalar");
    code.get("point").number(POINT_BYTES).op(Op::Add).set("point");
    code.number(memory.points + points * POINT_BYTES).get("point").op(Op::Lt).jump_if(again).drop(2);
}

/// Refuses unless `e(sum, -[1]_2) e(point, [tau]_2)` is one, the sum being at [`SCRATCH`].
pub(crate) fn pair(code: &mut Code, routines: &Routines, point: usize, tau: &G2Affine) {
    let second = SCRATCH + 6 * WORD;
    put(code, &g2(&-G2Affine::generator()), SCRATCH + POINT_BYTES);
    code.number(POINT_BYTES).number(point).number(second).op(Op::Mcopy);
    put(code, &g2(tau), second + POINT_BYTES);
    // Where there is no such precompile, nothing is written: the answer is not one by itself.
    let answer = TRANSCRIPT_END;
    code.number(0).number(answer).op(Op::Mstore);
    ask(code, PAIRING, [SCRATCH, 12 * WORD], [answer, WORD]);
    code.op(Op::Iszero);
    routines.refuse_if(code, Refusal::PrecompileFailed);
    code.number(1).number(answer).ops(&[Op::Mload, Op::Eq, Op::Iszero]);
    routines.refuse_if(code, Refusal::NotProven);
}

/// A point of G2 as the precompile reads it: of each coordinate the imaginary part first (EIP-197).
fn g2(point: &G2Affine) -> [Word; 4] {
    [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(|part| coordinate(&part))
}

/// A coordinate as a word.
pub(crate) fn coordinate(value: &Fq) -> Word {
    let mut word: Word = value.to_repr();
    word.reverse();
    word
}
