//! Structural nodes: the origins of all elements, found once and kept as runs.
//!
//! Elements that follow one another usually come from places at equal distances (a row, a reversed row, a column, one
//! element again and again), so that a run stands for many origins and most copies are of whole slices.

use circuits::model::structure::Origin;

/// Elements that follow one another in the result.
#[derive(Debug, PartialEq, Eq)]
enum Run {
    /// Elements `start`, `start + step`, ... of an input.
    Copy { input: usize, start: usize, step: isize, length: usize },
    /// One constant.
    Fill { value: i64, length: usize },
}

/// What a structural node does.
pub(super) struct Movement {
    runs: Vec<Run>,
    /// Elements of the result.
    width: usize,
}

impl Movement {
    /// Joins origins that continue one another.
    pub(super) fn new(origins: &[Origin]) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for origin in origins {
            if !runs.last_mut().is_some_and(|run| run.extend(origin)) {
                runs.push(Run::new(origin));
            }
        }
        runs.shrink_to_fit();
        Self { runs, width: origins.len() }
    }

    /// The results for a batch of `items`.
    pub(super) fn run(&self, sources: &[&[i64]], items: usize) -> Vec<i64> {
        let mut results = Vec::with_capacity(items * self.width);
        for item in 0..items {
            for run in &self.runs {
                match *run {
                    Run::Fill { value, length } => results.extend(std::iter::repeat_n(value, length)),
                    Run::Copy { input, start, step, length } => {
                        let source = sources.get(input).copied().unwrap_or_default();
                        let width = source.len() / items;
                        copy(&source[item * width..][..width], start, step, length, &mut results);
                    }
                }
            }
        }
        results
    }

    /// Some elements of the results for one item, by their numbers in ascending order.
    pub(super) fn run_some(&self, sources: &[&[i64]], elements: &[usize]) -> Vec<i64> {
        let (mut number, mut first) = (0, 0);
        let one = |element: &usize| {
            while first + self.runs[number].length() <= *element {
                first += self.runs[number].length();
                number += 1;
            }
            self.runs[number].element(sources, element - first)
        };
        elements.iter().map(one).collect()
    }
}

impl Run {
    fn new(origin: &Origin) -> Self {
        match *origin {
            Origin::Element { input, element } => Self::Copy { input, start: element, step: 1, length: 1 },
            Origin::Constant(value) => Self::Fill { value, length: 1 },
        }
    }

    fn length(&self) -> usize {
        match self {
            Self::Copy { length, .. } | Self::Fill { length, .. } => *length,
        }
    }

    /// Element `place` of the run.
    fn element(&self, sources: &[&[i64]], place: usize) -> i64 {
        match *self {
            Self::Fill { value, .. } => value,
            Self::Copy { input, start, step, .. } => sources[input][start.strict_add_signed(step * place as isize)],
        }
    }

    /// Takes the origin in if it continues the run.
    fn extend(&mut self, origin: &Origin) -> bool {
        match (self, *origin) {
            (Self::Copy { input, start, step, length }, Origin::Element { input: other, element })
                if *input == other =>
            {
                if *length == 1 {
                    *step = element as isize - *start as isize;
                }
                let continues = *start as isize + *step * *length as isize == element as isize;
                *length += usize::from(continues);
                continues
            }
            (Self::Fill { value, length }, Origin::Constant(other)) if *value == other => {
                *length += 1;
                true
            }
            _ => false,
        }
    }
}

fn copy(source: &[i64], start: usize, step: isize, length: usize, results: &mut Vec<i64>) {
    match step {
        1 => results.extend_from_slice(&source[start..start + length]),
        0 => results.extend(std::iter::repeat_n(source[start], length)),
        2.. => results.extend(source[start..].iter().step_by(step.unsigned_abs()).take(length)),
        _ => results.extend(source[..=start].iter().rev().step_by(step.unsigned_abs()).take(length)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(places: &[usize]) -> Vec<Origin> {
        places.iter().map(|element| Origin::Element { input: 0, element: *element }).collect()
    }

    fn run(start: usize, step: isize, length: usize) -> Run {
        Run::Copy { input: 0, start, step, length }
    }

    #[test]
    fn equal_distances_are_one_run() {
        let runs = |places: &[usize]| Movement::new(&elements(places)).runs;
        assert_eq!(runs(&[0, 1, 2, 3]), [run(0, 1, 4)]);
        assert_eq!(runs(&[5, 3, 1]), [run(5, -2, 3)]);
        assert_eq!(runs(&[4, 4, 4, 0, 3, 6]), [run(4, 0, 3), run(0, 3, 3)]);
        assert_eq!(runs(&[2, 0, 1]), [run(2, -2, 2), run(1, 1, 1)]);
        let mixed = [Origin::Constant(7), Origin::Constant(7), Origin::Constant(8), elements(&[0])[0]];
        let fill = |value, length| Run::Fill { value, length };
        assert_eq!(Movement::new(&mixed).runs, [fill(7, 2), fill(8, 1), run(0, 1, 1)]);
        let other = [elements(&[0])[0], Origin::Element { input: 1, element: 1 }];
        assert_eq!(Movement::new(&other).runs.len(), 2);
    }

    #[test]
    fn some_elements_are_those_of_the_whole() {
        let mut origins = elements(&[3, 2, 1, 0, 0, 0, 1, 2, 3, 1, 3]);
        origins.splice(4..4, [Origin::Constant(7), Origin::Constant(7), Origin::Element { input: 1, element: 2 }]);
        let (movement, sources) = (Movement::new(&origins), [&[10, 11, 12, 13][..], &[20, 21, 22]]);
        let whole = movement.run(&sources, 1);
        for some in [vec![], vec![0], vec![13], vec![2, 4, 5, 6, 9], (0..14).collect()] {
            let expected: Vec<i64> = some.iter().map(|element: &usize| whole[*element]).collect();
            assert_eq!(movement.run_some(&sources, &some), expected, "{some:?}");
        }
    }

    #[test]
    fn runs_give_back_every_origin_for_every_item() {
        let places = [3, 2, 1, 0, 0, 0, 1, 2, 3, 1, 3, 3, 0, 2];
        let source = [10, 11, 12, 13, 20, 21, 22, 23];
        let expected =
            places.iter().map(|place| 10 + *place as i64).chain(places.iter().map(|place| 20 + *place as i64));
        assert_eq!(Movement::new(&elements(&places)).run(&[&source], 2), expected.collect::<Vec<_>>());
    }
}
