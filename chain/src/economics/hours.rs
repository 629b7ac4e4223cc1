//! The hardware-hours meter (REQUIREMENTS U5): what a machine earns for each hour in which it works.
//!
//! `(GPU MH/s * 5 + CPU GHz * 2 + RAM 1000 MHz * 0.2 + storage 10 GB * 0.1 + network Mbit/s * 0.1) * active hours`, in
//! tokens, before tier and uptime. Rates fall like the base of the other policy. Active hours are the time of verified
//! work alone: idle time earns nothing, because nobody verified anything in it.

use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize};

use super::emission;
use crate::types::params::RewardParams;

/// Milliseconds of an hour.
const HOUR_MS: u128 = 3_600_000;

/// What a machine is metered by. Declared, not measured: what it can mint is capped all the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HardwareRates {
    /// GPU speed, kH/s.
    pub gpu_khs: u32,
    /// Processor clock, MHz.
    pub cpu_mhz: u32,
    /// Memory clock, MHz.
    pub memory_mhz: u32,
    /// Storage, GB.
    pub storage_gb: u32,
    /// Network, Mbit/s.
    pub network_mbps: u32,
}

/// Micro-tokens per hour for each quantity of the meter, in the first period.
const GPU_PER_MHS: u128 = 5_000_000;
const CPU_PER_GHZ: u128 = 2_000_000;
const MEMORY_PER_1000_MHZ: u128 = 200_000;
const STORAGE_PER_10_GB: u128 = 100_000;
const NETWORK_PER_MBPS: u128 = 100_000;

/// What `active_ms` of verified work earn in `epoch`, micro-tokens; rounded down once.
// spec: chain#hardware-hours
#[must_use]
pub fn earned(params: &RewardParams, epoch: u64, rates: &HardwareRates, active_ms: u64) -> Option<u128> {
    let HardwareRates { gpu_khs, cpu_mhz, memory_mhz, storage_gb, network_mbps } = *rates;
    // Each price, what it is for, and how many of the declared unit make one of that.
    let parts = [
        (GPU_PER_MHS, gpu_khs, 1_000u128),
        (CPU_PER_GHZ, cpu_mhz, 1_000),
        (MEMORY_PER_1000_MHZ, memory_mhz, 1_000),
        (STORAGE_PER_10_GB, storage_gb, 10),
        (NETWORK_PER_MBPS, network_mbps, 1),
    ];
    let mut hourly_thousandths = 0u128;
    for (price, declared, unit) in parts {
        let price = emission::decayed(params, price, epoch)?;
        let part = price.checked_mul(declared.into())?.checked_mul(1_000u128.checked_div(unit)?)?;
        hourly_thousandths = hourly_thousandths.checked_add(part)?;
    }
    hourly_thousandths.checked_mul(active_ms.into())?.checked_div(HOUR_MS.checked_mul(1_000)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::economics::reward::Multipliers;
    use crate::types::params::{BPS, Params};
    use crate::types::standing::RewardTier;

    fn example() -> HardwareRates {
        HardwareRates { gpu_khs: 150_000, cpu_mhz: 4_000, network_mbps: 1_000, ..HardwareRates::default() }
    }

    #[test]
    fn the_worked_example_of_eight_hours() {
        let params = Params::development().reward;
        let hours = |rates: HardwareRates| earned(&params, 0, &rates, 8 * 3_600_000).unwrap();
        let none = HardwareRates::default();
        assert_eq!(hours(HardwareRates { gpu_khs: 150_000, ..none }), 6_000_000_000);
        assert_eq!(hours(HardwareRates { cpu_mhz: 4_000, ..none }), 64_000_000);
        assert_eq!(hours(HardwareRates { network_mbps: 1_000, ..none }), 800_000_000);
        assert_eq!(hours(example()), 6_864_000_000);
        let silver =
            Multipliers { difficulty_bps: BPS, tier_bps: BPS + RewardTier::Silver.bonus_bps(), uptime_bps: BPS };
        assert_eq!(silver.apply(6_864_000_000, BPS), Some(7_550_400_000));
        let full = Multipliers { uptime_bps: 10_500, ..silver };
        assert_eq!(full.apply(6_864_000_000, BPS), Some(7_927_920_000));
        // Idle earns nothing.
        assert_eq!(earned(&params, 0, &example(), 0), Some(0));
    }

    #[test]
    fn rates_fall_a_tenth_every_period_and_print_as_published() {
        let params = RewardParams { decay_epochs: 10, ..Params::development().reward };
        let none = HardwareRates::default();
        let hour = |rates: HardwareRates, period: u64| earned(&params, period * 10, &rates, 3_600_000).unwrap();
        let gpu = HardwareRates { gpu_khs: 1_000, ..none };
        let cpu = HardwareRates { cpu_mhz: 1_000, ..none };
        let cents = |micro: u128| {
            let rounded = (micro + 5_000) / 10_000;
            format!("{}.{:02}", rounded / 100, rounded % 100)
        };
        for (rates, exact, printed) in [
            (gpu, [5_000_000, 4_500_000, 4_050_000, 3_645_000, 3_280_500], ["5.00", "4.50", "4.05", "3.65", "3.28"]),
            (cpu, [2_000_000, 1_800_000, 1_620_000, 1_458_000, 1_312_200], ["2.00", "1.80", "1.62", "1.46", "1.31"]),
        ] {
            for ((period, exact), printed) in (0u64..).zip(exact).zip(printed) {
                assert_eq!(hour(rates, period), exact);
                assert_eq!(cents(hour(rates, period)), printed);
            }
        }
    }

    #[test]
    fn memory_storage_and_network_have_their_rates() {
        let params = Params::development().reward;
        let none = HardwareRates::default();
        let hour = |rates: HardwareRates| earned(&params, 0, &rates, 3_600_000);
        assert_eq!(hour(HardwareRates { memory_mhz: 1_000, ..none }), Some(200_000));
        assert_eq!(hour(HardwareRates { storage_gb: 10, ..none }), Some(100_000));
        assert_eq!(hour(HardwareRates { network_mbps: 1, ..none }), Some(100_000));
        let most = HardwareRates {
            gpu_khs: u32::MAX,
            cpu_mhz: u32::MAX,
            memory_mhz: u32::MAX,
            storage_gb: u32::MAX,
            network_mbps: u32::MAX,
        };
        assert!(earned(&params, 0, &most, u64::MAX).is_some());
    }
}
