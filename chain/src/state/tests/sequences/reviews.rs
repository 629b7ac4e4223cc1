//! The part of the model that follows reviews: seats, verdicts, appeals.

use super::ledger::{Ledger, part};
use crate::types::event::Event;
use crate::types::ids::{Address, Hash};
use crate::types::params::Params;

/// A checker or juror.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    pub(super) worker: Hash,
    pub(super) bond: u128,
    pub(super) revealed: Option<Hash>,
}

/// A result that is not final.
#[derive(Clone)]
pub(super) struct Review {
    pub(super) lease: Hash,
    pub(super) check: Option<Seat>,
    /// The jury that sits; who was slashed is no more in it.
    jury: Vec<Seat>,
    /// Seats it was drawn with, and what they revealed.
    drawn: usize,
    votes: Vec<Hash>,
    /// The first jury, whose verdict can be appealed.
    first: Option<Vec<Seat>>,
    accuser: Option<Address>,
    /// Whether the checker is the accuser.
    by_checker: bool,
    /// Bond of a challenge.
    pub(super) bond: u128,
    pub(super) appeal_bond: u128,
    /// What a checker that was wrong lost, before it is known to whom.
    lost_by_checker: u128,
    /// Jurors were silent: without a verdict the others go home.
    dissolving: bool,
}

impl Review {
    pub(super) fn of(lease: Hash) -> Self {
        Self {
            lease,
            check: None,
            jury: Vec::new(),
            drawn: 0,
            votes: Vec::new(),
            first: None,
            accuser: None,
            by_checker: false,
            bond: 0,
            appeal_bond: 0,
            lost_by_checker: 0,
            dissolving: false,
        }
    }

    pub(super) fn reveal(&mut self, worker: &Hash, output: Hash) {
        match self.jury.iter_mut().find(|seat| seat.worker == *worker) {
            Some(seat) => {
                seat.revealed = Some(output);
                self.votes.push(output);
            }
            None => self.check.as_mut().unwrap().revealed = Some(output),
        }
    }

    /// Nobody has anything left in it.
    pub(super) fn assert_over(&self) {
        assert!(self.check.is_none() && self.jury.is_empty() && self.first.is_none());
        assert_eq!((self.bond, self.appeal_bond, self.lost_by_checker), (0, 0, 0));
    }

    fn has_majority(&self) -> bool {
        let count = |output: &Hash| self.votes.iter().filter(|vote| *vote == output).count();
        self.votes.iter().any(|output| count(output) * 2 > self.drawn)
    }
}

impl Ledger {
    fn review(&mut self, result: &Hash) -> &mut Review {
        self.reviews.get_mut(result).unwrap()
    }

    /// Frees seats; who operates them.
    fn free_seats(&mut self, seats: Vec<Seat>) -> Vec<Address> {
        for seat in &seats {
            self.free(&seat.worker, seat.bond);
        }
        seats.iter().map(|seat| self.operators[&seat.worker]).collect()
    }

    /// The jurors that remain of a jury without a verdict go home.
    fn dissolve(&mut self, result: &Hash) {
        let review = self.review(result);
        review.dissolving = false;
        let jury = std::mem::take(&mut review.jury);
        self.free_seats(jury);
    }

    pub(super) fn dissolve_all(&mut self) {
        let dissolving: Vec<Hash> =
            self.reviews.iter().filter(|(_, review)| review.dissolving).map(|(result, _)| *result).collect();
        for result in dissolving {
            self.dissolve(&result);
        }
    }

    fn operator_of(&self, result: &Hash) -> Address {
        self.operators[&self.leases[&self.reviews[result].lease].worker]
    }

    /// Follows a step of a review.
    pub(super) fn reviewed(&mut self, params: &Params, event: &Event) {
        let seat = |worker: &Hash| Seat { worker: *worker, bond: params.bond.audit, revealed: None };
        match event {
            Event::CheckDrawn { result, worker, .. } => {
                self.lock(worker, params.bond.audit);
                self.review(result).check = Some(seat(worker));
            }
            Event::Disputed { result, accuser, .. } => {
                let review = self.review(result);
                review.by_checker = review.bond == 0;
                review.accuser = Some(*accuser);
            }
            Event::JuryDrawn { result, jurors, .. } => {
                self.dissolve(result);
                for juror in jurors {
                    self.lock(juror, params.bond.audit);
                }
                let review = self.review(result);
                review.jury = jurors.iter().map(seat).collect();
                review.drawn = jurors.len();
                review.votes.clear();
            }
            Event::AuditorSlashed { result, worker, slashed } => self.slash_seat(params, result, worker, *slashed),
            Event::FoundWrong { result, .. } => {
                let review = self.review(result);
                review.dissolving = false;
                review.first = Some(std::mem::take(&mut review.jury));
            }
            Event::Acquitted { result, accuser, slashed } => {
                let operator = self.operator_of(result);
                let right = self.end_dispute(result, accuser);
                let review = self.review(result);
                let (bond, lost) = (std::mem::take(&mut review.bond), std::mem::take(&mut review.lost_by_checker));
                let appeal = std::mem::take(&mut review.appeal_bond);
                assert_eq!(*slashed, if review.by_checker { lost } else { bond });
                self.credit(&operator, appeal);
                self.distribute(params, *slashed, &operator, &right);
            }
            Event::Convicted { result, slashed, .. } => self.convicted(params, result, *slashed),
            Event::Voided { result, job, returned } => {
                self.dissolve(result);
                let operator = self.operator_of(result);
                let mut review = self.reviews.remove(result).unwrap();
                let seats = review.first.take().into_iter().flatten().chain(review.check.take()).collect();
                self.free_seats(seats);
                if let Some(accuser) = review.accuser {
                    self.credit(&accuser, review.bond);
                }
                self.credit(&operator, review.appeal_bond);
                self.free_lease(&review.lease);
                self.refund(job, *returned);
            }
            // The others move nothing.
            _ => {}
        }
    }

