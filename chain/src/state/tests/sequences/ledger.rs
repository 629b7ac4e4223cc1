//! A plain model of who holds what: a map of numbers, moved by what transactions ask for and what events tell.
//!
//! It knows no objects, no timers and no rules; the shares that fees and slashes are split by are computed anew. After
//! every block each balance, each stake and the whole supply must be what it says.

use std::collections::BTreeMap;

use super::reviews::{Review, Seat};
use crate::state::{Key, Object, StateMachine, Store};
use crate::testing::World;
use crate::types::event::{
    CanaryLapsed, CanaryPlanted, CanaryRevealed, Event, Outcome, TeleportClaimed, TeleportRefunded,
};
use crate::types::ids::{Address, Hash, object_id};
use crate::types::job::WorkLease;
use crate::types::ledger::{Holdings, Stake, Supply, Unbonding};
use crate::types::params::Params;
use crate::types::transaction::Action;
use verifier::inclusion::state::key_hash;

/// Convictions from which a worker loses all its stake.
const BANNED_FROM: u32 = 2;

/// A part of an amount in basis points, rounded down.
pub(super) fn part(amount: u128, bps: u32) -> u128 {
    amount * u128::from(bps) / 10_000
}

#[derive(Clone, Copy)]
struct Job {
    poster: Address,
    price: u128,
    escrow: u128,
}

#[derive(Clone, Copy)]
pub(super) struct Lease {
    pub(super) worker: Hash,
    bond: u128,
}

/// See the module.
#[derive(Clone, Default)]
pub(super) struct Ledger {
    accounts: BTreeMap<Address, u128>,
    pub(super) stakes: BTreeMap<Hash, Stake>,
    pub(super) operators: BTreeMap<Hash, Address>,
    convictions: BTreeMap<Hash, u32>,
    jobs: BTreeMap<Hash, Job>,
    pub(super) leases: BTreeMap<Hash, Lease>,
    pub(super) reviews: BTreeMap<Hash, Review>,
    models: BTreeMap<Hash, (Address, u128)>,
    /// Bonds of synthetic tasks, by worker.
    claims: BTreeMap<Hash, u128>,
    /// Bonds of canaries and who planted them.
    canaries: BTreeMap<Hash, (Address, u128)>,
    /// Whether the transaction that is followed reveals a canary.
    pub(super) revealing: bool,
    treasury: u128,
    /// What was issued and destroyed; where the rest is follows from the maps.
    pub(super) supply: Supply,
}

impl Ledger {
    /// What a chain without jobs holds.
    pub(super) fn read(world: &World) -> Self {
        let machine = world.machine();
        let mut ledger = Self { supply: machine.supply().unwrap(), ..Self::default() };
        for key in machine.store().keys(b"", None, usize::MAX).unwrap() {
            let Some(value) = machine.store().value(machine.height(), &key_hash(&key)).unwrap() else { continue };
            let id = || -> Hash { key[key.len() - 32..].try_into().unwrap() };
            match borsh::from_slice(&value).unwrap() {
                Object::Account(account) => {
                    ledger.accounts.insert(Address::new(id()), account.balance);
                }
                Object::Stake(stake) => {
                    ledger.stakes.insert(id(), stake);
                }
                Object::Worker(worker) => {
                    ledger.operators.insert(id(), worker.operator);
                }
                Object::Model(model) => {
                    ledger.models.insert(id(), (model.registrant, model.bond));
                }
                Object::Treasury(treasury) => ledger.treasury = treasury.amount,
                Object::Job(_) | Object::Lease(_) => panic!("the chain has work already"),
                _ => {}
            }
        }
        ledger
    }

    /// Bonds of all models.
    pub(super) fn model_bonds(&self) -> u128 {
        self.models.values().map(|(_, bond)| bond).sum()
    }

