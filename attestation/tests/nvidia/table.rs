//! Which test rejects which negative of the reference list.

/// Number and what must be rejected.
const NEGATIVES: [(u32, &str); 49] = [
    (1, "a flipped byte anywhere in a report"),
    (2, "another version or code"),
    (3, "another param1"),
    (4, "a report cut inside any field"),
    (5, "a trailing byte"),
    (6, "another number of blocks"),
    (7, "another record length"),
    (8, "duplicate, missing or zero block index"),
    (9, "a block of another kind or size"),
    (10, "opaque overrun, duplicate, unknown field, newer layout"),
    (11, "r or s zero or too large, DER; the twin shares its nullifier"),
    (12, "a report signed by another key"),
    (13, "extend counts that disagree with values"),
    (14, "decoder state missing or unknown"),
    (15, "another number or order of certificates, another root"),
    (16, "a P-256 or RSA key in the chain"),
    (17, "usages, authorities, path length"),
    (18, "not yet valid, expired"),
    (19, "another root"),
    (20, "another firmware identity, or none"),
    (21, "another identity key in the leaf"),
    (22, "another family, chip or architecture"),
    (23, "DICE flags"),
    (24, "a manifest whose body was edited"),
    (25, "a manifest whose SignedInfo was edited"),
    (26, "another key beside the vendor's chain"),
    (27, "signature wrapping"),
    (28, "other algorithms and transforms"),
    (29, "XML outside the profile"),
    (30, "a manifest of something else"),
    (31, "malformed measurements, index conflicts"),
    (32, "a validly signed manifest that is not pinned"),
    (33, "a mismatch at each active index"),
    (34, "an expired signer without grace"),
    (35, "another manifest root"),
    (36, "revoked, unknown, on hold"),
    (37, "stale and future statements"),
    (38, "responders that may not speak"),
    (39, "statements about another certificate"),
    (40, "unsigned and unsuccessful responses"),
    (41, "a list of another family"),
    (50, "an old answer, one device twice"),
    (53, "machines that do not close or mix modes"),
    (66, "token algorithms"),
    (67, "token keys"),
    (68, "token times and issuers"),
    (69, "token parts that do not belong together"),
    (70, "token results"),
    (71, "synthetic devices under the vendor's roots"),
];

const SOURCES: [(&str, &str); 7] = [
    ("chain.rs", include_str!("chain.rs")),
    ("genuine.rs", include_str!("genuine.rs")),
    ("machine.rs", include_str!("machine.rs")),
    ("manifest.rs", include_str!("manifest.rs")),
    ("report.rs", include_str!("report.rs")),
    ("status.rs", include_str!("status.rs")),
    ("token.rs", include_str!("token.rs")),
];

/// Numbers in the `// negative` comments of all sources, with the test below each.
fn covered() -> Vec<(u32, String)> {
    let mut found = Vec::new();
    for (file, source) in SOURCES {
        let lines: Vec<_> = source.lines().collect();
        for (position, line) in lines.iter().enumerate() {
            let Some(list) = line.trim().strip_prefix("// negative ") else { continue };
            let name = lines[position..].iter().find_map(|line| line.trim().strip_prefix("fn ")).unwrap_or("?");
            let name = name.split('(').next().unwrap_or_default();
            for number in list.split(':').next().unwrap_or_default().split(',') {
                found.push((number.trim().parse().unwrap(), format!("{file}: {name}")));
            }
        }
    }
    found
}

#[test]
fn every_negative_has_a_test() {
    let covered = covered();
    for (number, what) in NEGATIVES {
        let tests: Vec<_> = covered.iter().filter(|found| found.0 == number).map(|found| found.1.as_str()).collect();
        assert!(!tests.is_empty(), "negative {number} ({what}) has no test");
        println!("{number:>3} {what}: {}", tests.join(", "));
    }
    for (number, test) in covered {
        assert!(NEGATIVES.iter().any(|known| known.0 == number), "{test} names negative {number}, which is not listed");
    }
}
