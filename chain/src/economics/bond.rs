//! Bonds: what a lease locks, and what a timeout takes from it.

use crate::economics::share;
use crate::types::params::BondParams;

/// Bond of a lease settled by proof, micro-tokens.
///
/// A proof that verifies leaves nothing to cheat with, so I1 asks for no bond; this one only prices taking a job and not
/// doing it, and grows with what the job is worth.
// spec: chain#lease-bond
#[must_use]
pub fn proof_lease_bond(params: &BondParams, escrow: u128) -> Option<u128> {
    Some(share(escrow, params.lease_escrow_bps)?.max(params.lease_min))
}

/// Part of a lease's bond that a timeout burns, micro-tokens.
// spec: chain#lease-timeout
#[must_use]
pub fn timeout_slash(params: &BondParams, bond: u128) -> Option<u128> {
    share(bond, params.timeout_slash_bps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::params::Params;

    #[test]
    fn the_bond_grows_with_the_escrow_above_its_floor() {
        let params = Params::development().bond;
        assert_eq!(proof_lease_bond(&params, 0), Some(1_000_000));
        assert_eq!(proof_lease_bond(&params, 100_000_000), Some(1_000_000));
        assert_eq!(proof_lease_bond(&params, 500_000_000), Some(5_000_000));
        assert_eq!(timeout_slash(&params, 5_000_099), Some(50_000));
    }
}
