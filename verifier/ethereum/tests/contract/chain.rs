//! An Ethereum of one account: revm under the rules of Osaka, with its limits of code, creation code and gas.

use ethereum::{Contract, Refusal};
use revm::context::result::{ExecutionResult, Output};
use revm::context::{BlockEnv, CfgEnv, Journal, TxEnv};
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::{Address, Bytes, TxKind, U256};
use revm::state::AccountInfo;
use revm::{Context, ExecuteCommitEvm as _, MainBuilder as _, MainContext as _, MainnetEvm};

type Database = CacheDB<EmptyDB>;

/// What one transaction may spend (EIP-7825).
pub(crate) const GAS_MAX: u64 = 1 << 24;
const SENDER: Address = Address::repeat_byte(0x5e);

pub(crate) struct Chain {
    evm: MainnetEvm<Context<BlockEnv, TxEnv, CfgEnv, Database, Journal<Database>, ()>>,
    nonce: u64,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Returned {
        gas: u64,
        bytes: Vec<u8>,
    },
    Refused {
        gas: u64,
        bytes: Vec<u8>,
    },
    /// All gas is gone.
    Halted,
}

impl Answer {
    pub(crate) fn accepted(&self) -> bool {
        matches!(self, Self::Returned { bytes, .. } if *bytes == one())
    }

    pub(crate) fn gas(&self) -> u64 {
        match self {
            Self::Returned { gas, .. } | Self::Refused { gas, .. } => *gas,
            Self::Halted => GAS_MAX,
        }
    }

    /// The refusal and its arguments.
    #[track_caller]
    pub(crate) fn refusal(&self) -> (Refusal, Vec<usize>) {
        let Self::Refused { bytes, .. } = self else { panic!("{self:?}") };
        let refusal = Refusal::of_answer(bytes).unwrap_or_else(|| panic!("{bytes:?}"));
        let arguments = bytes[4..].chunks(32);
        let arguments = arguments.map(|word| usize::from_be_bytes(*word.last_chunk().unwrap()));
        (refusal, arguments.collect())
    }
}

/// `true`
fn one() -> Vec<u8> {
    let mut word = vec![0; 32];
    word[31] = 1;
    word
}

impl Chain {
    pub(crate) fn new() -> Self {
        let mut database = Database::default();
        let rich = AccountInfo { balance: U256::from(1) << 128, ..AccountInfo::default() };
        database.insert_account_info(SENDER, rich);
        Self { evm: Context::mainnet().with_db(database).build_mainnet(), nonce: 0 }
    }

    fn send(&mut self, kind: TxKind, data: Vec<u8>, value: u64, gas: u64) -> ExecutionResult {
        let transaction = TxEnv::builder()
            .caller(SENDER)
            .nonce(self.nonce)
            .kind(kind)
            .data(Bytes::from(data))
            .value(U256::from(value))
            .gas_limit(gas)
            .gas_price(0)
            .build()
            .unwrap();
        self.nonce += 1;
        self.evm.transact_commit(transaction).unwrap()
    }

    /// Creates a contract: its address and the gas spent, or what its creation said.
    pub(crate) fn create(&mut self, creation: Vec<u8>) -> Result<(Address, u64), Answer> {
        match self.send(TxKind::Create, creation, 0, GAS_MAX) {
            ExecutionResult::Success { gas, output: Output::Create(_, Some(address)), .. } => {
                Ok((address, gas.tx_gas_used()))
            }
            ExecutionResult::Success { .. } | ExecutionResult::Halt { .. } => Err(Answer::Halted),
            ExecutionResult::Revert { gas, output, .. } => {
                Err(Answer::Refused { gas: gas.tx_gas_used(), bytes: output.to_vec() })
            }
        }
    }

    /// Creates a contract and everything that it reads: its address and the gas spent on all of them.
    pub(crate) fn deploy(&mut self, contract: &Contract<'_>) -> (Address, u64) {
        let (mut addresses, mut spent) = (Vec::new(), 0);
        for piece in contract.pieces() {
            let (address, gas) = self.create(piece.creation.clone()).unwrap();
            addresses.push(address.into_array());
            spent += gas;
        }
        let (address, gas) = self.create(contract.creation(&addresses).unwrap()).unwrap();
        (address, spent + gas)
    }

    pub(crate) fn call(&mut self, contract: Address, data: Vec<u8>) -> Answer {
        self.call_with(contract, data, 0, GAS_MAX)
    }

    pub(crate) fn call_with(&mut self, contract: Address, data: Vec<u8>, value: u64, gas: u64) -> Answer {
        match self.send(TxKind::Call(contract), data, value, gas) {
            ExecutionResult::Success { gas, output, .. } => {
                Answer::Returned { gas: gas.tx_gas_used(), bytes: output.into_data().to_vec() }
            }
            ExecutionResult::Revert { gas, output, .. } => {
                Answer::Refused { gas: gas.tx_gas_used(), bytes: output.to_vec() }
            }
            ExecutionResult::Halt { .. } => Answer::Halted,
        }
    }
}
