//! The gates' constraints as one list of steps.
//!
//! halo2's gates are trees, in which whatever is used twice stands twice: selectors, indicators, the powers of a challenge,
//! sums that several rows' gates share. A proof asks for the value of all of them at one point, so each part is worked out
//! once. The list follows from the circuit alone and is made when the first proof under a key is read.
#![expect(clippy::arithmetic_side_effects, reason = "field arithmetic is total")]

use std::collections::HashMap;

use halo2_proofs::halo2curves::bn256::Fr;
use halo2_proofs::halo2curves::ff::Field;
use halo2_proofs::plonk::{Any, Column, ColumnType, ConstraintSystem, Expression};
use halo2_proofs::poly::Rotation;

/// Where a value is: messages of the proof come first, then the results of steps.
type Place = u32;

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    /// A number, by its place among the numbers.
    Number(u32),
    Sum(Place, Place),
    Difference(Place, Place),
    Product(Place, Place),
}

/// Steps, and where the results are.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// How many messages come first.
    inputs: usize,
    numbers: Vec<Fr>,
    steps: Vec<Step>,
    /// The gates' constraints, in their order.
    constraints: Vec<Place>,
    /// The cells of the copied columns, in their order.
    copied: Vec<Place>,
}

/// What a program is run on: the proof's challenges, and the values of its queries by kind of column.
pub(super) struct Inputs<'a> {
    pub(super) challenges: &'a [Fr],
    pub(super) fixed: &'a [Fr],
    pub(super) advice: &'a [Fr],
    pub(super) instance: &'a [Fr],
}

/// What it works out.
pub(super) struct Results {
    /// Value of each gate's constraint.
    pub(super) constraints: Vec<Fr>,
    /// Value of each copied column.
    pub(super) copied: Vec<Fr>,
}

impl Program {
    /// `None` if a gate reads a cell that is not among the circuit's queries, or a selector, of which there are none.
    pub(crate) fn new(system: &ConstraintSystem<Fr>) -> Option<Self> {
        let mut builder = Builder::new(system);
        let gates = system.gates().iter().flat_map(|gate| gate.polynomials());
        let constraints = gates.map(|polynomial| builder.of(polynomial)).collect::<Option<_>>()?;
        let columns = system.permutation().get_columns();
        let copied = columns.iter().map(|column| {
            let queries = match column.column_type() {
                Any::Advice(_) => &builder.advice,
                Any::Fixed => &builder.fixed,
                Any::Instance => &builder.instance,
            };
            queries.get(column.index(), 0)
        });
        let copied = copied.collect::<Option<_>>()?;
        let inputs = usize::try_from(builder.inputs).ok()?;
        Some(Self { inputs, numbers: builder.numbers, steps: builder.steps, constraints, copied })
    }

    /// `None` if there are not as many inputs as the circuit has.
    pub(super) fn run(&self, inputs: &Inputs<'_>) -> Option<Results> {
        let Inputs { challenges, fixed, advice, instance } = inputs;
        let mut values = [*challenges, fixed, advice, instance].concat();
        if values.len() != self.inputs {
            return None;
        }
        values.reserve(self.steps.len());
        let at = |values: &[Fr], place: Place| values.get(usize::try_from(place).ok()?).copied();
        for step in &self.steps {
            let value = match *step {
                Step::Number(number) => at(&self.numbers, number)?,
                Step::Sum(left, right) => at(&values, left)? + at(&values, right)?,
                Step::Difference(left, right) => at(&values, left)? - at(&values, right)?,
                Step::Product(left, right) => at(&values, left)? * at(&values, right)?,
            };
            values.push(value);
        }
        let results = |places: &[Place]| places.iter().map(|place| at(&values, *place)).collect::<Option<_>>();
        Some(Results { constraints: results(&self.constraints)?, copied: results(&self.copied)? })
    }
}

/// Places of queries, by column and rotation.
struct Queries(Vec<Vec<(i32, Place)>>);

impl Queries {
    /// Of queries that take the places from `next` on.
    fn new<T: ColumnType>(columns: usize, queries: &[(Column<T>, Rotation)], next: &mut Place) -> Self {
        let mut by_column = vec![Vec::new(); columns];
        for (column, rotation) in queries {
            if let Some(own) = by_column.get_mut(column.index()) {
                own.push((rotation.0, *next));
            }
            *next = next.saturating_add(1);
        }
        Self(by_column)
    }

    fn get(&self, column: usize, rotation: i32) -> Option<Place> {
        self.0.get(column)?.iter().find(|(own, _)| *own == rotation).map(|(_, place)| *place)
    }
}

