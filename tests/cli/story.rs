use serde_json::Value;
use tempfile::TempDir;

use crate::arguments;
use crate::common::{assay, command, names, put, run, story};

fn step<'a>(data: &'a Value, title: &str) -> &'a Value {
    let steps = data["steps"].as_array().unwrap();
    steps.iter().find(|step| step["title"] == title).unwrap_or_else(|| panic!("no step {title}"))
}

#[test]
fn every_step_comes_out_as_stated() {
    let envelope = story().ran.envelope();
    assert_eq!(envelope["command"], "demo");
    let data = &envelope["data"];
    let titles: Vec<&str> =
        data["steps"].as_array().unwrap().iter().map(|step| step["title"].as_str().unwrap()).collect();
    assert_eq!(
        titles,
        [
            "model",
            "setup",
            "keys",
            "node",
            "register model",
            "workers",
            "post job",
            "lease",
            "run and prove",
            "read block",
            "verify",
            "mint",
            "post job",
            "work",
            "check",
            "mint",
            "post job",
            "lie",
            "caught",
            "its answer",
            "jury",
            "convicted",
            "work",
            "check",
            "mint",
            "same receipt",
            "second job",
            "other chain",
            "changed byte",
            "other weights",
            "never leased",
            "false output",
            "honest result",
            "mint",
            "write",
            "verify file",
            "audit",
        ]
    );
    for (title, code, rule) in [
        ("same receipt", 706, "work-spent"),
        ("other chain", 701, "receipt-chain-mismatch"),
        ("its answer", 914, "proves-another-output"),
        ("changed byte", 723, "proof-rejected"),
        ("other weights", 723, "proof-rejected"),
        ("never leased", 705, "context-mismatch"),
        ("false output", 723, "proof-rejected"),
    ] {
        let figures = &step(data, title)["figures"];
        assert_eq!((figures["code"].as_u64(), figures["rule"].as_str()), (Some(code), Some(rule)), "{title}");
    }
    let message = step(data, "other weights")["figures"]["message"].as_str().unwrap();
    assert!(message.contains("weight column"), "{message}");
    assert_eq!(data["label"], data["digit"].to_string());
    assert_eq!(data["verdict"]["outcome"], "accepted");
    assert!(data["caveats"].as_array().unwrap().len() >= 3);
}

#[test]
fn the_books_balance() {
    let envelope = story().ran.envelope();
    let books = &envelope["data"]["books"];
    assert_eq!(books["conservation"]["holds"], true);
    let micro = |name: &str| books["supply"][name].as_str().unwrap().parse::<u128>().unwrap();
    let held = ["balances_micro", "stake_micro", "bonds_micro", "escrow_micro", "unbonding_micro", "treasury_micro"];
    let held: u128 = held.into_iter().map(micro).sum();
    assert_eq!(micro("genesis_micro") + micro("minted_micro"), held + micro("burned_micro"));
    let steps = envelope["data"]["steps"].as_array().unwrap();
    let mints = steps.iter().filter(|step| step["title"] == "mint");
    let rewards: Vec<u128> =
        mints.map(|step| step["figures"]["reward_micro"].as_str().unwrap().parse().unwrap()).collect();
    let [proven, sampled, redone, second] = rewards.as_slice() else { panic!("{rewards:?}") };
    assert!(*proven > 0);
    // Software evidence mints at 0.60 of what a proof does, the cheater's job included once another did it.
    assert_eq!((proven, *sampled, *redone), (second, proven * 6 / 10, proven * 6 / 10));
    assert_eq!(micro("minted_micro"), rewards.iter().sum());
    let balances = books["accounts"].as_array().unwrap().iter();
    let balances: u128 =
        balances.map(|account| account["balance_micro"].as_str().unwrap().parse::<u128>().unwrap()).sum();
    assert_eq!(balances, micro("balances_micro"));
}

#[test]
fn the_cheater_pays_and_everybody_who_judged_it_is_paid() {
    let data = &story().ran.envelope()["data"];
    let figures = &step(data, "convicted")["figures"];
    let micro = |name: &str| figures[name].as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(step(data, "jury")["figures"]["jurors"].as_array().unwrap().len(), 3);
    let (slashed, shared) = (micro("slashed_micro"), micro("checker_micro") + 3 * micro("juror_micro"));
    assert!(slashed > 0 && micro("checker_micro") > 0 && micro("juror_micro") > 0);
    assert_eq!((slashed, micro("minted_micro")), (shared + micro("burned_micro"), 0));
    assert_eq!(step(data, "lie")["figures"]["bond_micro"], figures["slashed_micro"]);
    let accounts = data["books"]["accounts"].as_array().unwrap();
    let stake = |name: &str| {
        let account = accounts.iter().find(|account| account["name"] == name).unwrap();
        account["stake_micro"].as_str().unwrap().parse::<u128>().unwrap()
    };
    assert_eq!(stake("operator-3") + slashed, stake("operator-1"));
}

#[test]
fn it_keeps_its_files_and_nothing_else() {
    let story = story();
    assert_eq!(names(&story.folder()), ["digit.json", "digit.proof", "digit.receipt", "digits.assay", "digits.vk"]);
    assert_eq!(names(story.folder().parent().unwrap()), ["story"]);
}

#[test]
fn people_get_a_picture_a_verdict_and_a_table() {
    let ran = assay(["demo", "--image", "12"]).ends(0);
    for text in ["\u{2588}\u{2588}", "refused, 706 work-spent", "\nACCEPTED\n", "I6 holds", "What this does not show"] {
        assert!(ran.stdout.contains(text), "{text:?} is missing:\n{}", ran.stdout);
    }
    assert!(!ran.stdout.contains('\u{1b}'), "colours in a pipe");
    assert_eq!(ran.stderr, "");
    assert!(!ran.stdout.contains("killed"), "{}", ran.stdout);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let folder = TempDir::new().unwrap();
    put(&folder, "mine", "precious");
    assay(arguments!["demo", "--out", folder.path()]).ends(2).says("error[ASSAY-F007]").says("not an empty folder");
    assert_eq!(names(folder.path()), ["mine"]);
}

#[test]
fn the_folder_that_one_stands_in_is_filled() {
    let folder = TempDir::new().unwrap();
    let mut command = command(["demo", "--out", "."]);
    command.current_dir(folder.path());
    run(command).ends(0);
    assert_eq!(names(folder.path()).len(), 5);
}

#[test]
fn a_folder_that_cannot_be_made_is_refused_first() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("missing").join("story");
    assay(arguments!["demo", "--out", target]).ends(2).says("error[ASSAY-F005]").says("make its folder first");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn only_test_images_are_recognised() {
    assay(["demo", "--image", "360"]).ends(2).says("error[ASSAY-U001]").says("360 is not in 0..360");
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_is_not_there_ends_the_story_and_leaves_nothing() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("story");
    let ran = assay(arguments!["demo", "--device", "cuda:0", "--out", target]).ends(5);
    ran.says("error[ASSAY-D005]").says("step 1, model: device cuda:0").says("--features cuda");
    assert!(names(folder.path()).is_empty());
}