    /// A canary's lease and checker are free, and who called it wrong has its bond back.
    pub(super) fn uncovered(&mut self, result: &Hash, finder: Option<&Address>) {
        let Some(mut review) = self.reviews.remove(result) else {
            assert_eq!(finder, None, "a void result has no finder");
            return;
        };
        assert_eq!(review.accuser.as_ref(), finder);
        if let Some(seat) = review.check.take() {
            assert!(review.by_checker);
            self.free(&seat.worker, seat.bond);
        }
        if let Some(finder) = finder {
            self.credit(finder, std::mem::take(&mut review.bond));
        }
        review.assert_over();
        self.free_lease(&review.lease);
    }

    /// The seats of a dispute that were not slashed were right, and are free.
    fn end_dispute(&mut self, result: &Hash, accuser: &Address) -> Vec<Address> {
        let review = self.review(result);
        assert_eq!(review.accuser.as_ref(), Some(accuser));
        review.dissolving = false;
        let seats = std::mem::take(&mut review.jury).into_iter().chain(review.first.take().into_iter().flatten());
        let seats = seats.collect();
        self.free_seats(seats)
    }

    fn slash_seat(&mut self, params: &Params, result: &Hash, worker: &Hash, slashed: u128) {
        let revealing = self.revealing;
        let review = self.review(result);
        let is_checker = review.check.is_some_and(|seat| seat.worker == *worker);
        let seat = if is_checker {
            review.check.take().unwrap()
        } else {
            let jurors = [Some(&mut review.jury), review.first.as_mut()].into_iter().flatten();
            let mut seats = jurors.filter_map(|jury| {
                let place = jury.iter().position(|seat| seat.worker == *worker)?;
                Some(jury.remove(place))
            });
            seats.next().unwrap()
        };
        let silent = seat.revealed.is_none();
        let bps = if silent { params.slash.silent_bps } else { params.slash.wrong_check_bps };
        assert_eq!(slashed, if revealing { seat.bond } else { part(seat.bond, bps) });
        if is_checker && !silent && !revealing {
            review.lost_by_checker = slashed;
        }
        review.dissolving |= silent && !is_checker;
        if !is_checker || silent || revealing {
            self.supply.burned += slashed;
        }
        self.free(worker, seat.bond);
        self.stake(worker).amount -= slashed;
    }

    fn convicted(&mut self, params: &Params, result: &Hash, slashed: u128) {
        let operator = self.operator_of(result);
        let review = self.review(result);
        let accuser = review.accuser.unwrap();
        let appeal = std::mem::take(&mut review.appeal_bond);
        if review.first.is_some() && review.has_majority() && !review.jury.is_empty() {
            // The appeal's own jury found it wrong too.
            let jury: Vec<Hash> = review.jury.iter().map(|seat| seat.worker).collect();
            let right: Vec<Address> = jury.iter().map(|worker| self.operators[worker]).collect();
            self.distribute(params, appeal, &accuser, &right);
        } else {
            if review.first.is_some() {
                self.dissolve(result);
            }
            self.credit(&operator, appeal);
        }
        let right = self.end_dispute(result, &accuser);
        let mut review = self.reviews.remove(result).unwrap();
        let worker = self.leases[&review.lease].worker;
        let mut taken = self.forfeit_lease(&review.lease);
        if self.convict(&worker) {
            taken += self.take_stake(&worker, u128::MAX);
        }
        assert_eq!(taken, slashed);
        self.distribute(params, slashed, &accuser, &right);
        self.credit(&accuser, review.bond);
        if let Some(seat) = review.check.take() {
            assert!(review.by_checker);
            self.free(&seat.worker, seat.bond);
        }
        self.distribute(params, review.lost_by_checker, &accuser, &right);
    }
}
