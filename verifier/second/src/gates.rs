//! The constraints of the circuit, each as the tree and in the order of reading that the specification writes down.

use ark_bn254::Fr;
use circuits::layout::Shape;
use circuits::layout::fixed::Role;
use circuits::layout::tape::Power;

use crate::expression::Expression;
use crate::system::{Linear, Lookup, Shared, System};

const A: usize = 0;
const B: usize = 1;
const C: usize = 2;

pub(crate) fn all(system: &mut System, shape: &Shape) -> Vec<Expression> {
    let mut gates = arithmetic(system);
    if let Some(linear) = system.linear.clone() {
        gates.push(accumulators(system, &linear));
        gates.extend(stretch_ends(system, &linear));
        gates.extend(chain(system, &linear, shape));
        if let Some(shared) = &linear.shared {
            gates.extend(shared_steps(system, &linear, shared, shape));
            gates.extend(shared_ends(system, shared));
        }
    }
    if let Some(lookup) = system.lookup.clone() {
        if let Some(linear) = system.linear.clone() {
            gates.extend(entries(system, &linear, &lookup).into_iter().flatten());
        }
        if !lookup.sums.is_empty() {
            gates.extend(lookup_steps(system, &lookup));
            gates.extend(lookup_ends(system, &lookup));
        }
    }
    gates
}

fn sum(terms: impl IntoIterator<Item = Option<Expression>>) -> Option<Expression> {
    terms.into_iter().flatten().reduce(|sum, term| sum + term)
}

/// A coefficient times a cell of a lane.
fn multiple(system: &mut System, role: Role, lane: usize, slot: usize, rotation: usize) -> Option<Expression> {
    let role = system.role(role)?;
    Some(role * system.data(lane, slot, rotation))
}

/// `L`
fn form(system: &mut System, lane: usize) -> Option<Expression> {
    let product = system.role(Role::Product).map(|role| role * system.data(lane, A, 0) * system.data(lane, B, 0));
    let [a, b, c] =
        [(Role::A, A), (Role::B, B), (Role::C, C)].map(|(role, slot)| multiple(system, role, lane, slot, 0));
    let constant = system.role(Role::Constant);
    sum([product, a, b, c, constant])
}

/// `a_ x + constant`
fn operand(system: &mut System, lane: usize, slot: usize) -> Option<Expression> {
    let multiple = multiple(system, Role::A, lane, slot, 0);
    let constant = system.role(Role::Constant);
    sum([multiple, constant])
}

/// `sum_lane base^lane value(lane)`, from the last lane.
fn combined(
    system: &mut System,
    base: &Expression,
    value: impl Fn(&mut System, usize) -> Option<Expression>,
) -> Option<Expression> {
    let lanes = (0..system.lanes).rev();
    let values: Vec<Expression> = lanes.filter_map(|lane| value(system, lane)).collect();
    values.into_iter().reduce(|sum, value| sum * base.clone() + value)
}

// spec: circuits#arithmetic
fn arithmetic(system: &mut System) -> Vec<Expression> {
    if system.roles.iter().all(|(role, _)| *role != Role::Zero) {
        return Vec::new();
    }
    let lanes = 0..system.lanes;
    let lane = |lane| {
        let form = form(system, lane);
        let next_a = multiple(system, Role::NextA, lane, A, 1);
        let next_c = multiple(system, Role::NextC, lane, C, 1);
        let zero = system.role(Role::Zero)?;
        Some(zero * sum([form, next_a, next_c])?)
    };
    lanes.filter_map(lane).collect()
}

// spec: circuits#linear
fn accumulators(system: &mut System, linear: &Linear) -> Expression {
    let [active, ..] = system.marks;
    let active = system.fixed(active);
    let r = Expression::Challenge(linear.r);
    let sum = system.advice(linear.sum, 0);
    let mut step = system.advice(linear.sum, 1) - sum.clone();
    if let Some(output) = system.role(Role::Output) {
        let taken = combined(system, &r, form);
        let shifted = (r.power(system.lanes) - Expression::Constant(Fr::from(1))) * sum;
        step = step - output * taken.map_or(shifted.clone(), |taken| taken + shifted);
    }
    if let Some(role) = system.role(Role::Operand) {
        for (lane, weights) in linear.weights.iter().enumerate() {
            if let Some(operand) = operand(system, lane, A) {
                step = step + role.clone() * system.advice(*weights, 0) * operand;
            }
        }
    }
    if let (Some(role), Some(chain), Some(weights)) =
        (system.role(Role::ChainOperand), linear.chain, linear.weights.first())
    {
        step = step + system.advice(*weights, 0) * role * system.advice(chain, 0);
    }
    active * step
}

