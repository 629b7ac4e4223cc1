//! Every dishonest policy earns less than honesty, and with its inequality taken away earns more; the payoffs that this
//! reckons with are those of the state machine.

use super::*;
use crate::testing::{World, output, wrong_output};
use crate::types::job::{InferenceJob, JobPolicy, ResultStage};
use crate::types::transaction::PostJob;

fn prospect(params: &Params, offer: &Offer, agent: Agent) -> Prospect {
    let prospects = prospects(params, 0, offer).unwrap();
    prospects.into_iter().find(|prospect| prospect.agent == agent).unwrap()
}

/// A job like the demo's: 2 368 units, checked at the chain's own rate.
fn offer() -> Offer {
    let (units, price_per_unit, escrow) = (2_368, 10_000, 30_000_000);
    Offer { units, price_per_unit, escrow, trust_bps_min: 6_000, spot_rate_bps_min: 0 }
}

const BY_INEQUALITY: [Agent; 7] =
    [Agent::Lazy, Agent::SmallModel, Agent::Colluder, Agent::Bulk, Agent::Runner, Agent::SelfDealer, Agent::Griefer];

#[test]
fn honesty_earns_more_and_without_the_inequality_less() {
    let params = Params::development();
    for agent in BY_INEQUALITY {
        let prospect = prospect(&params, &offer(), agent);
        assert!(prospect.deters(), "{prospect:?}");
        assert!(prospect.is_needed(), "{prospect:?}");
    }
}

#[test]
fn expected_values_are_exact() {
    // R = 18.944 paid and 3.552 minted at the least difficulty, g = 14.208, q = 19.8 %; b = 1.2 g / q - R, 1 token without I1.
    let lazy = prospect(&Params::development(), &offer(), Agent::Lazy);
    assert_eq!(lazy.honest.micro(), 18_944_000 + 3_552_000 - 14_208_000);
    let bond = (14_208_000i128 * 12_000 * 1_000_000 + 10_000 * 198_000 - 1) / (10_000 * 198_000) - 22_496_000;
    assert_eq!(lazy.with, Expected(802_000 * 22_496_000 - 198_000 * bond));
    assert_eq!(lazy.without, Expected(802_000 * 22_496_000 - 198_000 * 1_000_000));
}

#[test]
fn a_copied_commitment_earns_less_than_a_run_where_audit_bonds_are_worth_it() {
    let mut params = Params::development();
    let small = Offer { units: 100, escrow: 1_100_000, ..offer() };
    // At a bond of one token silence is cheaper than a run: the jury of this chain relies on its own interest.
    assert!(!prospect(&params, &small, Agent::CopyCat).deters());
    params.bond.audit = 20_000_000;
    let copy_cat = prospect(&params, &small, Agent::CopyCat);
    assert!(copy_cat.deters() && copy_cat.is_needed(), "{copy_cat:?}");
}

#[test]
fn an_idle_checker_earns_more_as_long_as_nothing_is_planted() {
    let mut params = Params::development();
    let idle = prospect(&params, &offer(), Agent::IdleChecker);
    assert!(!idle.deters());
    assert_eq!(idle.with, idle.without);
    // With a planter it earns less by exactly what I2 says: eps (J + s_a) - c_v.
    params.canary.planter = Some(crate::types::Address::new([1; 32]));
    let idle = prospect(&params, &offer(), Agent::IdleChecker);
    assert!(idle.deters(), "{idle:?}");
    assert_eq!(idle.honest.0 - idle.with.0, 100_000 * (150_000_000 + 1_000_000) - 1_000_000 * 2_368 * 6_000);
}

#[test]
fn an_insured_cheat_pays_for_it_whenever_it_is_not_found() {
    let insured = prospect(&Params::development(), &offer(), Agent::Insured);
    assert!(insured.deters() && insured.is_needed(), "{insured:?}");
    assert!(insured.with < Expected(0));
    // Also where the bond is the least under which a canary of this job is void: what the job earns.
    let mut params = Params::development();
    let offer = offer();
    let reward = Game::new(&params, 0, &offer).unwrap().reward;
    params.canary.bond = u128::try_from(reward).unwrap();
    let insured = prospect(&params, &offer, Agent::Insured);
    assert_eq!(insured.with, Expected(0));
    assert!(insured.deters());
}

/// What accepted and convicted results pay, on the state machine: the two ends of every expectation above.
#[test]
fn the_state_machine_pays_what_the_agents_reckon_with() {
    let mut world = World::staffed(|params| {
        params.bond.lease_min = 1;
        params.bond.lease_escrow_bps = 0;
        // The agents reckon with the least that a result can earn, which here is what it earns.
        params.epoch.difficulty_min_bps = params.reward.difficulty_bps;
    });
    // The bond of I1 is that of the chain's rate; the check itself is made certain by a rate of the job's own.
    for (spot_rate_bps_min, right) in [(0, true), (10_000, true), (10_000, false)] {
        let policy = JobPolicy { proof_required: false, trust_bps_min: 6_000, spot_rate_bps_min };
        let job = world.post(PostJob { policy, ..world.sampled_job() });
        let record: InferenceJob = world.machine().get(&crate::state::Key::Job(job)).unwrap().unwrap();
        let params = world.machine().params().unwrap();
        let game_offer = Offer::from(&record);
        let game = Game::new(&params, 0, &game_offer).unwrap();

        let before = worth(&world);
        let leased = world.lease_sampled(job, 2);
        assert_eq!(signed(world.stake(2).1), Some(game.bond));
        let result = world.hand_in(&leased, if right { output() } else { wrong_output() });
        let fees = 2 * 25_000_000;
        if spot_rate_bps_min > 0 {
            let checker = world.check(&result, &output());
            assert_ne!(checker, 2);
        }
        if right {
            while !world.stage(&result).is_final() {
                // The chain's own lot may draw a check that the job did not ask for.
                if world.stage(&result) == ResultStage::CheckCommit {
                    let checker = world.checker(&result);
                    world.commit(&result, checker, &output());
                    world.reveal(&result, checker, &output());
                }
                world.block();
            }
            assert_eq!(world.stage(&result), ResultStage::Settled);
            assert_eq!(worth(&world) - before + fees, game.reward, "accepted");
        } else {
            world.judge(&result);
            assert_eq!(world.stage(&result), ResultStage::Convicted);
            assert_eq!(worth(&world) - before + fees, -game.bond, "convicted");
        }
    }
}

/// Everything that operator 2 and its worker hold.
fn worth(world: &World) -> i128 {
    let (free, bonded) = world.stake(2);
    signed(world.balance(2) + free + bonded).unwrap()
}
