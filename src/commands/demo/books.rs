//! The table at the end: who holds what, and that nothing was lost or made.

use std::path::Path;

use chain::node::{Report, check, replay};
use chain::state::Key;
use chain::types::{Account, Genesis, GenesisAccount, Stake, Supply};
use serde_json::{Value, json};

use verifier::setup::Setup;

use super::error::StepError;
use super::plot::Plot;
use crate::development::Person;
use crate::output::{Output, Tone, amount};

/// Width of a column of amounts.
const WIDTH: usize = 16;

/// What one account has.
struct Purse {
    name: &'static str,
    start: u128,
    now: u128,
    /// Behind its worker, bonds included.
    stake: Option<u128>,
}

/// The state of everybody's purse.
pub(super) struct Purses(Vec<Purse>);

impl Purses {
    /// Reads them from the node.
    pub(super) fn read(plot: &Plot) -> Result<Self, StepError> {
        let accounts = plot.world.genesis.accounts();
        let purse = |person: Person| {
            let address = person.address();
            let start = accounts.iter().find(|account: &&GenesisAccount| account.address == address);
            let account: Option<Account> = plot.world.get(&Key::Account(address))?;
            let member = plot.crew.iter().find(|member| member.operator.account().address() == address);
            let stake = member.map(|member| plot.world.get::<Stake>(&Key::Stake(*member.operator.worker())));
            let stake = stake.transpose()?.map(|stake| stake.unwrap_or_default());
            Ok(Purse {
                name: person.name(),
                start: start.map_or(0, |account| account.balance),
                now: account.unwrap_or_default().balance,
                stake: stake.map(|stake| stake.amount.saturating_add(stake.bonded)),
            })
        };
        Ok(Self(Person::all().map(purse).collect::<Result<_, StepError>>()?))
    }
}

/// The whole account of the chain, recomputed from the files of the stopped node.
pub(super) struct Books {
    purses: Purses,
    supply: Supply,
    objects: u64,
    height: u64,
}

impl Books {
    /// Reads every block and every object of a stopped node's data directory, recomputes every total and root, and runs
    /// every block again from genesis.
    pub(super) fn audit(purses: Purses, directory: &Path, genesis: &Genesis, setup: &Setup) -> Result<Self, StepError> {
        let Report { audit, .. } = check(directory, genesis, vec![setup.clone()])?;
        replay(directory, genesis, vec![setup.clone()])?;
        let got = purses.0.iter().map(|purse| purse.now).sum();
        let expected = audit.supply.held.balances;
        if got != expected {
            return Err(StepError::Books { expected, got });
        }
        Ok(Self { purses, supply: audit.supply, objects: audit.objects, height: audit.height })
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
        let row = |name: &str, columns: [&str; 4]| {
            let [start, now, change, stake] = columns;
            output.line(format!("  {name:18}{start:>WIDTH$}{now:>WIDTH$}{change:>WIDTH$}{stake:>WIDTH$}"));
        };
        row("tokens", ["at genesis", "now", "change", "stake"]);
        for Purse { name, start, now, stake } in &self.purses.0 {
            let sign = if now < start { "-" } else { "+" };
            let change = format!("{sign}{}", amount(now.abs_diff(*start)));
            row(name, [&amount(*start), &amount(*now), &change, &stake.map(amount).unwrap_or_default()]);
        }
        let held = &self.supply.held;
        let row = |name: &str, [now, note]: [&str; 2]| row(name, ["", now, note, ""]);
        row("bonds", [&amount(held.bonds), "model's bond"]);
        row("escrow", [&amount(held.escrow), ""]);
        row("treasury", [&amount(held.treasury), ""]);
        row("burned", [&amount(self.supply.burned), ""]);
        row("minted", [&amount(self.supply.minted), ""]);
        output.gap();
        let Some((issued, accounted)) = self.sides() else { return };
        output.line(format!(
            "  {}  genesis + minted = {} = {} = balances + stake + bonds + escrow + unbonding + treasury + burned",
            output.paint(Tone::Good, "I6 holds"),
            amount(issued),
            amount(accounted),
        ));
        output.line(format!(
            "  {} objects read again from the node's files, totals and roots recomputed; all {} blocks run again from genesis",
            self.objects, self.height
        ));
    }

    /// For machines.
    pub(super) fn data(&self) -> Value {
        let account = |purse: &Purse| {
            json!({
                "name": purse.name,
                "genesis_micro": purse.start.to_string(),
                "balance_micro": purse.now.to_string(),
                "stake_micro": purse.stake.map(|stake| stake.to_string()),
            })
        };
        let accounts: Vec<Value> = self.purses.0.iter().map(account).collect();
        let held = &self.supply.held;
        let sides = self.sides().map(|(issued, accounted)| [issued.to_string(), accounted.to_string()]);
        json!({
            "height": self.height,
            "objects": self.objects,
            "accounts": accounts,
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
