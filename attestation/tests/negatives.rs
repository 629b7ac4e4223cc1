//! Which test refuses which forgery: the numbers of `ATTESTATION.md`, section 11, for the processors, the binding to a
//! context, and synthetic evidence. Those of NVIDIA devices and tokens are beside their tests.

const HARDWARE: &str = concat!(include_str!("hardware/main.rs"), include_str!("hardware/binding.rs"));
const TDX: &str = include_str!("tdx.rs");
const SEV_SNP: &str = include_str!("sev_snp/main.rs");

/// Number, what is refused, source, test.
const TABLE: &[(u8, &str, &str, &str)] = &[
    (42, "another chain id", HARDWARE, "negatives_42_to_48_another_context"),
    (43, "another job", HARDWARE, "negatives_42_to_48_another_context"),
    (44, "another model", HARDWARE, "negatives_42_to_48_another_context"),
    (45, "another input", HARDWARE, "negatives_42_to_48_another_context"),
    (46, "another device", HARDWARE, "negative_46_another_device"),
    (47, "another nonce", HARDWARE, "negatives_42_to_48_another_context"),
    (48, "another time, payee or output", HARDWARE, "negatives_42_to_48_another_context"),
    (48, "another time, payee or output", HARDWARE, "negative_48_another_output_or_payee"),
    (49, "fields that run into each other", HARDWARE, "negative_49_fields_do_not_run_into_each_other"),
    (50, "replays and duplicates", HARDWARE, "negative_50_replays_and_duplicates"),
    (51, "outside the window", HARDWARE, "negative_51_outside_the_window"),
    (52, "other GPUs than in the quote", HARDWARE, "negative_52_a_quote_commits_to_exactly_these_devices"),
    (54, "debug TD", TDX, "negative_54_debug"),
    (55, "flipped parts", TDX, "negative_55_flips"),
    (55, "another platform's parts", TDX, "negative_55_another_platforms_parts"),
    (56, "quoting enclave", TDX, "negative_56_quoting_enclave"),
    (57, "collateral and TCB", TDX, "negative_57_collateral"),
    (58, "trailing bytes, SGX quote", TDX, "negative_58_trailing_bytes_and_other_kinds_of_quote"),
    (59, "launch", TDX, "negative_59_launch_and_report_data"),
    (60, "guest policy", SEV_SNP, "negative_60_guest_policy_and_privilege"),
    (61, "another chip or TCB", SEV_SNP, "negative_61_another_chips_certificate_or_tcb"),
    (62, "signature encoding", SEV_SNP, "negative_62_signature"),
    (63, "lent key, masked chip", SEV_SNP, "negative_63_lent_keys_and_masked_chips"),
    (64, "chain", SEV_SNP, "negative_64_chain"),
    (64, "revocation", SEV_SNP, "negative_64_revocation"),
    (65, "floors and order of versions", SEV_SNP, "negative_65_floors_and_order_of_versions"),
    (71, "synthetic presented as hardware", HARDWARE, "negative_71_synthetic_evidence_is_never_hardware"),
];

#[test]
fn every_number_has_a_test_that_exists() {
    for (number, what, source, test) in TABLE {
        assert!(source.contains(&format!("#[test]\nfn {test}()")), "{number} ({what}): no test {test}");
    }
    let expected = (42..=52).chain(54..=65).chain([71]);
    let numbers: std::collections::BTreeSet<u8> = TABLE.iter().map(|entry| entry.0).collect();
    assert!(expected.eq(numbers.into_iter()));
}
