use circuits::circuit::InferenceCircuit;
use circuits::layout::{Plan, choose};
use circuits::model::random::{Limits, Model};
use halo2_proofs::halo2curves::ff::{Field, PrimeField};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::engine::copies::{columns_each, copied};

const ROWS: usize = 96;

type Table<'a> = dyn Fn(Source, usize) -> Fr + 'a;

/// What halo2's expressions say on a row.
fn gates(system: &ConstraintSystem<Fr>, challenges: &[Fr], column: &Table<'_>, row: usize) -> Vec<Fr> {
    let at = |rotation: i32| (row + rotation as usize) % ROWS;
    let value = |constraint: &Expression<Fr>| {
        constraint.evaluate(
            &|number| number,
            &|_| unreachable!(),
            &|query| column(Source::Fixed(query.column_index()), at(query.rotation().0)),
            &|query| column(Source::Advice(query.column_index()), at(query.rotation().0)),
            &|query| column(Source::Instance(query.column_index()), at(query.rotation().0)),
            &|challenge| challenges[challenge.index()],
            &|value| -value,
            &|left, right| left + right,
            &|left, right| left * right,
            &|value, factor| value * factor,
        )
    };
    system.gates().iter().flat_map(|gate| gate.polynomials()).map(value).collect()
}

/// What the permutation argument says on a row (PLONK, section 5.2, with several products).
fn copy_constraints(system: &ConstraintSystem<Fr>, challenges: Challenges, column: &Table<'_>, row: usize) -> Vec<Fr> {
    let Challenges { beta, gamma } = challenges;
    let (columns, each) = (copied(system), columns_each(system));
    let sets: Vec<Vec<(usize, Source)>> =
        columns.into_iter().enumerate().collect::<Vec<_>>().chunks(each).map(<[_]>::to_vec).collect();
    let [next, passed] = [(row + 1) % ROWS, (row + ROWS - system.blinding_factors() - 1) % ROWS];
    let product = |set, row| column(Source::Product(set), row);
    let [first, last, active, place] =
        [Source::First, Source::Last, Source::Active, Source::Place].map(|source| column(source, row));
    let Some(end) = sets.len().checked_sub(1) else { return vec![] };
    let mut all =
        vec![(Fr::ONE - product(0, row)) * first, (product(end, row) * product(end, row) - product(end, row)) * last];
    all.extend((1..sets.len()).map(|set| (product(set, row) - product(set - 1, passed)) * first));
    all.extend(sets.iter().enumerate().map(|(set, columns)| {
        let (mut left, mut right) = (product(set, next), product(set, row));
        for (index, source) in columns {
            let cell = column(*source, row) + gamma;
            left *= beta * column(Source::Position(*index), row) + cell;
            right *= beta * place * Fr::DELTA.pow_vartime([*index as u64]) + cell;
        }
        (left - right) * active
    }));
    all
}

/// Every row of random columns, against halo2's expressions; more rows than a stretch, and not a multiple.
#[test]
fn a_program_says_what_the_constraints_say() {
    let mut generator = ChaCha20Rng::seed_from_u64(1);
    let mut tried = 0;
    for seed in 0..12 {
        let model = Model::graph_from_seed(seed, &Limits::circuit());
        let Ok(layout) = choose(&model.graph) else { continue };
        let plan = Plan::new(&model.graph.with_layout(layout).unwrap()).unwrap();
        let mut system = ConstraintSystem::default();
        InferenceCircuit::configure_shape(&mut system, plan.shape());
        let mut random = |count: usize| -> Vec<Fr> { (0..count).map(|_| Fr::random(&mut generator)).collect() };
        let challenges = random(system.num_challenges());
        let [y, beta, gamma] = [0; 3].map(|_| random(1)[0]);
        let copies = Challenges { beta, gamma };
        let program = Program::new(&system, &challenges, copies, y);
        let mut columns: Vec<Vec<Fr>> = program.sources().iter().map(|_| random(ROWS)).collect();
        // The largest number and the least, in every column.
        columns.iter_mut().for_each(|column| (column[3], column[4]) = (-Fr::ONE, Fr::ZERO));
        let column = |source: Source, row: usize| {
            columns[program.sources().iter().position(|other| *other == source).unwrap()][row]
        };
        let expected: Vec<Fr> = (0..ROWS)
            .map(|row| {
                let gates = gates(&system, &challenges, &column, row);
                let all = gates.into_iter().chain(copy_constraints(&system, copies, &column, row));
                all.fold(Fr::ZERO, |total, value| total * y + value)
            })
            .collect();

        let mut registers = program.registers();
        let mut results = vec![Fr::ZERO; ROWS];
        for (stretch, results) in results.chunks_mut(plain::STRETCH).enumerate() {
            program.run(&columns, stretch * plain::STRETCH, &mut registers, results);
        }
        assert_eq!(results, expected, "seed {seed}");
        #[cfg(target_arch = "x86_64")]
        if ::lanes::supported() {
            assert_eq!(
                eight_at_once(&program, &columns, Fr::from(5)),
                expected.iter().map(|value| *value * Fr::from(5)).collect::<Vec<_>>()
            );
        }
        tried += 1;
    }
    assert!(tried > 5);
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "the caller found the processor's features")]
fn eight_at_once(program: &Program, columns: &[Vec<Fr>], scale: Fr) -> Vec<Fr> {
    use ::lanes::{LANES, Lanes, Vector};

    #[target_feature(enable = "avx512f,avx512dq,avx512ifma")]
    fn vectors(column: &[Fr]) -> Vec<Vector> {
        column.as_chunks::<LANES>().0.iter().map(|elements| Lanes::<Fr>::scaled(elements)).collect()
    }

    let wide = lanes::Wide::new(program, scale);
    let turned = |(column, turn): &(usize, i64)| {
        let mut rows = columns[*column].clone();
        rows.rotate_left(turn.rem_euclid(ROWS as i64) as usize);
        // SAFETY: the caller found the features.
        unsafe { vectors(&rows) }
    };
    let views: Vec<Vec<Vector>> = wide.views().iter().map(turned).collect();
    let views: Vec<&[Vector]> = views.iter().map(Vec::as_slice).collect();
    let mut registers = wide.registers();
    let mut results = vec![Fr::ZERO; ROWS];
    for (stretch, results) in results.chunks_mut(lanes::STRETCH * LANES).enumerate() {
        wide.run(&views, stretch * lanes::STRETCH, &mut registers, results);
    }
    results
}
