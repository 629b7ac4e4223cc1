//! Arithmetic modulo the order of the groups, written down as values and turned into straight-line code.
//!
//! Equal values are one value. What is used more than once is kept in memory when it is first computed. Every value on the
//! stack or in memory is at most the order, which `ADDMOD`, `MULMOD` and the precompiles take as zero: so `-x` is the order
//! less x, without a reduction.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field as _;
use verifier::points::encode_scalar;

use crate::assembler::{Code, Op, Word};

/// Name of the order, which lies below everything else on the stack.
pub(crate) const ORDER: &str = "order";
/// Words that may lie on the stack above what an instruction reads.
const DEEP: usize = 14;
/// Words that may lie there before operands that have to be computed are put into memory.
const SHALLOW: usize = 12;
/// Bytes of a word in memory.
pub(crate) const WORD: usize = 32;

/// The order of the groups.
pub(crate) fn order() -> Word {
    // The order less one is the largest element.
    let mut word = word(&-Fr::ONE);
    if let Some(last) = word.last_mut() {
        *last += 1;
    }
    word
}

/// A field element as a word.
pub(crate) fn word(element: &Fr) -> Word {
    let mut word = encode_scalar(element);
    word.reverse();
    word
}

/// A value, by its place among the values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Value(usize);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Constant(Fr),
    /// A word of the calldata, which was checked to be below the order.
    Calldata(usize),
    /// A word of memory that is written before.
    Memory(usize),
    Negated(Value),
    Sum(Value, Value),
    Product(Value, Value),
}

/// Values, the code that computes them, and the memory that it uses.
pub(crate) struct Field {
    pub(crate) code: Code,
    nodes: Vec<Node>,
    /// Operations from each value down to what is at hand.
    heights: Vec<usize>,
    known: BTreeMap<Node, Value>,
    kept: BTreeMap<Value, usize>,
    memory_end: usize,
}

impl Field {
    /// Writes after `code`, and keeps values in memory from `memory_end` on.
    pub(crate) fn new(code: Code, memory_end: usize) -> Self {
        Self { code, nodes: Vec::new(), heights: Vec::new(), known: BTreeMap::new(), kept: BTreeMap::new(), memory_end }
    }

    /// A word of memory that nothing else uses.
    pub(crate) fn slot(&mut self) -> usize {
        self.memory_end += WORD;
        self.memory_end - WORD
    }

    fn value(&mut self, node: Node) -> Value {
        let Self { nodes, heights, known, .. } = self;
        *known.entry(node).or_insert_with(|| {
            heights.push(match node {
                Node::Constant(_) | Node::Calldata(_) | Node::Memory(_) => 0,
                Node::Negated(inner) => heights[inner.0] + 1,
                Node::Sum(left, right) | Node::Product(left, right) => heights[left.0].max(heights[right.0]) + 1,
            });
            nodes.push(node);
            Value(nodes.len() - 1)
        })
    }

    fn node(&self, value: Value) -> Node {
        self.nodes[value.0]
    }

    fn element(&self, value: Value) -> Option<Fr> {
        match self.node(value) {
            Node::Constant(element) => Some(element),
            _ => None,
        }
    }

    pub(crate) fn constant(&mut self, element: Fr) -> Value {
        self.value(Node::Constant(element))
    }

    pub(crate) fn one(&mut self) -> Value {
        self.constant(Fr::ONE)
    }

    pub(crate) fn calldata(&mut self, offset: usize) -> Value {
        self.value(Node::Calldata(offset))
    }

    pub(crate) fn memory(&mut self, address: usize) -> Value {
        self.value(Node::Memory(address))
    }

    pub(crate) fn negated(&mut self, value: Value) -> Value {
        match self.node(value) {
            Node::Constant(element) => self.constant(-element),
            Node::Negated(inner) => inner,
            _ => self.value(Node::Negated(value)),
        }
    }

    pub(crate) fn sum(&mut self, left: Value, right: Value) -> Value {
        match (self.element(left), self.element(right)) {
            (Some(left), Some(right)) => self.constant(left + right),
            (Some(zero), None) if zero == Fr::ZERO => right,
            (None, Some(zero)) if zero == Fr::ZERO => left,
            _ => self.value(Node::Sum(left.min(right), left.max(right))),
        }
    }

    pub(crate) fn difference(&mut self, left: Value, right: Value) -> Value {
        let right = self.negated(right);
        self.sum(left, right)
    }

    pub(crate) fn product(&mut self, left: Value, right: Value) -> Value {
        match (self.element(left), self.element(right)) {
            (Some(left), Some(right)) => self.constant(left * right),
            (Some(zero), None) | (None, Some(zero)) if zero == Fr::ZERO => self.constant(Fr::ZERO),
            (Some(one), None) if one == Fr::ONE => right,
            (None, Some(one)) if one == Fr::ONE => left,
            _ => self.value(Node::Product(left.min(right), left.max(right))),
        }
    }

    /// The product of all; 1 of none.
    pub(crate) fn product_of(&mut self, values: impl IntoIterator<Item = Value>) -> Value {
        let one = self.one();
        values.into_iter().fold(one, |product, value| self.product(product, value))
    }

