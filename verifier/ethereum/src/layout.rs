//! What a contract is called with, word by word, and the order in which its transcript takes it.
//!
//! After the selector come the context's digest, the input, the output and the proof's elements, one word for each number and
//! scalar and two for each point: arguments of fixed size, so that every word has one place and the length is one number.

use std::ops::Range;

use circuits::circuit::DEGREE;
use circuits::model::range::Range as Bounds;
use halo2_proofs::plonk::ColumnType;
use halo2_proofs::poly::Rotation;
use verifier::key::VerifyingKey;

use crate::abi::SELECTOR_BYTES;
use crate::field::WORD;

/// Copied columns that share a product.
pub(crate) const COLUMNS_EACH: usize = DEGREE - 2;
/// Bytes of a point.
pub(crate) const POINT_BYTES: usize = 2 * WORD;
/// Bytes that a tag adds to a message of the transcript.
const TAG_BYTES: usize = 1;

/// A challenge by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Challenge {
    /// Of the circuit, by index.
    Circuit(usize),
    /// halo2's for lookups, of which there are none.
    Unused,
    Beta,
    Gamma,
    /// Combines the constraints.
    Y,
    /// Where everything is evaluated.
    X,
    /// Combines what is opened at the same points.
    OpeningY,
    /// Combines the sets of points.
    OpeningV,
    /// Where everything is opened.
    OpeningU,
    /// Combines the links of weight columns; depends on everything.
    Link,
}

/// What the transcript does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Takes so many points.
    Points(usize),
    /// Takes so many scalars.
    Scalars(usize),
    Draw(Challenge),
}

/// Values of one running product, as offsets in the calldata.
#[derive(Debug)]
pub(crate) struct ProductValues {
    pub(crate) here: usize,
    pub(crate) next: usize,
    pub(crate) passed_on: Option<usize>,
}

/// Where everything is.
#[derive(Debug)]
pub(crate) struct Layout {
    /// The context's digest.
    pub(crate) context: usize,
    pub(crate) input: Numbers,
    pub(crate) output: Numbers,
    /// Numbers of the output that the instance repeats behind the input: what a model generates and reads again.
    pub(crate) fed_back: Option<Numbers>,
    /// The proof's elements.
    pub(crate) elements: Range<usize>,
    pub(crate) steps: Vec<Step>,
    /// Place of each advice column's commitment among the points.
    pub(crate) advice: Vec<usize>,
    pub(crate) products: Range<usize>,
    pub(crate) masking: usize,
    pub(crate) pieces: Range<usize>,
    /// The opening's points: the quotient, and what is paired with the setup.
    pub(crate) opening: [usize; 2],
    /// Offset of the first of these values; they follow each other in the order of queries or columns.
    pub(crate) advice_values: usize,
    pub(crate) fixed_values: usize,
    pub(crate) masking_value: usize,
    pub(crate) position_values: usize,
    pub(crate) product_values: Vec<ProductValues>,
}

/// Numbers of a statement.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// Offsets in the calldata.
    pub(crate) at: Range<usize>,
    pub(crate) bounds: Bounds,
}

impl Numbers {
    pub(crate) fn count(&self) -> usize {
        self.at.len() / WORD
    }
}

/// Takes the next places.
struct Places {
    steps: Vec<Step>,
    points: usize,
    offset: usize,
}

impl Places {
    fn points(&mut self, count: usize) -> Range<usize> {
        self.steps.push(Step::Points(count));
        self.points += count;
        self.offset += count * POINT_BYTES;
        self.points - count..self.points
    }

    /// Offset of the first.
    fn scalars(&mut self, count: usize) -> usize {
        self.steps.push(Step::Scalars(count));
        self.offset += count * WORD;
        self.offset - count * WORD
    }

    fn draw(&mut self, challenge: Challenge) {
        self.steps.push(Step::Draw(challenge));
    }
}

impl Layout {
    pub(crate) fn new(key: &VerifyingKey) -> Self {
        let (graph, system) = (key.graph(), key.halo2().cs());
        let context = SELECTOR_BYTES;
        let numbers = |start: usize, count: u32, bounds: Bounds| {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            Numbers { at: start..start + count * WORD, bounds }
        };
        let width = graph.input().shape.iter().product();
        let input = numbers(context + WORD, width, graph.input().range);
        let output = numbers(input.at.end, graph.output().width(), graph.output().range);
        let start = output.at.end;
        let repeated = graph.generated().checked_sub(1);
        let fed_back = repeated.map(|count| numbers(output.at.start, count, graph.output().range));

        let mut places = Places { steps: Vec::new(), points: 0, offset: start };
        let (phases, challenge_phases) = (system.advice_column_phase(), system.challenge_phase());
        let mut advice = vec![0; phases.len()];
        for phase in 0..=phases.iter().copied().max().unwrap_or(0) {
            let own = advice.iter_mut().zip(&phases).filter(|(_, own)| **own == phase);
            let own: Vec<&mut usize> = own.map(|(place, _)| place).collect();
            let taken = places.points(own.len());
            own.into_iter().zip(taken).for_each(|(place, point)| *place = point);
            let drawn = challenge_phases.iter().enumerate().filter(|(_, own)| **own == phase);
            drawn.for_each(|(index, _)| places.draw(Challenge::Circuit(index)));
        }
        [Challenge::Unused, Challenge::Beta, Challenge::Gamma].into_iter().for_each(|challenge| places.draw(challenge));
        let copied = system.permutation().get_columns().len();
        let products = places.points(copied.div_ceil(COLUMNS_EACH));
        let masking = places.points(1).start;
        places.draw(Challenge::Y);
        let pieces = places.points(DEGREE - 1);
        places.draw(Challenge::X);
        let advice_values = places.scalars(system.advice_queries().len());
        let fixed_values = places.scalars(system.fixed_queries().len());
        let masking_value = places.scalars(1);
        let position_values = places.scalars(copied);
        let last = products.len().saturating_sub(1);
        let product_values = (0..products.len()).map(|own| {
            let [here, next] = [(); 2].map(|()| places.scalars(1));
            ProductValues { here, next, passed_on: (own < last).then(|| places.scalars(1)) }
        });
        let product_values = product_values.collect();
        [Challenge::OpeningY, Challenge::OpeningV].into_iter().for_each(|challenge| places.draw(challenge));
        let quotient = places.points(1).start;
        places.draw(Challenge::OpeningU);
        let opening = [quotient, places.points(1).start];
        places.draw(Challenge::Link);
        Self {
            context,
            input,
            output,
            fed_back,
            elements: start..places.offset,
            steps: merged(places.steps),
            advice,
            products,
            masking,
            pieces,
            opening,
            advice_values,
            fixed_values,
            masking_value,
            position_values,
            product_values,
        }
    }

