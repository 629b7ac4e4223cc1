//! The rows of a tape, each kind of row once: a circuit states few different things on many rows.
//!
//! Whoever asks what some row states looks at the kinds alone, which is most of what reading a key of a large circuit
//! would otherwise take.

use std::collections::HashMap;

use super::tape::Row;

/// The rows of a circuit, from the top.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    kinds: Vec<Kind>,
    /// The kind of each row.
    order: Vec<u32>,
    /// Numbers of the kinds, until the tape is finished.
    numbers: HashMap<Row, u32>,
    /// A row that states nothing.
    blank: Row,
}

#[derive(Clone, Debug)]
struct Kind {
    stated: Row,
    /// Rows of this kind.
    count: u32,
    /// The kind that last followed on it, which is likely to follow again.
    next: u32,
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// What a row states.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<&Row> {
        self.kind(*self.order.get(row)?)
    }

    /// What each row states.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Row> + DoubleEndedIterator + Clone {
        // Every number in the order is a kind's.
        self.order.iter().map(|number| self.kind(*number).unwrap_or(&self.blank))
    }

    /// What some row states, each once, and on how many rows.
    pub fn kinds(&self) -> impl Iterator<Item = (&Row, u64)> {
        let used = self.kinds.iter().filter(|kind| kind.count > 0);
        used.map(|kind| (&kind.stated, u64::from(kind.count)))
    }

    /// Bytes that the rows take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.kinds.len() * size_of::<Kind>() + self.order.len() * size_of::<u32>()
    }

    /// Appends a row.
    pub(super) fn push(&mut self, stated: Row) {
        let number = self.number(self.order.last().copied(), stated);
        self.order.push(number);
    }

    /// States something else on a row that is there.
    pub(super) fn replace(&mut self, row: usize, stated: Row) {
        let Some(old) = self.order.get(row).copied() else { return };
        if let Some(kind) = self.kinds.get_mut(old as usize) {
            kind.count -= 1;
        }
        let above = row.checked_sub(1).and_then(|above| self.order.get(above).copied());
        let number = self.number(above, stated);
        if let Some(slot) = self.order.get_mut(row) {
            *slot = number;
        }
    }

    /// Gives back what only building takes.
    pub(super) fn finish(&mut self) {
        self.numbers = HashMap::new();
    }

    fn kind(&self, number: u32) -> Option<&Row> {
        self.kinds.get(number as usize).map(|kind| &kind.stated)
    }

    /// The number of a kind that has one row more now, below a row of the kind `above`.
    fn number(&mut self, above: Option<u32>, stated: Row) -> u32 {
        let likely = above.and_then(|above| self.kinds.get(above as usize)).map(|kind| kind.next);
        let number = match likely.filter(|number| self.kind(*number) == Some(&stated)) {
            Some(number) => number,
            None => {
                let new = u32::try_from(self.kinds.len()).unwrap_or(u32::MAX);
                // Entries are numbered, so that no two rows of them are alike.
                let number = if stated.entry == 0 { *self.numbers.entry(stated).or_insert(new) } else { new };
                if number == new {
                    self.kinds.push(Kind { stated, count: 0, next: 0 });
                }
                if let Some(above) = above.and_then(|above| self.kinds.get_mut(above as usize)) {
                    above.next = number;
                }
                number
            }
        };
        if let Some(kind) = self.kinds.get_mut(number as usize) {
            kind.count += 1;
        }
        number
    }
}

impl PartialEq for Rows {
    /// The same rows, however their kinds are numbered.
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Rows {}

#[cfg(test)]
impl std::ops::Index<usize> for Rows {
    type Output = Row;

    fn index(&self, row: usize) -> &Row {
        self.get(row).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(a: i64) -> Row {
        Row { a, ..Row::default() }
    }

    #[test]
    fn rows_are_those_that_were_pushed_and_replaced_and_kinds_are_those_in_use() {
        let (mut rows, mut plain) = (Rows::default(), Vec::new());
        for step in 0..200u32 {
            let stated = row(i64::from(step * step % 7));
            rows.push(stated);
            plain.push(stated);
        }
        for (place, a) in [(0, 9), (1, 9), (50, 0), (199, 10), (199, 11)] {
            rows.replace(place, row(a));
            plain[place] = row(a);
        }
        rows.replace(200, row(12));
        assert!(rows.iter().eq(&plain));
        assert!(rows.iter().rev().eq(plain.iter().rev()));
        assert_eq!((rows.len(), rows.get(199), rows.get(200)), (200, Some(&row(11)), None));
        let mut kinds: Vec<(i64, u64)> = rows.kinds().map(|(row, count)| (row.a, count)).collect();
        kinds.sort_unstable();
        let mut expected: Vec<(i64, u64)> = Vec::new();
        let mut sorted: Vec<i64> = plain.iter().map(|row| row.a).collect();
        sorted.sort_unstable();
        for a in sorted {
            match expected.last_mut() {
                Some((last, count)) if *last == a => *count += 1,
                _ => expected.push((a, 1)),
            }
        }
        assert_eq!(kinds, expected);
    }

    #[test]
    fn rows_are_equal_if_they_state_the_same() {
        let of = |values: &[i64]| {
            let mut rows = Rows::default();
            values.iter().for_each(|a| rows.push(row(*a)));
            rows
        };
        let mut replaced = of(&[5, 2, 3]);
        replaced.replace(0, row(1));
        replaced.finish();
        assert_eq!(replaced, of(&[1, 2, 3]));
        assert_ne!(replaced, of(&[1, 2]));
        assert_ne!(replaced, of(&[1, 3, 2]));
    }
}
