//! Routines that several parts of a contract call, and the refusals that all of them end in.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::{Fq, Fr};
use halo2_proofs::halo2curves::ff::{Field as _, PrimeField as _};

use crate::abi::{Refusal, SELECTOR_BYTES};
use crate::assembler::{Code, Label, Op, Word};
use crate::field::{WORD, order, word};
use crate::layout::POINT_BYTES;
use crate::memory::{SCRATCH, TRANSCRIPT_END};

/// Tags of messages, and of the two halves of a challenge.
const TAG_CHALLENGE: usize = 0;
const TAG_POINT: usize = 1;
pub(crate) const TAG_SCALAR: usize = 2;
pub(crate) const TAG_KEY: usize = 3;
const HALVES: [(usize, &str); 2] = [(10, "low"), (11, "high")];

/// Modulus of the coordinates.
pub(crate) fn modulus() -> Word {
    let mut word: Word = (-Fq::ONE).to_repr();
    word.reverse();
    if let Some(last) = word.last_mut() {
        *last += 1;
    }
    word
}

/// Routines by name, and the places where refusals are.
pub(crate) struct Routines {
    /// Takes a word, and leaves it with its bytes in the other order.
    reverse: Label,
    /// Takes offsets in the calldata where points begin and end; checks them, and gives them to the transcript.
    pub(crate) points: Label,
    /// The same with scalars.
    pub(crate) scalars: Label,
    /// Takes an address, and draws a challenge there.
    pub(crate) challenge: Label,
    /// Where a call of a part leads that failed.
    pub(crate) part_failed: Label,
    refusals: BTreeMap<Refusal, Label>,
}

impl Routines {
    pub(crate) fn new(code: &mut Code) -> Self {
        let [reverse, points, scalars, challenge, part_failed] = [(); 5].map(|()| code.label());
        let refusals = Refusal::ALL.map(|refusal| (refusal, code.label()));
        Self { reverse, points, scalars, challenge, part_failed, refusals: BTreeMap::from(refusals) }
    }

    /// Refuses if the top is not zero; what lies below it is the refusal's argument, if it takes one.
    pub(crate) fn refuse_if(&self, code: &mut Code, refusal: Refusal) {
        if let Some(label) = self.refusals.get(&refusal) {
            code.leave_if(*label);
        }
    }

    /// Reverses the bytes of what is on top.
    pub(crate) fn reverse(&self, code: &mut Code) {
        let back = code.label();
        code.reference(back).swap().call(self.reverse, back, 1, 1);
    }

    /// Calls a routine with these numbers.
    pub(crate) fn call(&self, code: &mut Code, routine: Label, arguments: &[usize]) {
        let back = code.label();
        code.reference(back);
        arguments.iter().for_each(|argument| {
            code.number(*argument);
        });
        code.call(routine, back, arguments.len(), 0);
    }

    /// The code of all of them, behind a contract's own.
    pub(crate) fn write(&self, code: &mut Code, transcript: usize, calldata_bytes: usize) {
        self.write_reverse(code);
        self.write_points(code);
        self.write_scalars(code);
        self.write_challenge(code, transcript);
        self.write_refusals(code, calldata_bytes);
    }

    /// What a part of a contract needs of them.
    pub(crate) fn write_of_part(&self, code: &mut Code, calldata_bytes: usize) {
        self.write_reverse(code);
        self.write_refusals(code, calldata_bytes);
    }

    /// Where a part failed: what it said is said again; without a word it had too little gas.
    pub(crate) fn write_part_failed(&self, code: &mut Code) {
        code.enter(self.part_failed, &[]).ops(&[Op::Returndatasize, Op::Iszero]);
        self.refuse_if(code, Refusal::PrecompileFailed);
        code.op(Op::Returndatasize).number(0).number(0).op(Op::Returndatacopy);
        code.op(Op::Returndatasize).number(0).op(Op::Revert);
    }

    /// Exchanges neighbouring bytes, then pairs, and so on.
    fn write_reverse(&self, code: &mut Code) {
        code.enter(self.reverse, &["back", "word"]);
        for bytes in [1, 2, 4, 8] {
            let mask: Word = std::array::from_fn(|place| if place / bytes % 2 == 1 { 0xff } else { 0 });
            let bits = 8 * bytes;
            code.dup().word(&mask).op(Op::And).number(bits).op(Op::Shl);
            code.swap().number(bits).op(Op::Shr).word(&mask).op(Op::And).op(Op::Or);
        }
        code.dup().number(128).op(Op::Shl).swap().number(128).op(Op::Shr).op(Op::Or);
        code.swap().come_back();
    }

