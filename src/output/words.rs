//! Values in words.

use std::path::Path;
use std::time::Duration;

use circuits::model::tensor::Tensor;

/// Micro-tokens of one token.
pub(crate) const TOKEN: u128 = 1_000_000;
/// Characters for an eighth-by-eighth grey level, dark to bright.
const SHADES: [&str; 5] = ["  ", "\u{2591}\u{2591}", "\u{2592}\u{2592}", "\u{2593}\u{2593}", "\u{2588}\u{2588}"];
/// Largest picture that is drawn.
const PICTURE_SIDE_MAX: u32 = 32;

/// A stranger's text without anything that could steer a terminal: control and direction characters become `?`.
pub(crate) fn printable(text: &str) -> String {
    let steers = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|character| if steers(character) { '?' } else { character }).collect()
}

/// The first four bytes of a hash, for reading and not for comparing.
pub(crate) fn short(hash: &[u8; 32]) -> String {
    let text = attestation::hex::encode(hash);
    format!("{}..", text.get(..10).unwrap_or(&text))
}

/// A path in a line or in JSON: names that are not UTF-8 lose their other bytes, names that steer lose those.
pub(crate) fn name(path: &Path) -> String {
    printable(&path.display().to_string())
}

/// `8x8`, `10`.
pub(crate) fn shape(dimensions: &[u32]) -> String {
    dimensions.iter().map(u32::to_string).collect::<Vec<_>>().join("x")
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

/// Milliseconds since the epoch as a date in UTC.
pub(crate) fn utc(milliseconds: u64) -> String {
    let seconds = milliseconds / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to a date of the Gregorian calendar, years starting in March (Hinnant, "chrono-compatible date algorithms").
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{:03} UTC", milliseconds % 1000)
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
    fn dates_follow_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00.000 UTC");
        assert_eq!(utc(1_795_170_367_042), "2026-11-20 10:26:07.042 UTC");
        assert!(!utc(u64::MAX).is_empty());
    }

    #[test]
    fn durations_keep_three_digits() {
        assert_eq!(duration(Duration::from_micros(12)), "12.0 us");
        assert_eq!(duration(Duration::from_micros(1234)), "1.23 ms");
        assert_eq!(duration(Duration::from_millis(345)), "345 ms");
        assert_eq!(duration(Duration::from_millis(2346)), "2.35 s");
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\u{202e}d\u{7f}"), "a?[2Jb??c?d?");
        assert_eq!(printable("caf\u{e9} \u{6570}"), "caf\u{e9} \u{6570}");
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