    /// Computes a value now, into memory of its own, unless it is at hand already.
    pub(crate) fn keep(&mut self, value: Value) -> Value {
        if self.is_computed(value) {
            let address = self.slot();
            self.keep_at(value, address);
        }
        value
    }

    /// The same into this word of memory, which must not change later.
    pub(crate) fn keep_at(&mut self, value: Value, address: usize) {
        self.store(value, address);
        if self.is_computed(value) {
            self.kept.insert(value, address);
        }
    }

    /// A constant in memory, for those that are read often and long.
    pub(crate) fn held(&mut self, element: Fr) -> Value {
        let (constant, address) = (self.constant(element), self.slot());
        self.store(constant, address);
        self.memory(address)
    }

    /// Whether a value is the constant 1.
    pub(crate) fn is_one(&self, value: Value) -> bool {
        self.element(value) == Some(Fr::ONE)
    }

    /// Where in the calldata a value is.
    pub(crate) fn offset(&self, value: Value) -> Option<usize> {
        match self.node(value) {
            Node::Calldata(offset) => Some(offset),
            _ => None,
        }
    }

    /// Computes a value now, into this word of memory.
    pub(crate) fn store(&mut self, value: Value, address: usize) {
        self.push(value);
        self.code.number(address).op(Op::Mstore);
    }

    fn is_computed(&self, value: Value) -> bool {
        let at_hand = matches!(self.node(value), Node::Constant(_) | Node::Calldata(_) | Node::Memory(_));
        !at_hand && !self.kept.contains_key(&value)
    }

    /// Leaves a value on the stack.
    pub(crate) fn push(&mut self, value: Value) {
        let mut uses = BTreeMap::new();
        self.count(value, &mut uses);
        self.emit(value, &uses);
    }

    fn count(&self, value: Value, uses: &mut BTreeMap<Value, usize>) {
        if !self.is_computed(value) {
            return;
        }
        let own = uses.entry(value).or_default();
        *own += 1;
        if *own > 1 {
            return;
        }
        match self.node(value) {
            Node::Negated(inner) => self.count(inner, uses),
            // A square reads its base once.
            Node::Product(left, right) if left == right => self.count(left, uses),
            Node::Sum(left, right) | Node::Product(left, right) => {
                self.count(left, uses);
                self.count(right, uses);
            }
            Node::Constant(_) | Node::Calldata(_) | Node::Memory(_) => {}
        }
    }

    fn height(&self, value: Value) -> usize {
        if self.is_computed(value) { self.heights[value.0] } else { 0 }
    }

    fn emit(&mut self, value: Value, uses: &BTreeMap<Value, usize>) {
        if let Some(address) = self.kept.get(&value) {
            self.code.number(*address).op(Op::Mload);
            return;
        }
        match self.node(value) {
            Node::Constant(element) => {
                self.code.word(&word(&element));
            }
            Node::Calldata(offset) => {
                self.code.number(offset).op(Op::Calldataload);
            }
            Node::Memory(address) => {
                self.code.number(address).op(Op::Mload);
            }
            Node::Negated(inner) => {
                self.emit(inner, uses);
                self.code.get(ORDER).op(Op::Sub);
            }
            Node::Product(left, right) if left == right => {
                self.emit_above_order(left, uses);
                self.code.dup().op(Op::Mulmod);
            }
            Node::Sum(left, right) => self.emit_two(Op::Addmod, left, right, uses),
            Node::Product(left, right) => self.emit_two(Op::Mulmod, left, right, uses),
        }
        let cheap = matches!(self.node(value), Node::Negated(inner) if !self.is_computed(inner));
        if uses.get(&value).is_some_and(|count| *count > 1) && !cheap {
            let address = self.slot();
            self.code.dup().number(address).op(Op::Mstore);
            self.kept.insert(value, address);
        }
    }

    /// Leaves a value above the order: which is pushed at once where there is room, or else after the value.
    fn emit_above_order(&mut self, value: Value, uses: &BTreeMap<Value, usize>) {
        if self.code.depth(ORDER) + self.height(value) <= DEEP {
            self.code.get(ORDER);
            self.emit(value, uses);
        } else {
            self.emit(value, uses);
            self.code.get(ORDER).swap();
        }
    }

    /// The higher operand first: then few words wait on the stack.
    fn emit_two(&mut self, op: Op, left: Value, right: Value, uses: &BTreeMap<Value, usize>) {
        let [of_left, of_right] = [left, right].map(|value| self.height(value));
        let (first, second) = if of_left < of_right { (right, left) } else { (left, right) };
        if self.code.depth(ORDER) > SHALLOW && self.is_computed(second) {
            // Where much waits already, the second operand waits in memory.
            self.emit(second, uses);
            if self.kept.contains_key(&second) {
                self.code.op(Op::Pop);
            } else {
                let address = self.slot();
                self.code.number(address).op(Op::Mstore);
                self.kept.insert(second, address);
            }
        }
        self.emit_above_order(first, uses);
        self.emit(second, uses);
        self.code.op(op);
    }
}

