//! The contract door: what Ethereum's tools ask, and what hostile ones send.

use std::time::Duration;

use alloy_primitives::{Address as Account, B256, Bytes, U64, U256, hex};
use alloy_sol_types::{SolCall, SolValue};
use attestation::identity::ml_dsa;
use jsonrpsee::types::error::ErrorCode;

use super::serving::{Served, body, error, transfer};
use crate::api::{BlockTag, CallRequest, ChainApiClient, Code, EthereumApiClient, HashText, TransactionState};
use crate::testing::account;
use crate::types::ethereum::call::{MINING, Mining, payload};
use crate::types::ethereum::tests::{high, sign};
use crate::types::ethereum::{Form, address, wei};
use crate::types::ids::{Address, Hash};
use crate::types::transaction::{Action, AddStake, Authorisation, SignedTransaction, Transaction, Transfer};

const SEED: u8 = 0x46;
const WALLET: [u8; 20] = hex!("9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");

fn signed(nonce: u64, form: Form, action: Action) -> SignedTransaction {
    sign(Transaction { action, gas_limit: 100_000, ..body(1, nonce) }, form, SEED)
}

fn raw(signed: &SignedTransaction) -> Bytes {
    let Authorisation::Secp256k1(signature) = &signed.authorisation else { panic!("{signed:?}") };
    signature.raw(&signed.transaction).into()
}

fn pay(amount: u128) -> Action {
    Action::Transfer(Transfer { to: Address::from_ethereum([7; 20]), amount })
}

impl Served {
    /// Gives the wallet tokens.
    async fn funded(&self) {
        let mut gift = body(1, 0);
        gift.action = Action::Transfer(Transfer { to: Address::from_ethereum(WALLET), amount: 5_000_000 });
        self.commit(&gift.sign(&account(1))).await;
    }

    async fn wallet(&self) -> U256 {
        self.client.balance(WALLET.into(), None).await.unwrap()
    }

    /// Sends as a wallet does and waits for the block.
    async fn send(&self, signed: &SignedTransaction) -> Hash {
        let hash = self.client.send_raw_transaction(raw(signed)).await.unwrap();
        let state = self.client.transaction(HashText(hash.0), Some(10_000)).await.unwrap();
        assert!(matches!(state, TransactionState::Committed { .. }), "{state:?}");
        hash.0
    }

