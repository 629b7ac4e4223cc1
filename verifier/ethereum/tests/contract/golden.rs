//! A contract that was released, and what it was called with: contracts stay on a chain, so later releases make calls that
//! they accept.

use super::*;

/// Released files of a key with one contract: what created it, and a call.
const RELEASED: [(Released, &str); 2] = [(DIGIT, "digits-1"), (GENERATED, "generated-1")];

#[test]
fn a_released_contract_accepts_the_calls_that_are_made_today() {
    for (released, name) in RELEASED {
        let key = released.key();
        let contract = Contract::generate(&key).unwrap();
        let (statement, proof) = released.shown();
        let call = contract.call(&statement, &proof).unwrap();
        let [created, called] = ["contract", "call"].map(|kind| format!("ethereum/tests/vectors/{name}.{kind}"));
        if std::env::var_os("BLESS").is_some() {
            for (file, content) in [(&created, contract.creation_code()), (&called, call.as_slice())] {
                let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
                // What was released stays as it is.
                if !path.exists() {
                    std::fs::write(path, content).unwrap();
                }
            }
        }
        assert_eq!(call, bytes(&called), "{name}");
        let mut chain = Chain::new();
        let (address, _) = chain.create(bytes(&created)).unwrap();
        assert!(chain.call(address, call.clone()).accepted());
        // And one of today's accepts what the released one was called with.
        let (address, _) = chain.deploy(&contract);
        assert!(chain.call(address, bytes(&called)).accepted());
        let mut other = call;
        other[SELECTOR_BYTES] ^= 1;
        assert!(!chain.call(address, other).accepted());
    }
}

const SELECTOR_BYTES: usize = 4;
