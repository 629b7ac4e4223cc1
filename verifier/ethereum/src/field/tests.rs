use revm::context::TxEnv;
use revm::database::{CacheDB, EmptyDB};
use revm::primitives::{Address, Bytes, TxKind};
use revm::state::{AccountInfo, Bytecode};
use revm::{Context, ExecuteEvm as _, MainBuilder as _, MainContext as _};

use super::*;

/// What code returns when it is called with this.
fn run(code: Vec<u8>, calldata: Vec<u8>) -> Vec<u8> {
    let contract = Address::repeat_byte(0xc0);
    let mut database = CacheDB::<EmptyDB>::default();
    let code = Bytecode::new_raw(Bytes::from(code));
    database.insert_account_info(contract, AccountInfo::default().with_code(code));
    let call = TxEnv::builder().kind(TxKind::Call(contract)).data(Bytes::from(calldata)).gas_limit(1 << 24);
    let answer = Context::mainnet().with_db(database).build_mainnet().transact(call.gas_price(0).build().unwrap());
    answer.unwrap().result.into_output().unwrap().to_vec()
}

/// A tree as wide as it is high has more operands that wait than the stack's reach.
#[test]
fn high_trees_are_computed() {
    let mut code = Code::default();
    code.word(&order()).name(ORDER);
    let mut field = Field::new(code, 0x400);
    let leaves = (1..=1u64 << 11).map(|own| {
        let (read, own) = (field.calldata(0), Fr::from(own));
        let constant = field.constant(own);
        (field.sum(read, constant), own + Fr::from(7))
    });
    let mut level: Vec<(Value, Fr)> = leaves.collect();
    let mut round = 0;
    while level.len() > 1 {
        round += 1;
        let pairs = level.chunks(2).map(|pair| {
            let ((left, of_left), (right, of_right)) = (pair[0], pair[1]);
            if round % 2 == 0 {
                (field.sum(left, right), of_left + of_right)
            } else {
                (field.product(left, right), of_left * of_right)
            }
        });
        level = pairs.collect();
    }
    let (value, expected) = level[0];
    field.store(value, 0);
    field.code.number(WORD).number(0).op(Op::Return);
    let answer = run(field.code.assemble().unwrap().bytes, word(&Fr::from(7)).to_vec());
    assert_eq!(answer, word(&expected));
}

#[test]
fn powers_by_squaring_are_computed() {
    let mut code = Code::default();
    code.word(&order()).name(ORDER);
    let mut field = Field::new(code, 0x400);
    let base = field.calldata(0);
    let power = (0..40).fold(base, |power, _| field.product(power, power));
    field.store(power, 0);
    field.code.number(WORD).number(0).op(Op::Return);
    let expected = (0..40).fold(Fr::from(7), |power, _| power.square());
    let answer = run(field.code.assemble().unwrap().bytes, word(&Fr::from(7)).to_vec());
    assert_eq!(answer, word(&expected));
}

/// Long chains and wide trees of sums, products and negations over a few numbers, from a small generator.
#[test]
fn code_computes_what_was_written_down() {
    let inputs: Vec<Fr> = (0..8u64).map(|own| -Fr::from(own * own * own)).collect();
    let calldata: Vec<u8> = inputs.iter().flat_map(word).collect();
    for seed in 1..40u64 {
        let mut state = seed;
        let mut draw = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below
        };
        let mut code = Code::default();
        code.word(&order()).name(ORDER);
        let mut field = Field::new(code, 0x400);
        let offsets = (0..inputs.len()).map(|own| field.calldata(own * WORD)).collect::<Vec<_>>();
        let mut known: Vec<(Value, Fr)> = offsets.into_iter().zip(inputs.iter().copied()).collect();
        known.push((field.constant(Fr::from(seed)), Fr::from(seed)));
        known.push((field.held(-Fr::from(seed)), -Fr::from(seed)));
        for step in 0..200 {
            // Now and then on the last value, which makes chains, and else on any, which shares values.
            let first = if draw(3) > 0 { known.len() - 1 } else { draw(known.len()) };
            let ((left, of_left), (right, of_right)) = (known[first], known[draw(known.len())]);
            known.push(match draw(5) {
                0 => (field.negated(left), -of_left),
                1 | 2 => (field.sum(left, right), of_left + of_right),
                3 => (field.difference(left, right), of_left - of_right),
                _ => (field.product(left, right), of_left * of_right),
            });
            if step % 50 == 49 {
                let (last, _) = known[known.len() - 1];
                field.keep(last);
            }
        }
        let (mut last, mut expected) = known[known.len() - 1];
        // A value may be the order itself, for zero: the last operation is one that reduces.
        last = field.sum(last, known[0].0);
        expected += known[0].1;
        field.store(last, 0);
        field.code.number(WORD).number(0).op(Op::Return);
        assert_eq!(run(field.code.assemble().unwrap().bytes, calldata.clone()), word(&expected), "seed {seed}");
    }
}