    async fn call(&self, data: Vec<u8>) -> Result<Bytes, jsonrpsee::core::client::Error> {
        let call = CallRequest { to: Some(MINING), data: Some(data.into()), ..CallRequest::default() };
        EthereumApiClient::call(&self.client, call, None).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wallet_sends_and_finds_what_it_sent() {
    let served = Served::start().await;
    let client = &served.client;
    assert_eq!(client.chain_id().await.unwrap(), U64::from(served.status().await.chain_id));
    assert_eq!(client.net_version().await.unwrap(), served.status().await.chain_id.to_string());
    assert_eq!(client.gas_price().await.unwrap(), wei(1));
    served.funded().await;
    assert_eq!(served.wallet().await, wei(5_000_000));
    let forms = [Form::Legacy, Form::FeeMarket { priority_wei: 7 }];
    for (nonce, form) in (0..).zip(forms) {
        let pending = BlockTag::Name("pending".to_owned());
        assert_eq!(client.transaction_count(WALLET.into(), Some(pending)).await.unwrap(), U64::from(nonce));
        let sent = signed(nonce, form, pay(5));
        let hash = served.send(&sent).await;
        assert_eq!(hash, sent.id());
        let receipt = client.transaction_receipt(hash.into()).await.unwrap().unwrap();
        assert_eq!((receipt.from, receipt.to), (WALLET.into(), Account::repeat_byte(7)));
        assert_eq!((receipt.status, receipt.gas_used), (U64::from(1), U64::from(100_000)));
        let found = client.transaction_by_hash(hash.into()).await.unwrap().unwrap();
        assert_eq!((found.value, found.block_hash), (wei(5), Some(receipt.block_hash)));
        let block = client.block_by_number(BlockTag::Height(receipt.block_number), None).await.unwrap().unwrap();
        assert_eq!((block.hash, block.transactions), (receipt.block_hash, vec![hash.into()]));
    }
    assert_eq!(served.wallet().await, wei(5_000_000 - 2 * 100_000 - 2 * 5));
    assert_eq!(client.balance(Account::repeat_byte(7), None).await.unwrap(), wei(10));
    // Those of other schemes are none of Ethereum's.
    let native = transfer(1, 1);
    served.commit(&native).await;
    assert_eq!(client.transaction_receipt(native.id().into()).await.unwrap(), None);
    assert_eq!(client.transaction_by_hash(native.id().into()).await.unwrap(), None);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contract_answers_its_functions() {
    let served = Served::start().await;
    served.funded().await;
    assert_eq!(served.client.code(MINING, None).await.unwrap().len(), 1);
    assert!(served.client.code(WALLET.into(), None).await.unwrap().is_empty());
    let balance = Mining::miningBalanceCall { account: WALLET.into() };
    assert_eq!(served.call(balance.abi_encode()).await.unwrap(), Bytes::from(wei(5_000_000).abi_encode()));
    let key = ml_dsa::SigningKey::from_seed(&[3; 32]);
    let signature = key.sign("", b"message").unwrap();
    for (message, right) in [(b"message".to_vec(), true), (b"Message".to_vec(), false)] {
        let verify = Mining::verifyMLDSACall {
            publicKey: key.public_key().as_bytes().to_vec().into(),
            message: message.into(),
            signature: signature.as_bytes().to_vec().into(),
        };
        assert_eq!(served.call(verify.abi_encode()).await.unwrap(), Bytes::from(right.abi_encode()));
    }
    let nothing = Bytes::new();
    let short = Mining::verifyMLDSACall { publicKey: nothing.clone(), message: nothing.clone(), signature: nothing };
    assert_eq!(served.call(short.abi_encode()).await.unwrap(), Bytes::from(false.abi_encode()));
    let pending = Mining::pendingTeleportsCall { account: WALLET.into() };
    assert_eq!(served.call(pending.abi_encode()).await.unwrap(), Bytes::from(Vec::<B256>::new().abi_encode()));
    let (_, refusal) = error(served.call(Mining::claimTeleportCall { transfer: [1; 32].into() }.abi_encode()).await);
    assert_eq!(refusal.unwrap().rule, "teleport-unrecorded");
    let (told, _) = error(served.call(vec![1, 2, 3, 4]).await);
    assert_eq!(told.code(), ErrorCode::InvalidParams.code());
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_action_is_estimated_tried_and_done() {
    let served = Served::start().await;
    served.funded().await;
    let client = &served.client;
    let asked = |action: &Action| {
        let payload = payload(action);
        CallRequest {
            from: Some(WALLET.into()),
            to: Some(payload.to),
            value: Some(payload.value),
            input: Some(payload.data),
            data: None,
        }
    };
    assert_eq!(client.estimate_gas(asked(&pay(5)), None).await.unwrap(), U64::from(80_000));
    // No worker has this identifier, and the refusal is the rule's own.
    let stake = Action::Stake(AddStake { worker: [9; 32], amount: 5 });
    let (told, refusal) = error(client.estimate_gas(asked(&stake), None).await);
    assert_eq!((told.code(), refusal.unwrap().rule.as_str()), (Code::Refused.number(), "worker-unknown"));
    let (told, refusal) = error(EthereumApiClient::call(client, asked(&stake), None).await);
    assert_eq!((told.code(), refusal.unwrap().rule.as_str()), (Code::Refused.number(), "worker-unknown"));
    let beyond = Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 6_000_000 });
    let (_, refusal) = error(EthereumApiClient::call(client, asked(&beyond), None).await);
    assert_eq!(refusal.unwrap().rule, "balance-short");
    // A native account is paid by the contract's `perform`.
    let native = Action::Transfer(Transfer { to: Address::new([9; 32]), amount: 6 });
    assert_eq!(EthereumApiClient::call(client, asked(&native), None).await.unwrap(), Bytes::new());
    served.send(&signed(0, Form::Legacy, native)).await;
    let before = served.status().await.state_root;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(served.status().await.state_root, before);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_transaction_of_this_chain_is_told_apart() {
    let served = Served::start().await;
    served.funded().await;
    let refused = async |bytes: Bytes| error(served.client.send_raw_transaction(bytes).await);
    let good = signed(0, Form::Legacy, pay(5));
    let bytes = raw(&good);
    let told = async |bytes: &[u8]| refused(Bytes::copy_from_slice(bytes)).await.0.message().to_owned();
    assert!(told(&[]).await.starts_with("raw transaction: not the RLP"));
    assert!(told(&[1, 0xc0]).await.contains("got type 1"));
    assert!(told(&bytes[..bytes.len() - 1]).await.starts_with("raw transaction: not the RLP"));
    assert!(told(&[&bytes, [0].as_slice()].concat()).await.starts_with("raw transaction: not the RLP"));
    assert!(told(&vec![0xc0; (320 << 10) + 1]).await.starts_with("raw transaction: expected at most 327680 bytes"));
    // Legacy before EIP-155: no chain in it.
    let old = hex!("dd80808094000000000000000000000000000000000000000080801b8080");
    assert!(told(&old).await.contains("expected one signed for a chain (EIP-155)"), "{}", told(&old).await);
    let (_, refusal) = refused(raw(&sign(
        Transaction { chain_id: 1, gas_limit: 100_000, action: pay(5), ..body(1, 0) },
        Form::Legacy,
        SEED,
    )))
    .await;
    assert_eq!(refusal.unwrap().rule, "chain-mismatch");
    let mut twin = good.clone();
    let Authorisation::Secp256k1(signature) = &mut twin.authorisation else { panic!("{twin:?}") };
    high(signature);
    assert_eq!(refused(raw(&twin)).await.1.unwrap().rule, "signature-high");
    let (_, refusal) = refused(raw(&signed(0, Form::Legacy, pay(u128::MAX)))).await;
    assert_eq!(refusal.unwrap().rule, "balance-short");
    // Every changed byte is another transaction or none, and none is taken for the wallet's.
    for position in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[position] ^= 1;
        if let Ok(hash) = served.client.send_raw_transaction(changed.into()).await {
            panic!("byte {position}: {hash}");
        }
    }
    assert_eq!(served.wallet().await, wei(5_000_000));
    let hash = served.send(&good).await;
    let after = served.wallet().await;
    // The same again has no effect.
    assert_eq!(served.client.send_raw_transaction(bytes).await.unwrap().0, hash);
    assert_eq!(served.wallet().await, after);
    served.node.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_newest_state_is_answered_for() {
    let served = Served::start().await;
    served.funded().await;
    let at = |tag| served.client.balance(WALLET.into(), Some(tag));
    assert_eq!(at(BlockTag::Height(U64::from(1))).await.unwrap(), wei(5_000_000));
    for tag in [BlockTag::Height(U64::ZERO), BlockTag::Height(U64::from(9)), BlockTag::Name("earliest".to_owned())] {
        let (told, _) = error(at(tag).await);
        assert_eq!(told.message(), "block: expected latest, or the height 1 of the last block, got another");
    }
    assert_eq!(address(WALLET.into()), Address::from_ethereum(WALLET));
    served.node.stop().await.unwrap();
}
