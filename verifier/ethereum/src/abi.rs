//! Names that callers see: functions, errors, and their description in JSON.

use serde_json::{Value, json};
use sha3::{Digest as _, Keccak256};

/// Bytes that name a function or an error.
pub(crate) const SELECTOR_BYTES: usize = 4;

/// First bytes of the hash of a signature.
pub(crate) fn selector(signature: &str) -> [u8; SELECTOR_BYTES] {
    let hash: [u8; 32] = Keccak256::digest(signature).into();
    let [a, b, c, d, ..] = hash;
    [a, b, c, d]
}

/// Why a contract refuses; nothing it does leaves a trace then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// The call names no function of the contract.
    UnknownFunction,
    /// The call brings ether.
    PaymentRefused,
    /// The call has another length than this key's: expected, got.
    CalldataSize,
    /// The number at this offset is outside the model's input range.
    InputRange,
    /// The number at this offset is outside the model's output range.
    OutputRange,
    /// The two words at this offset are no point: not on the curve, a coordinate not below the modulus, or the identity.
    PointInvalid,
    /// The word at this offset is not below the order.
    ScalarNotCanonical,
    /// A challenge met a point of the domain, which happens by chance in one of 2^240 proofs.
    ChallengeDegenerate,
    /// A precompile failed: the call brought too little gas, or the chain has no such precompile.
    PrecompileFailed,
    /// The constraints do not hold, the commitments do not open to the values, or a weight column is not the combination of
    /// the committed rows.
    NotProven,
    /// At deployment: the data contract or part of this number has another code than it should.
    DataMismatch,
}

impl Refusal {
    /// Every refusal.
    pub const ALL: [Self; 11] = [
        Self::UnknownFunction,
        Self::PaymentRefused,
        Self::CalldataSize,
        Self::InputRange,
        Self::OutputRange,
        Self::PointInvalid,
        Self::ScalarNotCanonical,
        Self::ChallengeDegenerate,
        Self::PrecompileFailed,
        Self::NotProven,
        Self::DataMismatch,
    ];

    /// Its name, and the names of its arguments, of type `uint256`.
    fn parts(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::UnknownFunction => ("UnknownFunction", &[]),
            Self::PaymentRefused => ("PaymentRefused", &[]),
            Self::CalldataSize => ("CalldataSize", &["expected", "got"]),
            Self::InputRange => ("InputRange", &["at"]),
            Self::OutputRange => ("OutputRange", &["at"]),
            Self::PointInvalid => ("PointInvalid", &["at"]),
            Self::ScalarNotCanonical => ("ScalarNotCanonical", &["at"]),
            Self::ChallengeDegenerate => ("ChallengeDegenerate", &[]),
            Self::PrecompileFailed => ("PrecompileFailed", &[]),
            Self::NotProven => ("NotProven", &[]),
            Self::DataMismatch => ("DataMismatch", &["index"]),
        }
    }

    /// Number of arguments.
    pub(crate) fn arguments(self) -> usize {
        self.parts().1.len()
    }

    /// The four bytes that an answer begins with.
    #[must_use]
    pub fn selector(self) -> [u8; SELECTOR_BYTES] {
        let (name, arguments) = self.parts();
        selector(&format!("{name}({})", vec!["uint256"; arguments.len()].join(",")))
    }

    /// What a call answered, if it was refused for a reason of this contract.
    #[must_use]
    pub fn of_answer(answer: &[u8]) -> Option<Self> {
        let (selector, rest) = answer.split_first_chunk::<SELECTOR_BYTES>()?;
        Self::ALL.into_iter().find(|own| own.selector() == *selector && rest.len() == 32 * own.arguments())
    }

    fn description(self) -> Value {
        let (name, arguments) = self.parts();
        json!({ "type": "error", "name": name, "inputs": arguments.iter().map(|name| typed(name, "uint256")).collect::<Vec<_>>() })
    }
}

fn typed(name: &str, kind: &str) -> Value {
    json!({ "name": name, "type": kind, "internalType": kind })
}

/// The function that verifies.
#[derive(Clone, Debug)]
pub(crate) struct Verify {
    /// Numbers of the input and of the output, words of the proof's elements.
    pub(crate) sizes: [usize; 3],
}

impl Verify {
    fn arguments(&self) -> [(&'static str, String); 4] {
        let [input, output, elements] = self.sizes;
        [
            ("contextDigest", "bytes32".to_owned()),
            ("input", format!("int64[{input}]")),
            ("output", format!("int64[{output}]")),
            ("proof", format!("uint256[{elements}]")),
        ]
    }

    /// The function as its selector hashes it.
    pub(crate) fn signature(&self) -> String {
        let types: Vec<String> = self.arguments().map(|(_, kind)| kind).to_vec();
        format!("verify({})", types.join(","))
    }
}

/// Functions that answer with one hash, which the contract is made for.
pub(crate) const KEY_DIGEST: &str = "keyDigest";
pub(crate) const MODEL_HASH: &str = "modelHash";

/// The description of a contract that is deployed with the addresses of so many data contracts and parts.
pub(crate) fn description(verify: &Verify, data: usize, parts: usize) -> Value {
    let names = |kind: &'static str, count: usize| (0..count).map(move |index| format!("{kind}{index}"));
    let names = names("data", data).chain(names("part", parts));
    let addresses: Vec<Value> = names.map(|name| typed(&name, "address")).collect();
    let inputs: Vec<Value> = verify.arguments().iter().map(|(name, kind)| typed(name, kind)).collect();
    let hash = |name: &str| {
        json!({ "type": "function", "name": name, "stateMutability": "view", "inputs": [],
            "outputs": [typed("", "bytes32")] })
    };
    let mut parts = vec![
        json!({ "type": "constructor", "stateMutability": "nonpayable", "inputs": addresses }),
        json!({ "type": "function", "name": "verify", "stateMutability": "view", "inputs": inputs,
            "outputs": [typed("", "bool")] }),
        hash(KEY_DIGEST),
        hash(MODEL_HASH),
    ];
    parts.extend(Refusal::ALL.map(Refusal::description));
    Value::Array(parts)
}
