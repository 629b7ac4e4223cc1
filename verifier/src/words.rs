//! Values in words, for people.

use circuits::model::tensor::Tensor;

/// A stranger's text without anything that could steer a terminal: control and direction characters become `?`.
#[must_use]
pub fn printable(text: &str) -> String {
    let steers = |character: char| {
        character.is_control()
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().map(|character| if steers(character) { '?' } else { character }).collect()
}

/// `8x8`, `10`.
#[must_use]
pub fn shape(dimensions: &[u32]) -> String {
    dimensions.iter().map(u32::to_string).collect::<Vec<_>>().join("x")
}

/// The elements of a tensor on one line, the middle left out where there are many.
#[must_use]
pub fn values(tensor: &Tensor) -> String {
    const SHOWN: usize = 16;
    let all = tensor.values();
    let text = |values: &[i64]| values.iter().map(i64::to_string).collect::<Vec<_>>().join(" ");
    match all.split_at_checked(SHOWN) {
        Some((head, rest)) if !rest.is_empty() => format!("[{} ... {} more]", text(head), rest.len()),
        _ => format!("[{}]", text(all)),
    }
}

/// Milliseconds since the epoch as a date in UTC.
#[must_use]
#[expect(clippy::arithmetic_side_effects, reason = "constants above zero divide, and the quotients are small")]
pub fn utc(milliseconds: u64) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_follow_the_calendar() {
        assert_eq!(utc(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00.000 UTC");
        assert_eq!(utc(1_795_170_367_042), "2026-11-20 10:26:07.042 UTC");
        assert!(!utc(u64::MAX).is_empty());
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\u{202e}d\u{7f}"), "a?[2Jb??c?d?");
        assert_eq!(printable("caf\u{e9} \u{6570}"), "caf\u{e9} \u{6570}");
    }
}