    /// Holds every balance, every stake and the supply of a chain against this.
    pub(super) fn compare(&self, world: &World) {
        let machine = world.machine();
        for (address, balance) in &self.accounts {
            assert_eq!(machine.account(address).unwrap().balance, *balance, "balance of {address}");
        }
        let (mut stake, mut bonded, mut unbonding) = (0, 0, 0);
        for (worker, expected) in &self.stakes {
            let got: Stake = machine.get(&Key::Stake(*worker)).unwrap().unwrap();
            assert_eq!(got, *expected, "stake of worker {}", World::number_of(worker));
            stake += expected.amount;
            bonded += expected.bonded;
            unbonding += expected.unbonding.iter().map(|part| part.amount).sum::<u128>();
        }
        let disputed: u128 = self.reviews.values().map(|review| review.bond + review.appeal_bond).sum();
        let planted: u128 = self.canaries.values().map(|(_, bond)| bond).sum();
        let held = Holdings {
            balances: self.accounts.values().sum(),
            stake,
            bonds: bonded + disputed + planted + self.model_bonds(),
            escrow: self.jobs.values().map(|job| job.escrow).sum(),
            unbonding,
            treasury: self.treasury,
        };
        assert_eq!(machine.supply().unwrap(), Supply { held, ..self.supply });
    }

    /// Moves what a transaction of the last block moved.
    pub(super) fn transaction(&mut self, world: &World, params: &Params, action: &Action, outcome: &Outcome) {
        let sender = outcome.sender;
        let burned = part(outcome.fee, params.fee.burned_bps);
        self.debit(&sender, outcome.fee);
        self.supply.burned += burned;
        self.treasury += outcome.fee - burned;
        self.revealing = matches!(action, Action::RevealCanary(_));
        self.asked(world, params, action, outcome);
        for event in &outcome.events {
            self.event(world, params, event, Some((action, sender)));
        }
        self.revealing = false;
        self.dissolve_all();
    }

    /// Moves what the end of the last block moved.
    pub(super) fn closing(&mut self, world: &World, params: &Params, events: &[Event]) {
        for event in events {
            self.event(world, params, event, None);
        }
        self.dissolve_all();
    }

    /// What an action takes and remembers before anything follows from it.
    fn asked(&mut self, world: &World, params: &Params, action: &Action, outcome: &Outcome) {
        let sender = outcome.sender;
        let made = object_id(&outcome.transaction, 0);
        match action {
            Action::RegisterModel(action) => self.debit(&sender, action.bond),
            Action::Stake(action) => {
                self.debit(&sender, action.amount);
                self.stake(&action.worker).amount += action.amount;
            }
            Action::Unstake(action) => {
                let release_height = world.machine().height() + params.window.unbonding;
                let stake = self.stake(&action.worker);
                stake.amount -= action.amount;
                stake.unbonding.push(Unbonding { amount: action.amount, release_height });
            }
            Action::PostJob(action) => {
                self.debit(&sender, action.escrow);
                let job = Job { poster: sender, price: action.price_per_unit, escrow: action.escrow };
                self.jobs.insert(made, job);
            }
            Action::SubmitResult(action) => {
                self.reviews.insert(made, Review::of(action.lease.id));
            }
            Action::RevealCheck(action) => {
                self.reviews.get_mut(&action.result).unwrap().reveal(&action.worker, action.output_hash);
            }
            Action::Challenge(action) => {
                self.debit(&sender, action.bond);
                self.reviews.get_mut(&action.result).unwrap().bond = action.bond;
            }
            Action::Appeal(action) => {
                self.debit(&sender, params.bond.challenge_min);
                self.reviews.get_mut(&action.result).unwrap().appeal_bond = params.bond.challenge_min;
            }
            Action::ChallengeModel(action) => self.debit(&sender, action.bond),
            Action::TeleportOut(action) => {
                self.debit(&sender, action.amount);
                self.supply.teleported_out += action.amount;
            }
            _ => {}
        }
    }