/// A part of a constraint.
#[derive(Clone, Copy)]
enum Part {
    Value(Place),
    /// A challenge to a power. Constraints have products of thousands of times one challenge.
    Power(Place, u64),
}

/// Steps in the making.
struct Builder {
    challenges: Place,
    fixed: Queries,
    advice: Queries,
    instance: Queries,
    /// Messages of a proof, which precede the steps' results.
    inputs: Place,
    numbers: Vec<Fr>,
    number_places: HashMap<Fr, Place>,
    steps: Vec<Step>,
    known: HashMap<Step, Place>,
}

impl Builder {
    fn new(system: &ConstraintSystem<Fr>) -> Self {
        let challenges = place(system.num_challenges());
        let mut inputs = challenges;
        let fixed = Queries::new(system.num_fixed_columns(), system.fixed_queries(), &mut inputs);
        let advice = Queries::new(system.num_advice_columns(), system.advice_queries(), &mut inputs);
        let instance = Queries::new(system.num_instance_columns(), system.instance_queries(), &mut inputs);
        Self {
            challenges,
            fixed,
            advice,
            instance,
            inputs,
            numbers: Vec::new(),
            number_places: HashMap::new(),
            steps: Vec::new(),
            known: HashMap::new(),
        }
    }

    fn of(&mut self, expression: &Expression<Fr>) -> Option<Place> {
        let part = self.part(expression)?;
        Some(self.value(part))
    }

    fn part(&mut self, expression: &Expression<Fr>) -> Option<Part> {
        let place = match expression {
            Expression::Constant(number) => self.number(*number),
            Expression::Selector(_) => return None,
            Expression::Fixed(query) => self.fixed.get(query.column_index(), query.rotation().0)?,
            Expression::Advice(query) => self.advice.get(query.column_index(), query.rotation().0)?,
            Expression::Instance(query) => self.instance.get(query.column_index(), query.rotation().0)?,
            Expression::Challenge(challenge) => {
                let challenge = place(challenge.index());
                return (challenge < self.challenges).then_some(Part::Power(challenge, 1));
            }
            Expression::Negated(inner) => {
                let (zero, inner) = (self.number(Fr::ZERO), self.of(inner)?);
                self.take(Step::Difference(zero, inner))
            }
            Expression::Sum(left, right) => {
                let left = self.of(left)?;
                // A sum with a negation is a difference.
                if let Expression::Negated(right) = right.as_ref() {
                    let right = self.of(right)?;
                    self.take(Step::Difference(left, right))
                } else {
                    let right = self.of(right)?;
                    self.take(Step::Sum(left.min(right), left.max(right)))
                }
            }
            Expression::Product(left, right) => match (self.part(left)?, self.part(right)?) {
                (Part::Power(challenge, left), Part::Power(other, right)) if challenge == other => {
                    return Some(Part::Power(challenge, left.checked_add(right)?));
                }
                (left, right) => {
                    let (left, right) = (self.value(left), self.value(right));
                    self.product(left, right)
                }
            },
            Expression::Scaled(inner, factor) => {
                let (inner, factor) = (self.of(inner)?, self.number(*factor));
                self.product(inner, factor)
            }
        };
        Some(Part::Value(place))
    }

    fn value(&mut self, part: Part) -> Place {
        match part {
            Part::Value(place) => place,
            Part::Power(challenge, 1) => challenge,
            // By squares, each of which other powers use too.
            Part::Power(challenge, exponent) => {
                let half = self.value(Part::Power(challenge, (exponent / 2).max(1)));
                let square = self.product(half, half);
                if exponent % 2 == 0 { square } else { self.product(square, challenge) }
            }
        }
    }

    fn product(&mut self, left: Place, right: Place) -> Place {
        self.take(Step::Product(left.min(right), left.max(right)))
    }

    fn number(&mut self, number: Fr) -> Place {
        if let Some(place) = self.number_places.get(&number) {
            return *place;
        }
        let step = Step::Number(place(self.numbers.len()));
        self.numbers.push(number);
        let place = self.take(step);
        self.number_places.insert(number, place);
        place
    }

    /// Place of a step's result, which is worked out once.
    fn take(&mut self, step: Step) -> Place {
        let next = self.inputs.saturating_add(place(self.steps.len()));
        let steps = &mut self.steps;
        *self.known.entry(step).or_insert_with(|| {
            steps.push(step);
            next
        })
    }
}

/// Memory ends before places do.
fn place(index: usize) -> Place {
    Place::try_from(index).unwrap_or(Place::MAX)
}

#[cfg(test)]
mod tests {
    use halo2_proofs::plonk::ConstraintSystem;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;
    use crate::key::VerifyingKey;