#[cfg(test)]
mod tests {
    use revm::context::TxEnv;
    use revm::database::{CacheDB, EmptyDB};
    use revm::primitives::{Address, Bytes, TxKind};
    use revm::state::{AccountInfo, Bytecode};
    use revm::{Context, ExecuteEvm as _, MainBuilder as _, MainContext as _};

    use super::*;

    /// What code returns when it is called with this.
    fn run(code: Vec<u8>, calldata: Vec<u8>) -> Vec<u8> {
        let contract = Address::repeat_byte(0xc0);
        let mut database = CacheDB::<EmptyDB>::default();
        let code = Bytecode::new_raw(Bytes::from(code));
        database.insert_account_info(contract, AccountInfo::default().with_code(code));
        let call = TxEnv::builder().kind(TxKind::Call(contract)).data(Bytes::from(calldata)).gas_limit(1 << 24);
        let answer = Context::mainnet().with_db(database).build_mainnet().transact(call.gas_price(0).build().unwrap());
        answer.unwrap().result.into_output().unwrap().to_vec()
    }

    /// A tree as wide as it is high has more operands that wait than the stack's reach.
    #[test]
    fn high_trees_are_computed() {
        let mut code = Code::default();
        code.word(&order()).name(ORDER);
        let mut field = Field::new(code, 0x400);
        let leaves = (1..=1u64 << 11).map(|own| {
            let (read, own) = (field.calldata(0), Fr::from(own));
            let constant = field.constant(own);
            (field.sum(read, constant), own + Fr::from(7))
        });
        let mut level: Vec<(Value, Fr)> = leaves.collect();
        let mut round = 0;
        while level.len() > 1 {
            round += 1;
            let pairs = level.chunks(2).map(|pair| {
                let ((left, of_left), (right, of_right)) = (pair[0], pair[1]);
                if round % 2 == 0 {
                    (field.sum(left, right), of_left + of_right)
                } else {
                    (field.product(left, right), of_left * of_right)
                }
            });
            level = pairs.collect();
        }
        let (value, expected) = level[0];
        field.store(value, 0);
        field.code.number(WORD).number(0).op(Op::Return);
        let answer = run(field.code.assemble().unwrap().bytes, word(&Fr::from(7)).to_vec());
        assert_eq!(answer, word(&expected));
    }

    #[test]
    fn powers_by_squaring_are_computed() {
        let mut code = Code::default();
        code.word(&order()).name(ORDER);
        let mut field = Field::new(code, 0x400);
        let base = field.calldata(0);
        let power = (0..40).fold(base, |power, _| field.product(power, power));
        field.store(power, 0);
        field.code.number(WORD).number(0).op(Op::Return);
        let expected = (0..40).fold(Fr::from(7), |power, _| power.square());
        let answer = run(field.code.assemble().unwrap().bytes, word(&Fr::from(7)).to_vec());
        assert_eq!(answer, word(&expected));
    }

    /// Long chains and wide trees of sums, products and negations over a few numbers, from a small generator.
    #[test]
    fn code_computes_what_was_written_down() {
        let inputs: Vec<Fr> = (0..8u64).map(|own| -Fr::from(own * own * own)).collect();
        let calldata: Vec<u8> = inputs.iter().flat_map(word).collect();
        for seed in 1..40u64 {
            let mut state = seed;
            let mut draw = |below: usize| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                usize::try_from(state >> 33).unwrap() % below
            };
            let mut code = Code::default();
            code.word(&order()).name(ORDER);
            let mut field = Field::new(code, 0x400);
            let offsets = (0..inputs.len()).map(|own| field.calldata(own * WORD)).collect::<Vec<_>>();
            let mut known: Vec<(Value, Fr)> = offsets.into_iter().zip(inputs.iter().copied()).collect();
            known.push((field.constant(Fr::from(seed)), Fr::from(seed)));
            known.push((field.held(-Fr::from(seed)), -Fr::from(seed)));
            for step in 0..200 {
                // Now and then on the last value, which makes chains, and else on any, which shares values.
                let first = if draw(3) > 0 { known.len() - 1 } else { draw(known.len()) };
                let ((left, of_left), (right, of_right)) = (known[first], known[draw(known.len())]);
                known.push(match draw(5) {
                    0 => (field.negated(left), -of_left),
                    1 | 2 => (field.sum(left, right), of_left + of_right),
                    3 => (field.difference(left, right), of_left - of_right),
                    _ => (field.product(left, right), of_left * of_right),
                });
                if step % 50 == 49 {
                    let (last, _) = known[known.len() - 1];
                    field.keep(last);
                }
            }
            let (mut last, mut expected) = known[known.len() - 1];
            // A value may be the order itself, for zero: the last operation is one that reduces.
            last = field.sum(last, known[0].0);
            expected += known[0].1;
            field.store(last, 0);
            field.code.number(WORD).number(0).op(Op::Return);
            assert_eq!(run(field.code.assemble().unwrap().bytes, calldata.clone()), word(&expected), "seed {seed}");
        }
    }
}