    fn event(&mut self, world: &World, params: &Params, event: &Event, cause: Option<(&Action, Address)>) {
        match event {
            Event::Transferred { from, to, amount } => {
                self.debit(from, *amount);
                self.credit(to, *amount);
            }
            Event::ModelRegistered { model, .. } => {
                let Some((Action::RegisterModel(action), sender)) = cause else { panic!("nobody registers") };
                self.models.insert(*model, (sender, action.bond));
            }
            Event::StakeChanged { worker, amount } => assert_eq!(self.stake(worker).amount, *amount),
            Event::Withdrawn { worker, amount } => {
                let height = world.machine().height();
                let operator = self.operators[worker];
                let stake = self.stake(worker);
                let due = stake.unbonding.iter().filter(|part| part.release_height <= height);
                assert_eq!(due.map(|part| part.amount).sum::<u128>(), *amount);
                stake.unbonding.retain(|part| part.release_height > height);
                self.credit(&operator, *amount);
            }
            Event::Leased { lease, context, .. } => {
                let record: WorkLease = world.machine().get(&Key::Lease(*lease)).unwrap().unwrap();
                self.lock(&context.worker, record.bond);
                self.leases.insert(*lease, Lease { worker: context.worker, bond: record.bond });
            }
            Event::LeaseExpired { lease, slashed, .. } => {
                let Lease { worker, bond } = self.leases[lease];
                assert_eq!(*slashed, part(bond, params.bond.timeout_slash_bps));
                self.leases.insert(*lease, Lease { worker, bond: bond - slashed });
                self.stake(&worker).bonded -= slashed;
                self.supply.burned += slashed;
            }
            Event::LeaseClosed { lease } => self.free_lease(lease),
            Event::JobExpired { job, returned } => self.refund(job, *returned),
            Event::Settled { result, job, reward, paid, burned, returned } => {
                let job = self.jobs.get_mut(job).unwrap();
                let (escrow, job) = (std::mem::take(&mut job.escrow), *job);
                assert_eq!((paid + burned, *burned), (18 * job.price, part(18 * job.price, params.fee.burned_bps)));
                assert!(*reward <= burned + 18 * params.reward.cost_floor_per_unit, "I4");
                self.settled(params, result, escrow, paid + burned, *returned);
                let operator = self.operators[&self.leases[&self.reviews[result].lease].worker];
                self.credit(&operator, paid + reward);
                self.credit(&job.poster, *returned);
                self.supply.burned += burned;
                self.supply.minted += reward;
                self.end_review(result);
            }
            Event::ModelUpheld { model, slashed, .. } => {
                let registrant = self.models[model].0;
                self.distribute(params, *slashed, &registrant, &[]);
            }
            Event::ModelConvicted { model, challenger, slashed, .. } => {
                let Some((Action::ChallengeModel(action), _)) = cause else { panic!("nobody challenges") };
                let (_, bond) = self.models.get_mut(model).unwrap();
                assert_eq!(std::mem::take(bond), *slashed);
                self.credit(challenger, action.bond);
                self.distribute(params, *slashed, challenger, &[]);
            }
            Event::Issued { to, amount } => {
                self.supply.minted += amount;
                self.credit(to, *amount);
            }
            Event::Equivocated { worker, reporter, slashed } => {
                let most = if self.convict(worker) { u128::MAX } else { params.bond.worker_stake_min };
                assert_eq!(self.take_stake(worker, most), *slashed);
                self.distribute(params, *slashed, reporter, &[]);
            }
            Event::TeleportClaimed(TeleportClaimed { recipient, amount, .. }) => {
                self.supply.teleported_in += amount;
                self.credit(recipient, *amount);
            }
            Event::TeleportRefunded(TeleportRefunded { sender, amount, .. }) => {
                self.supply.teleported_out -= amount;
                self.credit(sender, *amount);
            }
            Event::CanaryPlanted(CanaryPlanted { canary, bond, .. }) => {
                let Some((Action::PlantCanary(_), sender)) = cause else { panic!("nobody plants") };
                assert_eq!(*bond, params.canary.bond);
                self.debit(&sender, *bond);
                self.canaries.insert(*canary, (sender, *bond));
            }
            Event::CanaryRevealed(CanaryRevealed { canary, result, finder, paid, .. }) => {
                let (planter, bond) = self.canaries.remove(canary).unwrap();
                assert_eq!(*paid, if finder.is_some() { params.canary.reward } else { 0 });
                self.credit(&planter, bond - paid);
                if let Some(finder) = finder {
                    self.credit(finder, *paid);
                }
                self.uncovered(result, finder.as_ref());
            }
            Event::CanaryLapsed(CanaryLapsed { canary, burned }) => {
                let (_, bond) = self.canaries.remove(canary).unwrap();
                assert_eq!(*burned, bond);
                self.supply.burned += burned;
            }
            // No machine here has attested memory, so the capacity pool has nobody to share it out to.
            Event::EpochClosed { capacity, .. } => assert_eq!(*capacity, 0),
            Event::SyntheticCommitted { worker, .. } => {
                self.lock(worker, params.bond.audit);
                self.claims.insert(*worker, params.bond.audit);
            }
            Event::SyntheticAnswered { worker, .. } => {
                let bond = self.claims.remove(worker).unwrap();
                self.free(worker, bond);
            }
            Event::SyntheticFailed { worker, slashed, .. } => {
                let bond = self.claims.remove(worker).unwrap();
                assert_eq!(*slashed, part(bond, params.slash.wrong_check_bps));
                self.free(worker, bond);
                self.stake(worker).amount -= slashed;
                self.supply.burned += slashed;
            }
            _ => self.reviewed(params, event),
        }
    }

