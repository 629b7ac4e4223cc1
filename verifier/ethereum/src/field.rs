//! Arithmetic modulo the order of the groups, written down as values and turned into straight-line code.
//!
//! Equal values are one value. What is used more than once is kept in memory when it is first computed. Every value on the
//! stack or in memory is at most the order, which `ADDMOD`, `MULMOD` and the precompiles take as zero: so `-x` is the order
//! less x, without a reduction.

use std::collections::BTreeMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field as _;
use verifier::points::encode_scalar;

use crate::assembler::{AssemblyError, Code, Op, Word};
use crate::parts::Parts;
use crate::routines::Routines;

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
    /// Where the code may go on in other contracts.
    parts: Option<Parts>,
}

impl Field {
    /// Writes after `code`, and keeps values in memory from `memory_end` on.
    pub(crate) fn new(code: Code, memory_end: usize) -> Self {
        let (known, kept) = (BTreeMap::new(), BTreeMap::new());
        Self { code, nodes: Vec::new(), heights: Vec::new(), known, kept, memory_end, parts: None }
    }

    /// Goes on in other contracts; the answer is the code so far.
    pub(crate) fn begin_parts(&mut self, parts: Parts) -> Code {
        let before = self.code.take_written();
        parts.begin(&mut self.code);
        self.parts = Some(parts);
        before
    }

    /// Goes on in a contract's own code; the answer is the code of the others.
    pub(crate) fn end_parts(&mut self, before: Code, routines: &Routines) -> Result<Vec<Vec<u8>>, AssemblyError> {
        let mut last = std::mem::replace(&mut self.code, before);
        self.parts.take().map_or_else(|| Ok(Vec::new()), |parts| parts.assemble(&mut last, routines))
    }

    /// Here another contract may go on: everything that is needed later is in memory.
    pub(crate) fn may_end(&mut self) {
        if let Some(parts) = &mut self.parts {
            parts.may_end(&mut self.code);
        }
    }

    /// Where memory ends that is used.
    pub(crate) fn memory_end(&self) -> usize {
        self.memory_end
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

    /// The same for what grows step by step, if other contracts may go on.
    pub(crate) fn keep_in_parts(&mut self, value: Value) -> Value {
        if self.parts.is_some() { self.keep(value) } else { value }
    }

    /// Computes a value now, of which `steps` are parts, the larger the later; behind each another contract may go on.
    pub(crate) fn keep_by(&mut self, value: Value, steps: &[Value]) -> Value {
        if self.parts.is_some() {
            // What several steps share is kept when the first of them has computed it.
            let mut uses = BTreeMap::new();
            self.count(value, &mut uses);
            for step in steps {
                if self.is_computed(*step) {
                    self.settle(*step, &uses);
                    self.may_end();
                }
            }
        }
        self.keep(value)
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

    /// Puts a value into memory that has to be computed.
    fn settle(&mut self, value: Value, uses: &BTreeMap<Value, usize>) {
        self.emit(value, uses);
        if self.kept.contains_key(&value) {
            self.code.op(Op::Pop);
        } else {
            let address = self.slot();
            self.code.number(address).op(Op::Mstore);
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
            self.settle(second, uses);
        }
        self.emit_above_order(first, uses);
        self.emit(second, uses);
        self.code.op(op);
    }
}

#[cfg(test)]
mod tests;