    /// Bytes of a call.
    pub(crate) fn calldata_bytes(&self) -> usize {
        self.elements.end
    }

    /// Words of the proof's elements.
    pub(crate) fn element_words(&self) -> usize {
        self.elements.len() / WORD
    }

    /// Numbers of the instance: two of the context, then the statement's.
    pub(crate) fn instance(&self) -> usize {
        2 + self.numbers().map(Numbers::count).sum::<usize>()
    }

    /// The statement's numbers in the instance's order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = &Numbers> {
        std::iter::once(&self.input).chain(&self.fed_back).chain(std::iter::once(&self.output))
    }

    /// Where the proof's points are: runs of offsets in the calldata, in the order of the points.
    pub(crate) fn point_runs(&self) -> Vec<Range<usize>> {
        let mut runs: Vec<Range<usize>> = Vec::new();
        let mut at = self.elements.start;
        for step in &self.steps {
            match step {
                Step::Points(count) => {
                    let end = at + count * POINT_BYTES;
                    match runs.last_mut().filter(|run| run.end == at) {
                        Some(run) => run.end = end,
                        None => runs.push(at..end),
                    }
                    at = end;
                }
                Step::Scalars(count) => at += count * WORD,
                Step::Draw(_) => {}
            }
        }
        runs
    }

    /// Bytes of everything that the transcript takes, with the byte behind a challenge.
    pub(crate) fn transcript_bytes(&self) -> usize {
        // The key's hash, the fingerprint and the instance.
        let known = (2 + self.instance()) * (TAG_BYTES + WORD);
        let taken = self.steps.iter().map(|step| match step {
            Step::Points(count) => count * (TAG_BYTES + POINT_BYTES),
            Step::Scalars(count) => count * (TAG_BYTES + WORD),
            Step::Draw(_) => TAG_BYTES,
        });
        known + taken.sum::<usize>() + TAG_BYTES
    }
}

/// Neighbours of one kind as one step, and none that takes nothing.
fn merged(steps: Vec<Step>) -> Vec<Step> {
    let mut merged: Vec<Step> = Vec::new();
    for step in steps.into_iter().filter(|step| !matches!(step, Step::Points(0) | Step::Scalars(0))) {
        match (merged.last_mut(), step) {
            (Some(Step::Points(count)), Step::Points(more)) | (Some(Step::Scalars(count)), Step::Scalars(more)) => {
                *count += more;
            }
            _ => merged.push(step),
        }
    }
    merged
}

/// Place of a query in its list.
pub(crate) fn query<T: ColumnType>(
    queries: &[(halo2_proofs::plonk::Column<T>, Rotation)],
    column: usize,
    rotation: i32,
) -> Option<usize> {
    queries.iter().position(|(own, at)| own.index() == column && at.0 == rotation)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a challenge is to bind comes before it: the link's comes after everything, the opening's after what is opened.
    #[test]
    fn challenges_come_after_what_they_bind() {
        let key = VerifyingKey::from_bytes(include_bytes!("../../tests/vectors/key-2.vk")).unwrap();
        let layout = Layout::new(&key);
        let drawn = layout.steps.iter().filter_map(|step| match step {
            Step::Draw(challenge) => Some(*challenge),
            _ => None,
        });
        let expected = [
            Challenge::Circuit(0),
            Challenge::Circuit(1),
            Challenge::Circuit(2),
            Challenge::Unused,
            Challenge::Beta,
            Challenge::Gamma,
            Challenge::Y,
            Challenge::X,
            Challenge::OpeningY,
            Challenge::OpeningV,
            Challenge::OpeningU,
            Challenge::Link,
        ];
        assert_eq!(drawn.collect::<Vec<_>>(), expected);
        let last: [Step; 8] = *layout.steps.last_chunk().unwrap();
        let [Step::Draw(Challenge::X), Step::Scalars(_), opening @ ..] = last else { panic!("{last:?}") };
        let opening_expected = [
            Step::Draw(Challenge::OpeningY),
            Step::Draw(Challenge::OpeningV),
            Step::Points(1),
            Step::Draw(Challenge::OpeningU),
            Step::Points(1),
            Step::Draw(Challenge::Link),
        ];
        assert_eq!(opening, opening_expected);
    }
}
