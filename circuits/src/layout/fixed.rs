//! The fixed columns of a tape: one for each thing that some row states, and none that is zero throughout.
//!
//! A circuit without products has no column for their coefficients, and so on: a fixed column costs every proof its
//! transforms, and a column of zeros commits to the identity, which the transcript refuses.

use super::tape::{Chain, Guest, Row, Tape};

/// What a fixed column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// [`Row::product`]
    Product,
    /// [`Row::a`]
    A,
    /// [`Row::b`]
    B,
    /// [`Row::c`]
    C,
    /// [`Row::constant`]
    Constant,
    /// [`Row::next_a`]
    NextA,
    /// [`Row::next_c`]
    NextC,
    /// [`Row::zero`]
    Zero,
    /// [`Row::output`]
    Output,
    /// [`Row::operand`]
    Operand,
    /// [`Row::chain_operand`]
    ChainOperand,
    /// [`Row::bound`]
    Bound,
    /// [`Row::pair`]
    Pair,
    /// [`Row::range`]
    Range,
    /// 1 where H takes in operands with the powers of this class.
    Take(usize),
    /// 1 where H is carried on by this class.
    Carry(usize),
    /// 1 where H's window moves on by this class.
    Slide(usize),
    /// [`Row::rest`]
    Rest,
    /// [`Row::shared_output`]
    SharedOutput,
    /// 1 where H takes in column b with the powers of this class.
    Result(usize),
    /// 1 where H takes in the squares of column b with the powers of this class.
    Square(usize),
    /// 1 where G meets a committed weight.
    Weighted,
    /// 1 where G counts by itself.
    Alone,
    /// 1 where G meets the next G.
    Met,
    /// 1 where a stretch of this class begins.
    Turn(usize),
    /// [`Row::look`]
    Look,
    /// [`Row::entry`]
    Entry,
}

/// The integer that a row states in a role.
#[must_use]
pub fn content(row: &Row, role: Role) -> i128 {
    match role {
        Role::Product => i128::from(row.product),
        Role::A => i128::from(row.a),
        Role::B => i128::from(row.b),
        Role::C => i128::from(row.c),
        Role::Constant => row.constant,
        Role::NextA => i128::from(row.next_a),
        Role::NextC => i128::from(row.next_c),
        Role::Zero => i128::from(row.zero),
        Role::Output => i128::from(row.output),
        Role::Operand => i128::from(row.operand),
        Role::ChainOperand => i128::from(row.chain_operand),
        Role::Bound => i128::from(row.bound),
        Role::Pair => i128::from(row.pair),
        Role::Range => i128::from(row.range),
        Role::Take(class) => {
            i128::from(row.chain == Some(Chain::Start(class)) || row.chain == Some(Chain::Continue(class)))
        }
        Role::Carry(class) => i128::from(row.chain == Some(Chain::Continue(class))),
        Role::Slide(class) => i128::from(row.chain == Some(Chain::Slide(class))),
        Role::Rest => i128::from(row.rest),
        Role::SharedOutput => i128::from(row.shared_output),
        Role::Result(class) => i128::from(row.chain == Some(Chain::Result(class))),
        Role::Square(class) => i128::from(row.chain == Some(Chain::Square(class))),
        Role::Weighted => i128::from(row.guest == Some(Guest::Weighted)),
        Role::Alone => i128::from(row.guest == Some(Guest::Alone)),
        Role::Met => i128::from(row.guest == Some(Guest::Pair)),
        Role::Turn(class) => i128::from(row.turn == Some(class)),
        Role::Look => i128::from(row.look),
        Role::Entry => i128::from(row.entry),
    }
}

/// Every role of a circuit with so many classes, in the order of the fixed columns.
// spec: circuits#columns
pub(super) fn all_roles(chains: usize, slides: usize, turns: usize) -> impl Iterator<Item = Role> + Clone {
    let plain = [
        Role::Product,
        Role::A,
        Role::B,
        Role::C,
        Role::Constant,
        Role::NextA,
        Role::NextC,
        Role::Zero,
        Role::Output,
        Role::Operand,
        Role::ChainOperand,
        Role::Pair,
        Role::Range,
        Role::Bound,
    ];
    let carried = (0..chains).flat_map(|class| [Role::Take(class), Role::Carry(class)]);
    let slides = (0..slides).map(Role::Slide);
    let shared = [Role::Rest, Role::SharedOutput, Role::Weighted, Role::Alone, Role::Met];
    let taken = (0..chains).flat_map(|class| [Role::Result(class), Role::Square(class)]);
    let turns = (0..turns).map(Role::Turn);
    let all = plain.into_iter().chain(carried).chain(slides).chain(shared).chain(taken).chain(turns);
    all.chain([Role::Look, Role::Entry])
}

/// The roles that some row of the tape uses.
#[must_use]
pub fn roles(tape: &Tape) -> Vec<Role> {
    let all = all_roles(tape.chain_powers().len(), tape.slides().len(), tape.turns().len());
    // Without committed weights there is no sum to bound.
    let meant = all.filter(|role| *role != Role::Bound || !tape.blocks().is_empty());
    meant.filter(|role| tape.rows().kinds().any(|(row, _)| content(row, *role) != 0)).collect()
}

/// Number of fixed columns besides the table's: the roles', and those that mark the rows.
#[must_use]
pub fn used_columns(roles: &[Role]) -> usize {
    roles.len() + 3
}
