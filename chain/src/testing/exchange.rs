//! Governance, mint authorities and other chains in a [`World`].

use super::{World, account, validator, worker_id};
use crate::state::{Key, StateMachine, Stored};
use crate::types::authority::{Approval, Decision, MintAuthority};
use crate::types::event::{Event, Proposed};
use crate::types::governance::{Change, Proposal, ProposalStatus};
use crate::types::ids::Hash;
use crate::types::params::Params;
use crate::types::teleport::{ForeignProof, Peer};
use crate::types::transaction::{Action, AddStake, Authorise, CastVote, Propose};
use verifier::inclusion::{Validator, ValidatorSet};

/// Keys 11 to 13 are the test authority's; two of them decide.
pub(crate) const AUTHORITY: [u8; 3] = [11, 12, 13];
/// What the test authority may issue.
pub(crate) const CAP: u128 = 1_000_000;

/// Parameters under which small stakes vote, soon.
pub(crate) fn quick(params: &mut Params) {
    params.block.epoch_blocks = 20;
    params.governance.tier_stake = 100_000_000;
    params.governance.voting = 5;
    params.governance.cooldown = params.window.unbonding;
}

/// The test authority.
pub(crate) fn authority() -> MintAuthority {
    MintAuthority::new(AUTHORITY.map(|number| account(number).public_key()).to_vec(), 2, CAP).unwrap()
}

impl World {
    /// Registers worker `number` without models and stakes on it.
    pub(crate) fn voter(&mut self, number: u8, amount: u128) -> Hash {
        let registration = self.worker_registration(number, vec![]);
        self.send(number, Action::RegisterWorker(Box::new(registration)));
        let worker = worker_id(number);
        self.send(number, Action::Stake(AddStake { worker, amount }));
        worker
    }

    /// Proposes a change by worker `number`.
    pub(crate) fn propose(&mut self, number: u8, change: Change) -> Hash {
        let worker = worker_id(number);
        match self.send(number, Action::Propose(Box::new(Propose { worker, change }))).events.as_slice() {
            [Event::Proposed(Proposed { proposal, .. })] => *proposal,
            events => panic!("unexpected events {events:?}"),
        }
    }

    pub(crate) fn vote(proposal: Hash, number: u8, yes: bool) -> Action {
        Action::Vote(CastVote { proposal, worker: worker_id(number), yes })
    }

    pub(crate) fn proposal(&self, id: &Hash) -> Proposal {
        self.machine().get(&Key::Proposal(*id)).unwrap().unwrap()
    }

    /// Makes blocks up to the end of this epoch.
    pub(crate) fn finish_epoch(&mut self) {
        let length = self.machine().params().unwrap().block.epoch_blocks;
        let height = self.machine().height();
        self.reach((height / length + 1) * length - 1);
    }

    /// Lets worker `number` propose a change, vote for it, and waits until it is in force.
    pub(crate) fn enact(&mut self, number: u8, change: Change) {
        let proposal = self.propose(number, change);
        self.send(number, Self::vote(proposal, number, true));
        self.reach(self.proposal(&proposal).voting_until);
        self.finish_epoch();
        assert_eq!(self.proposal(&proposal).status, ProposalStatus::Active);
    }

    /// This chain, as another one would link it.
    pub(crate) fn as_peer(&self, inflow_max: u128) -> Peer {
        let set = ValidatorSet::new(vec![Validator { public_key: validator().public_key(), weight: 1 }]).unwrap();
        let machine = self.machine();
        Peer { chain_id: machine.genesis().chain_id(), genesis: *machine.genesis_hash(), validators: set, inflow_max }
    }

    /// What the head shows about a key.
    pub(crate) fn shown<T: Stored>(&self, key: &Key) -> (Option<T>, ForeignProof) {
        let (_, state) = self.machine().prove(key).unwrap();
        let block = self.machine().block(self.machine().height()).unwrap().unwrap();
        let proof = ForeignProof { header: block.block.header, certificate: block.certificate, state };
        (self.machine().get(key).unwrap(), proof)
    }

    /// A decision approved by these keys.
    pub(crate) fn decided(&self, number: u64, decision: Decision, keys: &[u8]) -> Action {
        let genesis = self.machine().genesis_hash();
        let mut keys: Vec<_> = keys.iter().map(|key| account(*key)).collect();
        keys.sort_by_key(|key| key.public_key().address());
        let approvals = keys.iter().map(|key| Approval::sign(key, genesis, number, &decision)).collect();
        Action::Authorise(Box::new(Authorise { decision, approvals }))
    }
}