    const KEYS: [&[u8]; 3] = [
        include_bytes!("../../tests/vectors/key-3.vk"),
        include_bytes!("../../tests/vectors/sequence-key-3.vk"),
        include_bytes!("../../tests/vectors/generated-key-3.vk"),
    ];

    /// Value of a query among values that are in the queries' order.
    fn queried<T: ColumnType>(
        queries: &[(Column<T>, Rotation)],
        values: &[Fr],
        column: usize,
        rotation: Rotation,
    ) -> Fr {
        let place = queries.iter().position(|(own, turned)| own.index() == column && *turned == rotation);
        values[place.unwrap()]
    }

    #[test]
    fn constraints_have_the_values_that_halo2_gives_them() {
        let mut generator = ChaCha20Rng::seed_from_u64(31);
        for key in KEYS {
            let key = VerifyingKey::from_bytes(key).unwrap();
            let system = key.halo2().cs();
            let mut random = |count: usize| -> Vec<Fr> { (0..count).map(|_| Fr::random(&mut generator)).collect() };
            let (challenges, fixed) = (random(system.num_challenges()), random(system.fixed_queries().len()));
            let (advice, instance) = (random(system.advice_queries().len()), random(system.instance_queries().len()));
            let inputs = Inputs { challenges: &challenges, fixed: &fixed, advice: &advice, instance: &instance };
            let program = Program::new(system).unwrap();
            let found = program.run(&inputs).unwrap();
            let expected = system.gates().iter().flat_map(|gate| gate.polynomials()).map(|polynomial| {
                polynomial.evaluate(
                    &|number| number,
                    &|_| panic!("no selectors"),
                    &|cell| queried(system.fixed_queries(), &fixed, cell.column_index(), cell.rotation()),
                    &|cell| queried(system.advice_queries(), &advice, cell.column_index(), cell.rotation()),
                    &|cell| queried(system.instance_queries(), &instance, cell.column_index(), cell.rotation()),
                    &|challenge| challenges[challenge.index()],
                    &|value| -value,
                    &|left, right| left + right,
                    &|left, right| left * right,
                    &|value, factor| value * factor,
                )
            });
            assert_eq!(found.constraints, expected.collect::<Vec<_>>());
            let columns = system.permutation().get_columns();
            let copied = columns.iter().map(|column| {
                let (index, here) = (column.index(), Rotation::cur());
                match column.column_type() {
                    Any::Advice(_) => queried(system.advice_queries(), &advice, index, here),
                    Any::Fixed => queried(system.fixed_queries(), &fixed, index, here),
                    Any::Instance => queried(system.instance_queries(), &instance, index, here),
                }
            });
            assert_eq!(found.copied, copied.collect::<Vec<_>>());
            let distinct: std::collections::HashSet<&Step> = program.steps.iter().collect();
            assert_eq!(distinct.len(), program.steps.len(), "nothing is worked out twice");
            // Nothing else takes a missing message's place.
            assert!(program.run(&Inputs { advice: &advice[1..], ..inputs }).is_none());
        }
    }

    #[test]
    fn powers_and_negations_are_what_they_say() {
        let mut system = ConstraintSystem::<Fr>::default();
        let column = system.advice_column();
        let challenge = system.challenge_usable_after(halo2_proofs::plonk::FirstPhase);
        system.create_gate("powers", |cells| {
            let (cell, challenge) = (cells.query_advice(column, Rotation::cur()), cells.query_challenge(challenge));
            let power = |exponent: usize| {
                vec![challenge.clone(); exponent].into_iter().reduce(|left, right| left * right).unwrap()
            };
            [1, 2, 7, 100].map(|exponent| power(exponent) * cell.clone() - (-cell.clone()) * Fr::from(3))
        });
        let program = Program::new(&system).unwrap();
        let (challenge, cell) = (Fr::from(5), Fr::from(11));
        let inputs = Inputs { challenges: &[challenge], fixed: &[], advice: &[cell], instance: &[] };
        let expected = [1, 2, 7, 100].map(|exponent| challenge.pow_vartime([exponent]) * cell + cell * Fr::from(3));
        assert_eq!(program.run(&inputs).unwrap().constraints, expected);
        assert!(program.run(&Inputs { challenges: &[], ..inputs }).is_none());
    }

    #[test]
    fn selectors_have_no_value() {
        let mut system = ConstraintSystem::<Fr>::default();
        let selector = system.selector();
        system.create_gate("selected", |cells| [cells.query_selector(selector)]);
        assert!(Program::new(&system).is_none());
    }
}
