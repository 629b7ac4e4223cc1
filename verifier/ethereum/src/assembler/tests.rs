use super::*;

fn failure(write: impl FnOnce(&mut Code)) -> AssemblyError {
    let mut code = Code::default();
    write(&mut code);
    code.assemble().err().unwrap()
}

#[test]
fn names_become_positions() {
    let mut code = Code::default();
    code.number(0).name("deep").number(256).name("top").get("deep").set("top");
    assert_eq!(code.assemble().unwrap().bytes, [0x5f, 0x61, 1, 0, 0x81, 0x90, 0x50]);
}

#[test]
fn labels_become_places() {
    let mut code = Code::default();
    let (end, data) = (code.label(), code.label());
    code.reference(data).op(Op::Pop).number(1).jump_if(end).target(end);
    code.data(data, &[0xaa]);
    let code = code.assemble().unwrap();
    assert_eq!(code.bytes, [0x61, 0, 11, 0x50, 0x60, 1, 0x61, 0, 10, 0x57, JUMPDEST, 0xaa]);
    assert_eq!(code.place(data), Some(11));
}

#[test]
fn words_deeper_than_instructions_reach_are_refused() {
    let deep = |above: usize, read: fn(&mut Code)| {
        let mut code = Code::default();
        code.number(0).name("deep");
        (0..above).for_each(|_| {
            code.number(0);
        });
        read(&mut code);
        code.assemble().map(|code| *code.bytes.last().unwrap())
    };
    let get = |code: &mut Code| {
        code.get("deep");
    };
    let set = |code: &mut Code| {
        code.set("deep");
    };
    assert_eq!(deep(15, get), Ok(0x8f));
    assert_eq!(deep(16, get), Err(AssemblyError::Reach { name: "deep", depth: 17 }));
    assert_eq!(deep(16, set), Ok(Op::Pop as u8));
    assert_eq!(deep(17, set), Err(AssemblyError::Reach { name: "deep", depth: 17 }));
}

#[test]
fn what_no_machine_runs_is_refused() {
    let unnamed = failure(|code| {
        code.number(0).get("missing");
    });
    assert_eq!(unnamed, AssemblyError::Unnamed { name: "missing" });
    let underflow = failure(|code| {
        code.number(0).op(Op::Add);
    });
    assert_eq!(underflow, AssemblyError::Underflow { op: "Add".to_owned(), takes: 2, has: 1 });
    let layout = failure(|code| {
        let again = code.label();
        code.number(0).name("kept").target(again).number(1).number(1).jump_if(again);
    });
    assert_eq!(layout, AssemblyError::Layout { expected: vec!["kept"], got: vec!["kept", ""] });
    let nowhere = failure(|code| {
        let label = code.label();
        code.reference(label);
    });
    assert_eq!(nowhere, AssemblyError::Place);
    let far = failure(|code| {
        let label = code.label();
        code.reference(label);
        code.data(label, &[]);
        let behind = code.label();
        code.data(behind, &[0; 1 << 16]);
        let end = code.label();
        code.reference(end);
        code.data(end, &[]);
    });
    assert_eq!(far, AssemblyError::Place);
}
