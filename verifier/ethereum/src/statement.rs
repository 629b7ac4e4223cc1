//! The statement: given to the transcript, and the value of the instance's polynomial.

use halo2_proofs::halo2curves::bn256::Fr;

use crate::abi::Refusal;
use crate::assembler::{Code, Op, Word};
use crate::field::{Field, ORDER, Value, WORD, order, word};
use crate::layout::{Layout, Numbers};
use crate::memory::{Memory, TRANSCRIPT_END};
use crate::routines::{Routines, TAG_KEY, TAG_SCALAR};

/// Bits of half of the context's digest.
const HALF_BITS: usize = 128;
/// Bits of all but the last byte of a word.
const BYTE_SHIFT: usize = 248;

/// A number in two's complement.
pub(crate) fn signed(number: i64) -> Word {
    let mut word = [if number < 0 { 0xff } else { 0 }; 32];
    if let Some(low) = word.last_chunk_mut::<8>() {
        *low = number.to_be_bytes();
    }
    word
}

/// The transcript's first messages: the key's hash, the fingerprint, the halves of the context's digest, the numbers.
pub(crate) fn absorb(
    code: &mut Code,
    routines: &Routines,
    layout: &Layout,
    memory: &Memory,
    key_digest: &Word,
    fingerprint: &Word,
) {
    let mut to = memory.transcript;
    let mut tagged = |code: &mut Code, tag: usize| {
        code.number(tag).number(to).op(Op::Mstore8);
        code.number(to + 1).op(Op::Mstore);
        to += 1 + WORD;
    };
    code.word(key_digest);
    tagged(code, TAG_KEY);
    code.word(fingerprint);
    tagged(code, TAG_SCALAR);
    // A half's bytes, and zeros behind them, are the half as a number with its least significant byte first.
    code.number(layout.context).op(Op::Calldataload).number(HALF_BITS).op(Op::Shr).number(HALF_BITS).op(Op::Shl);
    tagged(code, TAG_SCALAR);
    code.number(layout.context).op(Op::Calldataload).number(HALF_BITS).op(Op::Shl);
    tagged(code, TAG_SCALAR);
    code.number(to).name("to");
    for numbers in layout.numbers() {
        let refusal = if numbers.at == layout.input.at { Refusal::InputRange } else { Refusal::OutputRange };
        absorb_numbers(code, routines, numbers, refusal);
    }
    code.number(TRANSCRIPT_END).op(Op::Mstore);
}

fn absorb_numbers(code: &mut Code, routines: &Routines, numbers: &Numbers, refusal: Refusal) {
    let (again, reversed) = (code.label(), code.label());
    code.number(numbers.at.start).name("at");
    code.target(again);
    code.get("at").op(Op::Calldataload).name("number");
    code.get("at");
    code.word(&signed(numbers.bounds.min)).get("number").op(Op::Slt);
    code.word(&signed(numbers.bounds.max)).get("number").ops(&[Op::Sgt, Op::Or]);
    routines.refuse_if(code, refusal);
    code.drop(1);
    as_element(code, numbers);
    // One byte needs no reversal.
    code.get("number").number(BYTE_SHIFT).op(Op::Shl).name("message");
    code.number(1 << 8).get("number").op(Op::Lt).jump_if(reversed);
    code.drop(1).get("number");
    routines.reverse(code);
    code.name("message").target(reversed);
    code.get("to").number(1).ops(&[Op::Add, Op::Mstore]).drop(1);
    code.number(TAG_SCALAR).get("to").op(Op::Mstore8);
    code.get("to").number(1 + WORD).op(Op::Add).set("to");
    code.get("at").number(WORD).op(Op::Add).set("at");
    code.number(numbers.at.end).get("at").op(Op::Lt).jump_if(again);
    code.drop(1);
}

/// A number that may be negative, from two's complement to below the order.
fn as_element(code: &mut Code, numbers: &Numbers) {
    if numbers.bounds.min < 0 {
        code.word(&order()).number(0).get("number").ops(&[Op::Slt, Op::Mul, Op::Add]).name("number");
    }
}

/// `sum_i instance_i w^i / (x - w^i)` as a numerator and a denominator.
///
/// Fractions are added as they come, so that nothing is inverted; what is zero adds nothing, and is passed over.
pub(crate) fn fraction(field: &mut Field, routines: &Routines, layout: &Layout, x: Value, root: Fr) -> [Value; 2] {
    let halves = halves(field, routines, layout);
    let (one, second) = (field.one(), field.constant(root));
    let [to_first, to_second] = [one, second].map(|power| field.difference(x, power));
    let first = field.product(halves[0], to_second);
    let other = field.product_of([halves[1], second, to_first]);
    let numerator = field.sum(first, other);
    let denominator = field.product(to_first, to_second);
    let addresses = [(); 2].map(|()| field.slot());
    field.keep(x);
    field.store(numerator, addresses[0]);
    field.store(denominator, addresses[1]);
    let shared = [("numerator", addresses[0]), ("denominator", addresses[1])];
    field.push(x);
    field.code.name("x").word(&word(&root.square())).name("power");
    for (name, address) in shared {
        field.code.number(address).op(Op::Mload).name(name);
    }
    for numbers in layout.numbers() {
        add_numbers(&mut field.code, numbers, &word(&root));
    }
    for (_, address) in shared.into_iter().rev() {
        field.code.number(address).op(Op::Mstore);
    }
    field.code.drop(2);
    addresses.map(|address| field.memory(address))
}

/// The context's digest as two numbers of 128 bits.
fn halves(field: &mut Field, routines: &Routines, layout: &Layout) -> [Value; 2] {
    let addresses = [(); 2].map(|()| field.slot());
    let code = &mut field.code;
    code.number(layout.context).op(Op::Calldataload);
    routines.reverse(code);
    code.dup().number(HALF_BITS).op(Op::Shl).number(HALF_BITS).op(Op::Shr).number(addresses[0]).op(Op::Mstore);
    code.number(HALF_BITS).op(Op::Shr).number(addresses[1]).op(Op::Mstore);
    addresses.map(|address| field.memory(address))
}

fn add_numbers(code: &mut Code, numbers: &Numbers, root: &Word) {
    let (again, passed) = (code.label(), code.label());
    code.number(numbers.at.start).name("at");
    code.target(again);
    code.get("at").op(Op::Calldataload).name("number");
    code.get("number").op(Op::Iszero).jump_if(passed);
    as_element(code, numbers);
    code.get(ORDER).get("number").get("power").op(Op::Mulmod).set("number");
    // Below twice the order, which the multiplications take.
    code.get("power").get(ORDER).op(Op::Sub).get("x").op(Op::Add).name("difference");
    code.get(ORDER).get(ORDER).get("numerator").get("difference").op(Op::Mulmod);
    code.get(ORDER).get("number").get("denominator").ops(&[Op::Mulmod, Op::Addmod]).set("numerator");
    code.get(ORDER).swap().get("denominator").op(Op::Mulmod).set("denominator");
    code.target(passed);
    code.drop(1);
    code.get(ORDER).word(root).get("power").op(Op::Mulmod).set("power");
    code.get("at").number(WORD).op(Op::Add).set("at");
    code.number(numbers.at.end).get("at").op(Op::Lt).jump_if(again);
    code.drop(1);
}
