//! EVM code with labels, and with names for what lies on the stack.
//!
//! Positions on the stack are computed from names, so that no `DUP` or `SWAP` is counted by hand; every target of a jump
//! has one layout, and code that arrives with another is refused here instead of going wrong on a chain.

use std::collections::BTreeMap;

pub(crate) use crate::instruction::Op;

/// A word, most significant byte first.
pub(crate) type Word = [u8; 32];

const PUSH0: u8 = 0x5f;
const DUP1: u8 = 0x80;
const SWAP1: u8 = 0x90;
const JUMP: u8 = 0x56;
const JUMPI: u8 = 0x57;
const JUMPDEST: u8 = 0x5b;
/// Bytes of a position in the code.
const REFERENCE_BYTES: usize = 2;
/// `DUP16` and `SWAP16` reach no deeper.
const REACH: usize = 16;

/// A place in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Label(usize);

/// Why no code came of it: the generator asked for what the machine cannot do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssemblyError {
    /// A value lies deeper on the stack than an instruction reaches.
    #[error("{name:?} lies {depth} words deep on the stack, and instructions reach {REACH}")]
    Reach {
        /// Name of the value.
        name: &'static str,
        /// How deep it lies.
        depth: usize,
    },
    /// Nothing of that name is on the stack.
    #[error("nothing on the stack is called {name:?}")]
    Unnamed {
        /// The name.
        name: &'static str,
    },
    /// An instruction takes more words than there are.
    #[error("{op} takes {takes} words, and the stack has {has}")]
    Underflow {
        /// The instruction.
        op: String,
        /// Words that it takes.
        takes: usize,
        /// Words that there are.
        has: usize,
    },
    /// Two ways lead to one place with different stacks.
    #[error("a jump arrives with {got:?} on the stack, expected {expected:?}")]
    Layout {
        /// Stack at the target.
        expected: Vec<&'static str>,
        /// Stack at the jump.
        got: Vec<&'static str>,
    },
    /// A label was never placed, or lies beyond what two bytes address.
    #[error("a jump leads nowhere")]
    Place,
}

enum Item {
    Bytes(Vec<u8>),
    Reference(Label),
    Place(Label),
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Reference(_) => REFERENCE_BYTES,
            Self::Place(_) => 0,
        }
    }
}

/// Code that is being written.
#[derive(Default)]
pub(crate) struct Code {
    items: Vec<Item>,
    labels: usize,
    stack: Vec<&'static str>,
    layouts: BTreeMap<Label, Vec<&'static str>>,
    failure: Option<AssemblyError>,
}

/// Code, and where its labels are.
pub(crate) struct Assembled {
    pub(crate) bytes: Vec<u8>,
    places: BTreeMap<Label, usize>,
}

impl Assembled {
    /// Offset of a label.
    pub(crate) fn place(&self, label: Label) -> Option<usize> {
        self.places.get(&label).copied()
    }
}

impl Code {
    pub(crate) fn label(&mut self) -> Label {
        self.labels += 1;
        Label(self.labels)
    }

    fn fail(&mut self, error: AssemblyError) {
        self.failure.get_or_insert(error);
    }

    fn raw(&mut self, byte: u8) {
        match self.items.last_mut() {
            Some(Item::Bytes(bytes)) => bytes.push(byte),
            _ => self.items.push(Item::Bytes(vec![byte])),
        }
    }

    fn take(&mut self, op: impl std::fmt::Debug, count: usize) {
        if self.stack.len() < count {
            let (op, has) = (format!("{op:?}"), self.stack.len());
            self.fail(AssemblyError::Underflow { op, takes: count, has });
        }
        self.stack.truncate(self.stack.len().saturating_sub(count));
    }

    /// One instruction.
    pub(crate) fn op(&mut self, op: Op) -> &mut Self {
        let (takes, leaves) = op.effect();
        self.take(op, takes);
        self.stack.extend(std::iter::repeat_n("", leaves));
        self.raw(op as u8);
        self
    }

    /// Instructions, in their order.
    pub(crate) fn ops(&mut self, ops: &[Op]) -> &mut Self {
        ops.iter().for_each(|op| {
            self.op(*op);
        });
        self
    }

    /// Pushes a word.
    pub(crate) fn word(&mut self, word: &Word) -> &mut Self {
        let significant = word.iter().skip_while(|byte| **byte == 0);
        let bytes: Vec<u8> = significant.copied().collect();
        self.raw(PUSH0.saturating_add(u8::try_from(bytes.len()).unwrap_or(u8::MAX)));
        bytes.into_iter().for_each(|byte| self.raw(byte));
        self.stack.push("");
        self
    }

    /// Pushes a number.
    pub(crate) fn number(&mut self, number: usize) -> &mut Self {
        self.word(&word_of(number))
    }

    /// Pushes a word that is known later; the label is where its 32 bytes are.
    pub(crate) fn placeholder(&mut self) -> Label {
        let label = self.label();
        self.raw(PUSH0.saturating_add(32));
        self.items.push(Item::Place(label));
        self.items.push(Item::Bytes(vec![0; 32]));
        self.stack.push("");
        label
    }

    /// Pushes the place of a label.
    pub(crate) fn reference(&mut self, label: Label) -> &mut Self {
        self.raw(PUSH0.saturating_add(2));
        self.items.push(Item::Reference(label));
        self.stack.push("");
        self
    }

    /// Calls what is on top.
    pub(crate) fn name(&mut self, name: &'static str) -> &mut Self {
        if let Some(top) = self.stack.last_mut() {
            *top = name;
        }
        self
    }

