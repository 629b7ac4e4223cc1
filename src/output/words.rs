//! Values in words.

use std::time::Duration;

use circuits::model::tensor::Tensor;
pub(crate) use verifier::words::{printable, shape, utc, values};

/// Micro-tokens of one token.
pub(crate) const TOKEN: u128 = 1_000_000;
/// Characters for an eighth-by-eighth grey level, dark to bright.
const SHADES: [&str; 5] = ["  ", "\u{2591}\u{2591}", "\u{2592}\u{2592}", "\u{2593}\u{2593}", "\u{2588}\u{2588}"];
/// Largest picture that is drawn.
const PICTURE_SIDE_MAX: u32 = 32;

/// The first four bytes of a hash, for reading and not for comparing.
pub(crate) fn short(hash: &[u8; 32]) -> String {
    let text = attestation::hex::encode(hash);
    format!("{}..", text.get(..10).unwrap_or(&text))
}

/// Three significant digits and a unit.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (value, unit) = match seconds {
        value if value >= 1.0 => (value, "s"),
        value if value >= 1e-3 => (value * 1e3, "ms"),
        value => (value * 1e6, "us"),
    };
    let decimals = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.decimals$} {unit}")
}

/// Bytes in a readable unit.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} bytes"),
        10_000..10_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        _ => format!("{:.1} MB", count as f64 / 1e6),
    }
}

/// Micro-tokens as tokens: thousands apart, six decimals without trailing zeros.
pub(crate) fn amount(micro: u128) -> String {
    let whole = (micro / TOKEN).to_string();
    let grouped: Vec<String> =
        whole.as_bytes().rchunks(3).rev().map(|group| String::from_utf8_lossy(group).into()).collect();
    let decimals = format!("{:06}", micro % TOKEN);
    let decimals = decimals.trim_end_matches('0');
    let point = if decimals.is_empty() { "" } else { "." };
    format!("{}{point}{decimals}", grouped.join(" "))
}

/// A small matrix as a picture: one line per row, darker where larger; nothing for other shapes.
pub(crate) fn picture(tensor: &Tensor) -> Vec<String> {
    let &[height, width] = tensor.shape() else { return Vec::new() };
    if !(1..=PICTURE_SIDE_MAX).contains(&height) || !(1..=PICTURE_SIDE_MAX).contains(&width) {
        return Vec::new();
    }
    let least = tensor.values().iter().copied().min().unwrap_or(0);
    let span = tensor.values().iter().copied().max().unwrap_or(0).abs_diff(least).max(1);
    let shade = |value: &i64| {
        let level = u128::from(value.abs_diff(least)) * (SHADES.len() as u128 - 1);
        let index = (level + u128::from(span) / 2) / u128::from(span);
        SHADES.get(usize::try_from(index).unwrap_or(usize::MAX)).copied().unwrap_or("  ")
    };
    tensor.values().chunks(width as usize).map(|row| row.iter().map(shade).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact() {
        assert_eq!(amount(0), "0");
        assert_eq!(amount(1), "0.000001");
        assert_eq!(amount(1_234_567_890_000), "1 234 567.89");
        assert_eq!(amount(u128::MAX), "340 282 366 920 938 463 463 374 607 431 768.211455");
    }

    #[test]
    fn durations_keep_three_digits() {
        assert_eq!(duration(Duration::from_micros(12)), "12.0 us");
        assert_eq!(duration(Duration::from_micros(1234)), "1.23 ms");
        assert_eq!(duration(Duration::from_millis(345)), "345 ms");
        assert_eq!(duration(Duration::from_millis(2346)), "2.35 s");
    }

    #[test]
    fn only_small_matrices_are_drawn() {
        let square = Tensor::new(vec![2, 2], vec![0, 16, 8, 4]).unwrap();
        assert_eq!(picture(&square), ["  \u{2588}\u{2588}", "\u{2592}\u{2592}\u{2591}\u{2591}"]);
        assert!(picture(&Tensor::vector(vec![1, 2]).unwrap()).is_empty());
        let extremes = Tensor::new(vec![1, 2], vec![i64::MIN, i64::MAX]).unwrap();
        assert_eq!(picture(&extremes), ["  \u{2588}\u{2588}"]);
    }
}
