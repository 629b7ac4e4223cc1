//! Juries: jurors run the model again, and the chain's own rule counts what they reveal.

use attestation::hash::derive;
use attestation::identity::ed25519;
use chain::rules::majority;
use chain::types::ids::check_commitment;
use chain::types::params::Params;
use chain::types::review::Seat;

use super::attack::Attack;
use super::measure::LayersError;
use super::scene::{Scene, Submission};

const JUROR_CONTEXT: &str = "assay 2026 benchmark-layers-juror v1";

/// Whether a jury of the development size lets the output stand; why not, in words.
pub(super) fn acquits(
    scene: &Scene,
    submission: &Submission,
    attack: Option<Attack>,
) -> Result<Result<(), String>, LayersError> {
    let claimed = submission.output.hash();
    let seats = seats(scene, submission, attack)?;
    Ok(match majority(&seats) {
        Some(verdict) if verdict == claimed => Ok(()),
        Some(_) => Err(format!("most of {} jurors find another output", seats.len())),
        None => Err(format!("{} jurors find no common output", seats.len())),
    })
}

/// The jurors' seats once all of them have run the model, committed and revealed. Where the jury colludes, as many repeat the
/// worker's answer as decide.
fn seats(scene: &Scene, submission: &Submission, attack: Option<Attack>) -> Result<Vec<Seat>, LayersError> {
    let jury = Params::development().audit.jury;
    let colluding = if attack == Some(Attack::ColludingJury) { jury / 2 + 1 } else { 0 };
    let result = derive(JUROR_CONTEXT, &[&submission.signed.receipt.to_bytes()]);
    let mut seats = Vec::new();
    for number in 0..jury {
        let found = if number < colluding { submission.output.hash() } else { scene.answer()?.hash() };
        let [worker, salt] =
            ["worker", "salt"].map(|what| derive(JUROR_CONTEXT, &[what.as_bytes(), &number.to_le_bytes()]));
        let operator = ed25519::SigningKey::from_seed(&worker).public_key().address();
        seats.push(Seat {
            worker,
            operator,
            bond: 0,
            commitment: Some(check_commitment(&result, &worker, &found, &salt)),
            revealed: Some(found),
        });
    }
    Ok(seats)
}