// spec: circuits#linear
fn stretch_ends(system: &mut System, linear: &Linear) -> Option<Expression> {
    let sum = system.advice(linear.sum, 0);
    Some(system.role(Role::Bound)? * sum)
}

// spec: circuits#chain
fn chain(system: &mut System, linear: &Linear, shape: &Shape) -> Option<Expression> {
    let column = linear.chain?;
    let [active, ..] = system.marks;
    let active = system.fixed(active);
    let r = Expression::Challenge(linear.r);
    let chain = system.advice(column, 0);
    let mut step = system.advice(column, 1);
    for (class, power) in shape.chain_powers().iter().enumerate() {
        let z = match (power, &linear.shared) {
            (Power::Row(exponent), _) => r.power(*exponent),
            (Power::Position, Some(shared)) => Expression::Challenge(shared.rho),
            (Power::Position, None) => continue,
        };
        if let Some(take) = system.role(Role::Take(class))
            && let Some(taken) = combined(system, &z, |system, lane| operand(system, lane, A))
        {
            step = step - take * taken;
        }
        if let Some(carry) = system.role(Role::Carry(class)) {
            step = step - carry * z.power(system.lanes) * chain.clone();
        }
        if let Some(role) = system.role(Role::Result(class))
            && let Some(taken) = combined(system, &z, |system, lane| Some(result(system, lane)))
        {
            step = step - role * taken;
        }
        if let Some(role) = system.role(Role::Square(class)) {
            let square = |system: &mut System, lane| {
                let result = result(system, lane);
                Some(result.clone() * result)
            };
            if let Some(taken) = combined(system, &z, square) {
                step = step - role * taken;
            }
        }
    }
    for (class, (single, length)) in shape.slides().iter().enumerate() {
        let Some(slide) = system.role(Role::Slide(class)) else { continue };
        if let (Some(new), Some(old)) = (operand(system, 0, A), operand(system, 0, B)) {
            step = step - slide * (r.power(*single) * chain.clone() - r.power(*length) * old + new);
        }
    }
    Some(active * step)
}

/// `b + rest`
fn result(system: &mut System, lane: usize) -> Expression {
    let rest = system.role(Role::Rest);
    let cell = system.data(lane, B, 0);
    rest.map_or(cell.clone(), |rest| cell + rest)
}

// spec: circuits#shared
fn shared_steps(system: &mut System, linear: &Linear, shared: &Shared, shape: &Shape) -> [Expression; 2] {
    let one = || Expression::Constant(Fr::from(1));
    let [active, ..] = system.marks;
    let active = system.fixed(active);
    let [r, rho] = [linear.r, shared.rho].map(Expression::Challenge);
    let below = system.advice(shared.outputs, 1);
    let mut outputs = system.advice(shared.outputs, 0) - below.clone();
    if let Some(role) = system.role(Role::SharedOutput) {
        let accumulators = combined(system, &rho, form);
        let shift = (r.clone() - one()) * below;
        outputs = outputs - role * accumulators.map_or(shift.clone(), |taken| taken + shift);
    }
    let mut met = system.advice(shared.operands, 1);
    if let (Some(role), Some(weights)) = (system.role(Role::Weighted), linear.weights.first()) {
        met = met + role * system.advice(*weights, 0) * system.advice(shared.guest, 0);
    }
    if let Some(role) = system.role(Role::Alone) {
        met = met + role * system.advice(shared.guest, 0);
    }
    if let Some(role) = system.role(Role::Met) {
        met = met + role * system.advice(shared.guest, 0) * system.advice(shared.guest, 1);
    }
    let mut scale = one();
    for (class, outputs) in shape.turns().iter().enumerate() {
        if let Some(role) = system.role(Role::Turn(class)) {
            scale = scale + role * (r.power(*outputs) - one());
        }
    }
    let operands = system.advice(shared.operands, 0) - scale * met;
    [active.clone() * outputs, active * operands]
}

// spec: circuits#shared
fn shared_ends(system: &mut System, shared: &Shared) -> [Expression; 3] {
    let [_, first, last] = system.marks;
    let [first, last] = [first, last].map(|column| system.fixed(column));
    let [outputs, operands] = [shared.outputs, shared.operands].map(|column| system.advice(column, 0));
    [first * (outputs.clone() - operands.clone()), last.clone() * outputs, last * operands]
}