    /// A loop over the calldata from `at` to `end`; `body` gives one element to the transcript, whose end is `to`.
    fn write_loop(
        &self,
        code: &mut Code,
        routine: Label,
        step: usize,
        message: usize,
        body: impl FnOnce(&Self, &mut Code),
    ) {
        let again = code.label();
        code.enter(routine, &["back", "end", "at"]);
        code.number(TRANSCRIPT_END).op(Op::Mload).name("to");
        code.target(again);
        body(self, code);
        code.number(message).op(Op::Add).name("to");
        code.get("at").number(step).op(Op::Add).set("at");
        code.get("end").get("at").op(Op::Lt).jump_if(again);
        code.number(TRANSCRIPT_END).op(Op::Mstore).drop(2).come_back();
    }

    fn write_points(&self, code: &mut Code) {
        self.write_loop(code, self.points, POINT_BYTES, 1 + POINT_BYTES, |routines, code| {
            let modulus = modulus();
            code.get("at").op(Op::Calldataload).name("x");
            code.get("at").number(WORD).op(Op::Add).op(Op::Calldataload).name("y");
            code.get("at");
            // y^2 = x^3 + 3, and both below the modulus. The identity, which is two zeros, is not on the curve.
            code.word(&modulus).name("modulus");
            code.get("modulus").get("y").get("y").op(Op::Mulmod);
            code.get("modulus").get("modulus").get("x").get("x").op(Op::Mulmod).get("x");
            code.op(Op::Mulmod);
            code.get("modulus").swap().number(3).ops(&[Op::Addmod, Op::Eq]);
            code.get("modulus").get("x").op(Op::Lt).op(Op::And);
            code.get("modulus").get("y").op(Op::Lt).op(Op::And);
            code.op(Op::Iszero).swap().drop(1);
            routines.refuse_if(code, Refusal::PointInvalid);
            code.drop(1);
            code.number(TAG_POINT).get("to").op(Op::Mstore8);
            routines.reverse(code);
            code.get("to").number(1 + WORD).ops(&[Op::Add, Op::Mstore]);
            routines.reverse(code);
            code.get("to").number(1).ops(&[Op::Add, Op::Mstore]);
        });
    }

    fn write_scalars(&self, code: &mut Code) {
        self.write_loop(code, self.scalars, WORD, 1 + WORD, |routines, code| {
            code.get("at").op(Op::Calldataload).name("scalar");
            code.get("at").word(&order()).get("scalar").ops(&[Op::Lt, Op::Iszero]);
            routines.refuse_if(code, Refusal::ScalarNotCanonical);
            code.drop(1);
            code.number(TAG_SCALAR).get("to").op(Op::Mstore8);
            routines.reverse(code);
            code.get("to").number(1).ops(&[Op::Add, Op::Mstore]);
        });
    }

    /// Two hashes of everything so far as one number of 512 bits, modulo the order.
    fn write_challenge(&self, code: &mut Code, transcript: usize) {
        code.enter(self.challenge, &["back", "address"]);
        code.number(TRANSCRIPT_END).op(Op::Mload).name("to");
        code.number(TAG_CHALLENGE).get("to").op(Op::Mstore8);
        code.get("to").number(1).op(Op::Add).set("to");
        for (half, name) in HALVES {
            code.number(half).get("to").op(Op::Mstore8);
            code.get("to").number(transcript).swap().op(Op::Sub).number(1).op(Op::Add);
            code.number(transcript).op(Op::Keccak);
            self.reverse(code);
            code.name(name);
        }
        code.get("to").number(TRANSCRIPT_END).op(Op::Mstore);
        // high 2^256 + low, modulo the order: its operands need not be below it.
        let shift = (0..256).fold(Fr::ONE, |power, _| power.double());
        code.word(&order()).name("order");
        code.get("order").get("low").get("order").get("high").word(&word(&shift));
        code.ops(&[Op::Mulmod, Op::Addmod]);
        code.get("address").op(Op::Mstore).drop(5).come_back();
    }

    pub(crate) fn write_refusals(&self, code: &mut Code, calldata_bytes: usize) {
        for (refusal, label) in &self.refusals {
            code.enter(*label, &["argument"]);
            let mut name = [0; 32];
            if let Some(first) = name.first_chunk_mut() {
                *first = refusal.selector();
            }
            let arguments = refusal.arguments();
            code.word(&name).number(SCRATCH).op(Op::Mstore);
            if *refusal == Refusal::CalldataSize {
                code.number(calldata_bytes).number(SCRATCH + SELECTOR_BYTES).op(Op::Mstore);
                code.op(Op::Calldatasize).number(SCRATCH + SELECTOR_BYTES + WORD).op(Op::Mstore);
            } else if arguments > 0 {
                code.number(SCRATCH + SELECTOR_BYTES).op(Op::Mstore);
            }
            code.number(SELECTOR_BYTES + WORD * arguments).number(SCRATCH).op(Op::Revert);
        }
    }
}