    pub(super) fn credit(&mut self, address: &Address, amount: u128) {
        *self.accounts.entry(*address).or_default() += amount;
    }

    fn debit(&mut self, address: &Address, amount: u128) {
        *self.accounts.get_mut(address).unwrap() -= amount;
    }

    pub(super) fn stake(&mut self, worker: &Hash) -> &mut Stake {
        self.stakes.get_mut(worker).unwrap()
    }

    pub(super) fn lock(&mut self, worker: &Hash, bond: u128) {
        let stake = self.stake(worker);
        stake.amount -= bond;
        stake.bonded += bond;
    }

    pub(super) fn free(&mut self, worker: &Hash, bond: u128) {
        let stake = self.stake(worker);
        stake.bonded -= bond;
        stake.amount += bond;
    }

    pub(super) fn free_lease(&mut self, lease: &Hash) {
        let lease = self.leases.get_mut(lease).unwrap();
        let (worker, bond) = (lease.worker, std::mem::take(&mut lease.bond));
        self.free(&worker, bond);
    }

    /// Takes the whole bond of a lease.
    pub(super) fn forfeit_lease(&mut self, lease: &Hash) -> u128 {
        let lease = self.leases.get_mut(lease).unwrap();
        let (worker, bond) = (lease.worker, std::mem::take(&mut lease.bond));
        self.stake(&worker).bonded -= bond;
        bond
    }

    /// Gives a job's escrow back.
    pub(super) fn refund(&mut self, job: &Hash, returned: u128) {
        let job = self.jobs.get_mut(job).unwrap();
        assert_eq!(std::mem::take(&mut job.escrow), returned);
        let poster = job.poster;
        self.credit(&poster, returned);
    }

    /// Ends the review of a settled result, and the escrow of its job with it.
    fn end_review(&mut self, result: &Hash) {
        let review = self.reviews.remove(result).unwrap();
        review.assert_over();
        self.free_lease(&review.lease);
    }

    /// The checker of a result that stands is freed, and paid if it agreed; the rest of the escrow must be what returned.
    fn settled(&mut self, params: &Params, result: &Hash, escrow: u128, payment: u128, returned: u128) {
        let fee = match self.reviews.get_mut(result).unwrap().check.take() {
            Some(Seat { worker, bond, revealed }) => {
                self.free(&worker, bond);
                let fee = part(escrow, params.fee.check_bps).min(escrow - payment);
                let fee = if revealed.is_some() { fee } else { 0 };
                let operator = self.operators[&worker];
                self.credit(&operator, fee);
                fee
            }
            None => 0,
        };
        assert_eq!(returned, escrow - payment - fee);
    }

    /// Counts a conviction; whether the worker loses everything.
    pub(super) fn convict(&mut self, worker: &Hash) -> bool {
        let count = self.convictions.entry(*worker).or_default();
        *count += 1;
        *count >= BANNED_FROM
    }

    /// Takes stake, what leaves first before what is free.
    pub(super) fn take_stake(&mut self, worker: &Hash, most: u128) -> u128 {
        let stake = self.stake(worker);
        let mut left = most;
        for amount in stake.unbonding.iter_mut().map(|part| &mut part.amount).chain([&mut stake.amount]) {
            let taken = left.min(*amount);
            *amount -= taken;
            left -= taken;
        }
        stake.unbonding.retain(|part| part.amount > 0);
        most - left
    }

    /// Splits what a loser lost: the winner, the jurors that were right, and the fire.
    pub(super) fn distribute(&mut self, params: &Params, amount: u128, winner: &Address, jurors: &[Address]) {
        let mut burned = amount - part(amount, params.slash.winner_bps);
        self.credit(winner, part(amount, params.slash.winner_bps));
        for juror in jurors {
            let share = part(amount, params.slash.jury_bps) / jurors.len() as u128;
            self.credit(juror, share);
            burned -= share;
        }
        self.supply.burned += burned;
    }
}