    /// How many words lie from the top down to a name, itself included.
    pub(crate) fn depth(&mut self, name: &'static str) -> usize {
        match self.stack.iter().rev().position(|own| *own == name) {
            Some(above) => above + 1,
            None => {
                self.fail(AssemblyError::Unnamed { name });
                1
            }
        }
    }

    fn reach(&mut self, first: u8, name: &'static str, depth: usize) {
        if depth > REACH {
            self.fail(AssemblyError::Reach { name, depth });
        }
        self.raw(first.saturating_add(u8::try_from(depth.saturating_sub(1)).unwrap_or(u8::MAX)));
    }

    /// Copies a named word to the top.
    pub(crate) fn get(&mut self, name: &'static str) -> &mut Self {
        let depth = self.depth(name);
        self.reach(DUP1, name, depth);
        self.stack.push("");
        self
    }

    /// Takes the top into a named word.
    pub(crate) fn set(&mut self, name: &'static str) -> &mut Self {
        // The top itself has no name.
        let depth = self.depth(name);
        self.reach(SWAP1, name, depth.saturating_sub(1));
        self.op(Op::Pop)
    }

    /// Copies the top.
    pub(crate) fn dup(&mut self) -> &mut Self {
        self.reach(DUP1, "top", 1);
        self.stack.push("");
        self
    }

    /// Exchanges the two topmost words.
    pub(crate) fn swap(&mut self) -> &mut Self {
        self.reach(SWAP1, "second", 1);
        let last = self.stack.len();
        if last >= 2 {
            self.stack.swap(last - 1, last - 2);
        }
        self
    }

    /// Drops the topmost words.
    pub(crate) fn drop(&mut self, count: usize) -> &mut Self {
        (0..count).for_each(|_| {
            self.op(Op::Pop);
        });
        self
    }

    /// Bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.items.iter().map(Item::bytes).sum()
    }

    /// Whether nothing else is on the stack.
    pub(crate) fn has_only(&self, name: &'static str) -> bool {
        self.stack == [name]
    }

    /// Takes what was written away, to be code of its own; what follows begins with an empty stack. Labels that both have
    /// must be placed in both.
    pub(crate) fn take_written(&mut self) -> Self {
        let behind = Self { labels: self.labels, ..Self::default() };
        std::mem::replace(self, behind)
    }

    fn meet(&mut self, label: Label) {
        let got = self.stack.clone();
        let expected = self.layouts.entry(label).or_insert_with(|| got.clone()).clone();
        if expected != got {
            self.fail(AssemblyError::Layout { expected, got });
        }
    }

    /// A target of jumps that is also reached from above.
    pub(crate) fn target(&mut self, label: Label) -> &mut Self {
        self.meet(label);
        self.items.push(Item::Place(label));
        self.raw(JUMPDEST);
        self
    }

    /// A target that only jumps reach, with these names on the stack, and possibly more below.
    pub(crate) fn enter(&mut self, label: Label, stack: &[&'static str]) -> &mut Self {
        self.stack = stack.to_vec();
        self.items.push(Item::Place(label));
        self.raw(JUMPDEST);
        self
    }

    /// Jumps if the top is not zero, to a target with the same stack.
    pub(crate) fn jump_if(&mut self, label: Label) -> &mut Self {
        self.reference(label).take("JUMPI", 2);
        self.meet(label);
        self.raw(JUMPI);
        self
    }

    /// Jumps if the top is not zero, to a target that takes what is on top after it and does not come back.
    pub(crate) fn leave_if(&mut self, label: Label) -> &mut Self {
        self.reference(label).take("JUMPI", 2);
        self.raw(JUMPI);
        self
    }

    /// Jumps to what is on top, out of a routine.
    pub(crate) fn come_back(&mut self) {
        self.take("JUMP", 1);
        self.raw(JUMP);
    }

    /// Calls a routine with its arguments on top, above the place to come back to.
    pub(crate) fn call(&mut self, routine: Label, back: Label, arguments: usize, results: usize) -> &mut Self {
        self.reference(routine).take("JUMP", arguments + 2);
        self.raw(JUMP);
        self.stack.extend(std::iter::repeat_n("", results));
        self.items.push(Item::Place(back));
        self.raw(JUMPDEST);
        self
    }

    /// Bytes that are no code, at a label.
    pub(crate) fn data(&mut self, label: Label, bytes: &[u8]) {
        self.items.push(Item::Place(label));
        self.items.push(Item::Bytes(bytes.to_vec()));
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`AssemblyError`]: the first thing that went wrong.
    pub(crate) fn assemble(self) -> Result<Assembled, AssemblyError> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let mut places = BTreeMap::new();
        let mut at = 0usize;
        for item in &self.items {
            if let Item::Place(label) = item {
                places.insert(*label, at);
            }
            at += item.bytes();
        }
        let mut bytes = Vec::with_capacity(at);
        for item in self.items {
            match item {
                Item::Bytes(own) => bytes.extend(own),
                Item::Reference(label) => {
                    let place = places.get(&label).and_then(|place| u16::try_from(*place).ok());
                    bytes.extend(place.ok_or(AssemblyError::Place)?.to_be_bytes());
                }
                Item::Place(_) => {}
            }
        }
        Ok(Assembled { bytes, places })
    }
}

/// A number as a word.
pub(crate) fn word_of(number: usize) -> Word {
    let mut word = [0; 32];
    if let Some(low) = word.last_chunk_mut::<8>() {
        *low = u64::try_from(number).unwrap_or(u64::MAX).to_be_bytes();
    }
    word
}

#[cfg(test)]
mod tests;
