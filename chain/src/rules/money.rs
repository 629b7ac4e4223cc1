//! The only functions that move tokens between accounts, the treasury, the mint and the fire.

use super::{Execution, Failure, Reject};
use crate::state::keys::Key;
use crate::types::ids::Address;
use crate::types::ledger::{Account, Supply, Treasury};

impl Execution<'_> {
    /// The account at `address`; one that was never used is empty.
    pub(crate) fn account(&mut self, address: &Address) -> Result<Account, Failure> {
        Ok(self.state.get(&Key::Account(*address))?.unwrap_or_default())
    }

    /// Adds to a balance.
    // spec: chain#amount-overflow
    pub(crate) fn credit(&mut self, address: &Address, amount: u128) -> Result<(), Failure> {
        let mut account = self.account(address)?;
        account.balance = account.balance.checked_add(amount).ok_or(Reject::AmountOverflow { what: "balance" })?;
        Ok(self.state.put(&Key::Account(*address), account)?)
    }

    /// Takes from a balance.
    // spec: chain#balance-short
    pub(crate) fn debit(&mut self, address: &Address, amount: u128) -> Result<(), Failure> {
        let mut account = self.account(address)?;
        let short = Reject::BalanceShort { account: *address, needed: amount, got: account.balance };
        account.balance = account.balance.checked_sub(amount).ok_or(short)?;
        Ok(self.state.put(&Key::Account(*address), account)?)
    }

    /// Destroys tokens that the caller took from somewhere.
    pub(crate) fn burn(&mut self, amount: u128) -> Result<(), Failure> {
        let mut supply: Supply = self.state.expect(&Key::Supply)?;
        supply.burned = supply.burned.checked_add(amount).ok_or(Reject::AmountOverflow { what: "burned" })?;
        Ok(self.state.put(&Key::Supply, supply)?)
    }

    /// Makes tokens for verified work.
    pub(crate) fn mint(&mut self, to: &Address, amount: u128) -> Result<(), Failure> {
        let mut supply: Supply = self.state.expect(&Key::Supply)?;
        supply.minted = supply.minted.checked_add(amount).ok_or(Reject::AmountOverflow { what: "minted" })?;
        self.state.put(&Key::Supply, supply)?;
        self.credit(to, amount)
    }

    /// Adds to the treasury.
    pub(crate) fn collect(&mut self, amount: u128) -> Result<(), Failure> {
        let mut treasury: Treasury = self.state.expect(&Key::Treasury)?;
        treasury.amount = treasury.amount.checked_add(amount).ok_or(Reject::AmountOverflow { what: "treasury" })?;
        Ok(self.state.put(&Key::Treasury, treasury)?)
    }
}
