//! Code that goes on in other contracts, where one has no room for all of it.
//!
//! A part is called with the whole call and the words of memory that everything computed so far is in; it answers with those
//! words. It keeps nothing and reads nothing else, so that whoever calls it gets the same.

use std::ops::Range;

use crate::assembler::{Assembled, AssemblyError, Code, Label, Op};
use crate::field::{ORDER, order};
use crate::memory::Memory;
use crate::routines::Routines;

/// Parts that are being written.
pub(crate) struct Parts {
    /// Bytes of code after which a part ends, as soon as it may.
    after: usize,
    /// Memory that is handed on.
    state: Range<usize>,
    calldata_bytes: usize,
    ended: Vec<Code>,
}

impl Parts {
    pub(crate) fn new(after: usize, memory: &Memory, calldata_bytes: usize) -> Self {
        Self { after, state: memory.state.clone(), calldata_bytes, ended: Vec::new() }
    }

    /// Ends the part at hand if it has its size.
    pub(crate) fn may_end(&mut self, code: &mut Code) {
        if code.bytes() >= self.after && code.has_only(ORDER) {
            self.end(code);
            self.begin(code);
        }
    }

    /// Where a part finds what was computed before it.
    pub(crate) fn begin(&self, code: &mut Code) {
        code.number(self.state.len()).number(self.calldata_bytes).number(self.state.start).op(Op::Calldatacopy);
        code.word(&order()).name(ORDER);
    }

    fn end(&mut self, code: &mut Code) {
        code.number(self.state.len()).number(self.state.start).op(Op::Return);
        self.ended.push(code.take_written());
    }

    /// The code of each, the last of which is at hand.
    pub(crate) fn assemble(mut self, code: &mut Code, routines: &Routines) -> Result<Vec<Vec<u8>>, AssemblyError> {
        self.end(code);
        let written = self.ended.into_iter().map(|mut part| {
            routines.write_of_part(&mut part, self.calldata_bytes);
            part.assemble().map(|Assembled { bytes, .. }| bytes)
        });
        written.collect()
    }
}

/// Calls as many parts one after the other, if there are any; the answer says where the code has their addresses.
pub(crate) fn call_parts(
    code: &mut Code,
    routines: &Routines,
    memory: &Memory,
    calldata_bytes: usize,
    parts: usize,
) -> Vec<Label> {
    let (frame, state) = (memory.frame, &memory.state);
    if parts > 0 {
        code.number(calldata_bytes).number(0).number(frame).op(Op::Calldatacopy);
    }
    let addresses = (0..parts).map(|_| {
        code.number(state.len()).number(state.start).number(frame + calldata_bytes).op(Op::Mcopy);
        for number in [state.len(), state.start, calldata_bytes + state.len(), frame] {
            code.number(number);
        }
        let address = code.placeholder();
        code.ops(&[Op::Gas, Op::Staticcall, Op::Iszero]).leave_if(routines.part_failed);
        address
    });
    addresses.collect()
}
