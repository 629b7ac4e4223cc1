//! The instructions of the EVM that contracts are made of.

/// Instructions, with the number of words that each takes and leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Stop = 0x00,
    Add = 0x01,
    Mul = 0x02,
    Sub = 0x03,
    Addmod = 0x08,
    Mulmod = 0x09,
    Lt = 0x10,
    Slt = 0x12,
    Sgt = 0x13,
    Eq = 0x14,
    Iszero = 0x15,
    And = 0x16,
    Or = 0x17,
    Shl = 0x1b,
    Shr = 0x1c,
    Keccak = 0x20,
    Callvalue = 0x34,
    Calldataload = 0x35,
    Calldatasize = 0x36,
    Calldatacopy = 0x37,
    Codecopy = 0x39,
    Extcodecopy = 0x3c,
    Returndatasize = 0x3d,
    Returndatacopy = 0x3e,
    Extcodehash = 0x3f,
    Pop = 0x50,
    Mload = 0x51,
    Mstore = 0x52,
    Mstore8 = 0x53,
    Gas = 0x5a,
    Mcopy = 0x5e,
    Return = 0xf3,
    Staticcall = 0xfa,
    Revert = 0xfd,
    Invalid = 0xfe,
}

impl Op {
    /// Words taken from the stack and left on it.
    pub(crate) fn effect(self) -> (usize, usize) {
        match self {
            Self::Stop | Self::Invalid => (0, 0),
            Self::Callvalue | Self::Calldatasize | Self::Returndatasize | Self::Gas => (0, 1),
            Self::Iszero | Self::Calldataload | Self::Mload | Self::Extcodehash => (1, 1),
            Self::Pop => (1, 0),
            Self::Mstore | Self::Mstore8 | Self::Return | Self::Revert => (2, 0),
            Self::Calldatacopy | Self::Codecopy | Self::Returndatacopy | Self::Mcopy => (3, 0),
            Self::Extcodecopy => (4, 0),
            Self::Addmod | Self::Mulmod => (3, 1),
            Self::Staticcall => (6, 1),
            Self::Add
            | Self::Mul
            | Self::Sub
            | Self::Lt
            | Self::Slt
            | Self::Sgt
            | Self::Eq
            | Self::And
            | Self::Or
            | Self::Shl
            | Self::Shr
            | Self::Keccak => (2, 1),
        }
    }
}