// spec: circuits#entries
fn entries(system: &mut System, linear: &Linear, lookup: &Lookup) -> Option<[Expression; 3]> {
    let [uses, sum] = lookup.entries?;
    let (chain, weights) = (linear.chain?, *linear.weights.first()?);
    let [active, first, last] = system.marks;
    let active = system.fixed(active);
    let [look, entry] = [system.role(Role::Look)?, system.role(Role::Entry)?];
    let [beta, gamma] = [lookup.beta, lookup.gamma].map(Expression::Challenge);
    let number = operand(system, 0, A)?;
    let looked = beta.clone() + (number.clone() + gamma.clone() * system.advice(chain, 0));
    let listed = beta + (entry.clone() + gamma * system.advice(weights, 0));
    let difference = system.advice(sum, 1) - system.advice(sum, 0);
    let used = look * number * listed.clone();
    let held = system.advice(uses, 0) * entry * looked.clone();
    let step = active * (difference * looked * listed - (used - held));
    let [first, last] = [first, last].map(|column| system.fixed(column));
    let sum = system.advice(sum, 0);
    Some([step, first * sum.clone(), last * sum])
}

struct Fraction {
    numerator: Expression,
    denominator: Expression,
}

// spec: circuits#lookup
fn lookup_steps(system: &mut System, lookup: &Lookup) -> Vec<Expression> {
    let [active, ..] = system.marks;
    let active = system.fixed(active);
    let fractions = fractions(system, lookup);
    let mut gates = Vec::new();
    for (group, column) in fractions.chunks(3).zip(&lookup.sums) {
        let difference = system.advice(*column, 1) - system.advice(*column, 0);
        let all = denominators(group, None).map_or(difference.clone(), |all| difference * all);
        let terms = group.iter().enumerate().map(|(own, fraction)| {
            let numerator = fraction.numerator.clone();
            Some(denominators(group, Some(own)).map_or(numerator.clone(), |others| numerator * others))
        });
        gates.push(active.clone() * (all - sum(terms).unwrap_or(Expression::Constant(Fr::from(0)))));
    }
    gates
}

fn denominators(group: &[Fraction], omitted: Option<usize>) -> Option<Expression> {
    let kept = group.iter().enumerate().filter(|(place, _)| Some(*place) != omitted);
    kept.map(|(_, fraction)| fraction.denominator.clone()).reduce(|product, factor| product * factor)
}

fn fractions(system: &mut System, lookup: &Lookup) -> Vec<Fraction> {
    let [beta, gamma] = [lookup.beta, lookup.gamma].map(Expression::Challenge);
    let square = gamma.clone() * gamma.clone();
    let mut fractions = Vec::new();
    if let Some(tag) = system.role(Role::Pair) {
        for lane in 0..system.lanes {
            let tuple =
                system.data(lane, A, 0) + gamma.clone() * system.data(lane, B, 0) + square.clone() * tag.clone();
            fractions.push(Fraction { numerator: tag.clone(), denominator: beta.clone() + tuple });
        }
    }
    if let Some(tag) = system.role(Role::Range) {
        for lane in 0..system.lanes {
            let tuple = system.data(lane, C, 0) + square.clone() * tag.clone();
            fractions.push(Fraction { numerator: tag.clone(), denominator: beta.clone() + tuple });
        }
    }
    for (columns, multiplicity) in lookup.tables.iter().zip(&lookup.multiplicities) {
        let [tag, first, second] = columns.map(|column| system.fixed(column));
        let tuple = first + gamma.clone() * second + square.clone() * tag.clone();
        let numerator = -(system.advice(*multiplicity, 0) * tag);
        fractions.push(Fraction { numerator, denominator: beta.clone() + tuple });
    }
    fractions
}

// spec: circuits#lookup
fn lookup_ends(system: &mut System, lookup: &Lookup) -> Vec<Expression> {
    let [_, first, last] = system.marks;
    let [first, last] = [first, last].map(|column| system.fixed(column));
    let sums: Vec<Expression> = lookup.sums.iter().map(|column| system.advice(*column, 0)).collect();
    let all = sum(sums.iter().cloned().map(Some)).unwrap_or(Expression::Constant(Fr::from(0)));
    let starts = sums.into_iter().map(|sum| first.clone() * sum);
    starts.chain([last * all]).collect()
}
