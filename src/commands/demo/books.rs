//! The table at the end: who holds what, and that nothing was lost or made.

use chain::state::Key;
use chain::types::{Stake, Supply};
use serde_json::{Value, json};

use super::cast::Cast;
use super::error::StepError;
use super::world::World;
use crate::output::{Output, Tone, amount};

/// Width of a column of amounts.
const WIDTH: usize = 16;

/// The state of everybody's purse.
pub(super) struct Books {
    accounts: Vec<(&'static str, u128, u128)>,
    stake: Stake,
    supply: Supply,
    objects: u64,
    height: u64,
}

impl Books {
    /// Reads the state, recomputing every total and the state root.
    pub(super) fn audit(world: &World, cast: &Cast) -> Result<Self, StepError> {
        let machine = world.chain.machine();
        let audit = machine.audit()?;
        let mut accounts = Vec::new();
        for (name, key) in cast.accounts() {
            let address = key.public_key().address();
            let start = machine.genesis().accounts().iter().find(|account| account.address == address);
            accounts.push((name, start.map_or(0, |account| account.balance), machine.account(&address)?.balance));
        }
        let stake: Option<Stake> = machine.get(&Key::Stake(cast.worker.public_key().id()))?;
        let stake = stake.unwrap_or_default();
        Ok(Self { accounts, stake, supply: audit.supply, objects: audit.objects, height: audit.height })
    }

    /// Both sides of I6, micro-tokens.
    fn sides(&self) -> Option<(u128, u128)> {
        let Supply { genesis, minted, teleported_in, burned, teleported_out, held } = self.supply;
        let issued = genesis.checked_add(minted)?.checked_add(teleported_in)?;
        Some((issued, held.total()?.checked_add(burned)?.checked_add(teleported_out)?))
    }

    /// Whether the two sides agree.
    pub(super) fn check(&self) -> Result<(), StepError> {
        self.sides().filter(|(issued, accounted)| issued == accounted).map(|_| ()).ok_or(StepError::Overflow)
    }

    /// For people.
    pub(super) fn print(&self, output: &Output) {
        let row = |name: &str, columns: [&str; 3]| {
            let [start, now, change] = columns;
            output.line(format!("  {name:18}{start:>WIDTH$}{now:>WIDTH$}{change:>WIDTH$}"));
        };
        row("tokens", ["at genesis", "now", "change"]);
        for (name, start, now) in &self.accounts {
            let sign = if now < start { "-" } else { "+" };
            row(name, [&amount(*start), &amount(*now), &format!("{sign}{}", amount(now.abs_diff(*start)))]);
        }
        let held = &self.supply.held;
        row("worker's stake", ["", &amount(self.stake.amount), ""]);
        row("bonds", ["", &amount(held.bonds), "model's bond"]);
        row("escrow", ["", &amount(held.escrow), ""]);
        row("treasury", ["", &amount(held.treasury), ""]);
        row("burned", ["", &amount(self.supply.burned), ""]);
        row("minted", ["", &amount(self.supply.minted), ""]);
        output.gap();
        let Some((issued, accounted)) = self.sides() else { return };
        output.line(format!(
            "  {}  genesis + minted = {} = {} = balances + stake + bonds + escrow + unbonding + treasury + burned",
            output.paint(Tone::Good, "I6 holds"),
            amount(issued),
            amount(accounted),
        ));
        output.line(format!(
            "  {} objects of block {} read again: totals and state root recomputed, nothing lost or made",
            self.objects, self.height
        ));
    }

    /// For machines.
    pub(super) fn data(&self) -> Value {
        let accounts: Vec<Value> = self
            .accounts
            .iter()
            .map(|(name, start, now)| json!({ "name": name, "genesis_micro": start.to_string(), "balance_micro": now.to_string() }))
            .collect();
        let held = &self.supply.held;
        let sides = self.sides().map(|(issued, accounted)| [issued.to_string(), accounted.to_string()]);
        json!({
            "height": self.height,
            "objects": self.objects,
            "accounts": accounts,
            "stake": { "free_micro": self.stake.amount.to_string(), "bonded_micro": self.stake.bonded.to_string() },
            "supply": {
                "genesis_micro": self.supply.genesis.to_string(),
                "minted_micro": self.supply.minted.to_string(),
                "burned_micro": self.supply.burned.to_string(),
                "balances_micro": held.balances.to_string(),
                "stake_micro": held.stake.to_string(),
                "bonds_micro": held.bonds.to_string(),
                "escrow_micro": held.escrow.to_string(),
                "unbonding_micro": held.unbonding.to_string(),
                "treasury_micro": held.treasury.to_string(),
            },
            "conservation": { "issued_and_accounted_micro": sides, "holds": self.check().is_ok() },
        })
    }
}
