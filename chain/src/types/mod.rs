//! What the chain stores, what it is sent and what it answers.
//!
//! Encoding is borsh throughout; every decoder refuses trailing bytes, and every length that a stranger chooses has a
//! cap that is checked before the bytes are used. Money is `u128` micro-tokens, rates are basis points, time is
//! milliseconds since the epoch, windows are counted in blocks.

pub mod anchor;
pub mod authority;
pub mod block;
pub mod canary;
pub mod epoch;
pub mod ethereum;
pub mod event;
pub mod genesis;
pub mod governance;
pub mod ids;
pub mod job;
pub mod ledger;
pub mod model;
pub mod params;
pub mod review;
pub mod snapshot;
pub mod standing;
pub mod teleport;
pub mod timer;
pub mod transaction;
pub mod twin;
pub mod worker;

pub use anchor::{CoSignature, ReceiptAnchor};
pub use authority::{Approval, Decision, MintAuthority};
pub use block::{Block, ComputeResult};
pub use canary::{Canary, CanaryTally};
pub use epoch::{EpochBatch, Payout, PayoutPlace, RunningEpoch};
pub use event::{Event, Outcome};
pub use genesis::{Genesis, GenesisAccount, GenesisError};
pub use governance::{Change, GovernanceParams, Proposal, ProposalStatus};
pub use ids::{Address, Hash, ObjectRef};
pub use job::{
    InferenceJob, JobClass, JobInput, JobPolicy, JobResult, JobStatus, LeaseKind, LeaseStatus, Opening, Placement,
    ResultStage, WorkLease,
};
pub use ledger::{Account, Holdings, Stake, Supply, Treasury, Unbonding};
pub use model::{ContestableJobs, Model, ModelStatus, UnitsFormula};
pub use params::{
    AssignmentParams, AuditParams, BlockParams, BondParams, CanaryParams, EpochParams, FeeParams, Meter, ModelParams,
    Params, ParamsError, RewardParams, SlashParams, StandingParams, WindowParams,
};
pub use review::{Dispute, Roster, Seat, SpotCheck, Verdict};
pub use snapshot::{ResourceSnapshot, SyntheticClaim};
pub use standing::{Region, RewardTier, Standing};
pub use teleport::{
    ForeignProof, Link, Peer, Teleport, TeleportClaim, TeleportRecord, TeleportStatus, WaitingTeleports,
};
pub use timer::{TimerKind, TimerSlot};
pub use transaction::{Action, Authorisation, CheckedTransaction, SignedTransaction, Transaction, encode};
pub use worker::{DeviceBinding, HardwareProfile, HardwareTier, WorkerRegistration};
