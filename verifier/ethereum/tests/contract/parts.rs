//! Contracts whose code has no room in one: the same decisions, in several.

use ethereum::{GenerateError, Refusal};

use super::chain::GAS_MAX;
use super::guards::Pieces;
use super::*;

#[test]
fn code_without_room_in_one_contract_goes_on_in_others() {
    for released in [DIGIT, SEQUENCE, GENERATED, LENET] {
        let (key, (statement, proof)) = (released.key(), released.shown());
        let contract = Contract::generate_within(&key, SMALL).unwrap();
        assert!(contract.code_bytes() <= SMALL && !contract.parts().is_empty());
        let call = contract.call(&statement, &proof).unwrap();
        assert_eq!(call, Contract::generate(&key).unwrap().call(&statement, &proof).unwrap(), "calls are the same");
        let mut addresses = Vec::new();
        let mut chain = Chain::new();
        for piece in contract.pieces() {
            assert!(piece.code.len() <= SMALL && piece.creation.len() <= CREATION_BYTES_MAX);
            addresses.push(chain.create(piece.creation.clone()).unwrap().0.into_array());
        }
        let creation = contract.creation(&addresses).unwrap();
        assert!(creation.len() <= CREATION_BYTES_MAX);
        let (address, _) = chain.create(creation).unwrap();
        let answer = chain.call(address, call);
        assert!(answer.accepted(), "{answer:?}");
        // What is called between contracts costs memory, and little beside the sum of points.
        let whole = released.gas.called;
        assert!((whole..whole + whole / 2).contains(&answer.gas()), "{} of {whole}", answer.gas());
    }
}

#[test]
fn code_that_cannot_be_divided_is_refused_with_its_size() {
    let key = DIGIT.key();
    let error = Contract::generate_within(&key, 1_000).unwrap_err();
    let GenerateError::CodeSize { max: 1_000, got } = error else { panic!("{error:?}") };
    assert!(got > 1_000);
    let expected =
        format!("contract: code that cannot be divided further has {got} bytes, expected at most 1000 (EIP-170)");
    assert_eq!(error.to_string(), expected);
}

#[test]
fn parts_have_their_code_and_their_order() {
    let key = SEQUENCE.key();
    let contract = Contract::generate_within(&key, SMALL).unwrap();
    let (first, parts) = (contract.data().len(), contract.parts().len());
    assert!(parts > 1, "{parts}");
    let refused = |pieces: &Pieces, index: usize| {
        let (_, created) = pieces.create();
        assert_eq!(created.unwrap_err().refusal(), (Refusal::DataMismatch, vec![index]));
    };
    let mut pieces = Pieces::of(&contract);
    for index in first..first + parts {
        let place = pieces.data[index].len() / 2;
        pieces.data[index][place] ^= 1;
        refused(&pieces, index);
        pieces.data[index][place] ^= 1;
    }
    pieces.data.swap(first, first + 1);
    refused(&pieces, first);
    pieces.data.swap(first, first + 1);
    assert!(pieces.create().1.is_ok());
    pieces.data.pop();
    refused(&pieces, first + parts - 1);
    assert_eq!(contract.creation(&[[0; 20]]), None);
}

/// What fails in a part fails in the contract, whatever the part says: nothing, if its gas was used up.
#[test]
fn every_shortage_of_gas_ends_in_a_refusal() {
    let mut deployed = Deployed::within(&DIGIT, SMALL);
    let call = deployed.call.clone();
    let needed = deployed.ask(call.clone()).gas();
    let mut refusals = Vec::new();
    for gas in (200_000..needed).step_by(2_000).chain([needed - 1]) {
        let answer = deployed.chain.call_with(deployed.address, call.clone(), 0, gas);
        assert!(!answer.accepted(), "{gas}");
        if let chain::Answer::Refused { .. } = answer {
            refusals.push(answer.refusal().0);
        }
    }
    assert!(refusals.contains(&Refusal::PrecompileFailed), "{refusals:?}");
    assert!(refusals.iter().all(|refusal| *refusal == Refusal::PrecompileFailed), "{refusals:?}");
    assert!(deployed.chain.call_with(deployed.address, call, 0, GAS_MAX).accepted());
}
