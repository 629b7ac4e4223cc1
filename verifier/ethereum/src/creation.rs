//! What transactions carry that create contracts, and the contracts that are created first.

use sha3::{Digest as _, Keccak256};

use crate::abi::Refusal;
use crate::assembler::{Assembled, AssemblyError, Code, Label, Op};
use crate::field::WORD;
use crate::routines::Routines;

/// A contract that is created before the one that reads or calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What a transaction that creates it carries.
    pub creation: Vec<u8>,
    /// The code that it then has.
    pub code: Vec<u8>,
}

impl Piece {
    pub(crate) fn new(code: Vec<u8>) -> Result<Self, AssemblyError> {
        Ok(Self { creation: creation_of(&code)?, code })
    }

    /// Points as code, whose first byte stops whoever calls it.
    pub(crate) fn of_points(points: &[u8]) -> Result<Self, AssemblyError> {
        let mut code = vec![Op::Stop as u8];
        code.extend_from_slice(points);
        Self::new(code)
    }

    /// Hash of the code.
    #[must_use]
    pub fn code_hash(&self) -> [u8; 32] {
        Keccak256::digest(&self.code).into()
    }
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
pub(crate) fn creation<'a>(
    runtime: &Assembled,
    addresses: &[Label],
    pieces: impl Iterator<Item = &'a Piece>,
) -> Result<Vec<u8>, AssemblyError> {
    let mut code = Code::default();
    let routines = Routines::new(&mut code);
    let (start, arguments) = (code.label(), code.label());
    let bytes = runtime.bytes.len();
    code.number(bytes).reference(start).number(0).op(Op::Codecopy);
    for (index, (address, piece)) in addresses.iter().zip(pieces).enumerate() {
        let at = runtime.place(*address).ok_or(AssemblyError::Place)?;
        code.number(WORD).reference(arguments).number(index * WORD).op(Op::Add).number(at).op(Op::Codecopy);
        code.number(index).word(&piece.code_hash());
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
