//! A whole session: a chain, a model, a job, a worker that settles it, and what its operator is told.

use std::ffi::OsStr;

use crate::arguments;
use crate::common::{assay, story};
use crate::node::{Chain, Running, text};

pub const K: &str = "12";

/// Starts worker number `number`; returns it once it looks for jobs.
fn worker(chain: &Chain, number: u32, more: &[&str]) -> Running {
    worker_in(chain, number, more, &[])
}

/// The same with variables in its environment.
pub fn worker_in(chain: &Chain, number: u32, more: &[&str], environment: &[(&str, &OsStr)]) -> Running {
    let (operator, key) = (format!("operator-{number}"), format!("worker-{number}"));
    let model = text(&story().model());
    let words = ["run", "--as", &operator, "--as-worker", &key, "--model", &model];
    let mut running = Running::start_in(chain.arguments("worker", &[&words[..], more].concat()), environment);
    let ready = running.line();
    assert_eq!((&ready["event"], &ready["command"]), (&"ready".into(), &"worker run".into()), "{ready}");
    for _loop in ["jobs", "checks"] {
        running.until(|line| line["data"]["report"] == "started");
    }
    running
}

#[test]
fn a_job_is_posted_done_paid_and_explained() {
    let chain = Chain::new(K);
    let node = chain.node();
    let (model, input) = (text(&story().model()), text(&story().file("digit.json")));

    let registered = chain.act(&["register-model", "--as", "owner", "--model", &model]);
    let hash = registered["outcome"]["events"][0]["model_registered"]["model"].as_str().unwrap().to_owned();
    let again = chain.chain(&["tx", "register-model", "--as", "owner", "--model", &model]).ends(1);
    again.says("refusal 208, model-duplicate");
    let cheap = ["tx", "register-worker", "--as", "operator-1", "--as-worker", "worker-1", "--model", &model];
    chain.chain(&cheap).ends(0).shows("registered for");
    chain.chain(&cheap).ends(1).says("refusal 301, worker-duplicate");
    chain.act(&["stake", "--as", "operator-1", "--worker", "worker-1", "--amount", "60"]);
    chain.chain(&["tx", "stake", "--as", "operator-2", "--worker", "worker-1", "--amount", "60"]).ends(1).says("402");
    assert_eq!(chain.query(&["stake", "worker-1"])["object"]["amount"], "60000000");

    let post = ["post-job", "--as", "requester", "--model", &hash, "--input", &input, "--price-per-unit", "0.01"];
    let posted = chain.act(&post);
    let job = posted["outcome"]["events"][0]["job_posted"]["job"].as_str().unwrap().to_owned();
    chain.chain(&["query", "job", &job]).ends(0).shows("open").shows("a proof").shows("0.01 tokens a unit");
    assert_eq!(chain.query(&["jobs"])["count"], 1);
    let short = [&["tx"], &post[..], &["--escrow", "1"]].concat();
    chain.chain(&short).ends(1).says("escrow-short");
    let late = [&["tx"], &post[..], &["--deadline-blocks", "1000000"]].concat();
    chain.chain(&late).ends(1).says("deadline-outside");

    let mut running = worker(&chain, 1, &[]);
    let settled = running.until(|line| line["data"]["report"] == "settled");
    let result = settled["data"]["result"].as_str().unwrap().to_owned();
    assert_eq!(settled["data"]["job"], job);
    let ended = running.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let totals = &ended.lines.last().unwrap()["data"];
    assert_eq!((&totals["submitted"], &totals["settled"]), (&1.into(), &1.into()));
    assert_eq!(totals["reward_micro"], settled["data"]["reward"]);

    let shown = chain.query(&["result", &result, "--prove"]);
    assert_eq!(
        (&shown["object"]["stage"], &shown["object"]["reward"]),
        (&"settled".into(), &settled["data"]["reward"])
    );
    let told = chain.chain(&["query", "result", &result]).ends(0);
    told.shows("settled: paid and minted for").shows("by a proof").shows("100 %").shows("(worker-1)");
    chain.chain(&["query", "job", &job]).ends(0).shows(&format!("done: result {result}"));
    chain.chain(&["query", "worker", "worker-1"]).ends(0).shows("1 jobs done");
    chain.chain(&["query", "model", &hash]).ends(0).shows("8x8, integers 0 to 16");
    chain.chain(&["query", "results"]).ends(0).shows(&result);
    chain.chain(&["query", "models"]).ends(0).shows(&hash);
    chain.chain(&["tx", "challenge", "--as", "operator-2", "--result", &result]).ends(1).says("result-final");

    assert_eq!(node.stop().code, Some(0));
    let report = chain.chain(&["check", "--json"]).ends(0).envelope()["data"].clone();
    assert_eq!(report["supply"]["minted"], settled["data"]["reward"]);
}

#[test]
fn a_sampled_result_is_explained_at_each_stage_and_survives_a_killed_node() {
    let chain = Chain::new(K);
    let node = chain.node();
    let (model, input) = (text(&story().model()), text(&story().file("digit.json")));
    chain.act(&["register-model", "--as", "owner", "--model", &model]);
    let mut running = worker(&chain, 1, &["--mode", "sampled", "--stake", "900", "--timeout", "60"]);
    // Too dear to win the job, it only checks.
    let _checker = worker(&chain, 2, &["--price-per-unit-min", "1000", "--timeout", "60"]);
    let post = ["post-job", "--as", "requester", "--model", &model, "--input", &input, "--price-per-unit", "0.01"];
    chain.act(&[&post[..], &["--require", "attested", "--spot-rate-bps", "10000"]].concat());
    let handed_in = running.until(|line| line["data"]["report"] == "submitted");
    let result = handed_in["data"]["result"].as_str().unwrap().to_owned();
    chain.chain(&["query", "result", &result]).ends(0).shows("60 %");

    let url = std::fs::read_to_string(chain.path().join("address")).unwrap();
    let listen = url.trim_end().trim_start_matches("http://").to_owned();
    node.signal("KILL");
    drop(node);
    let mut node = Running::start(arguments!["chain", "dev", "--data-dir", chain.path(), "--listen", listen].to_vec());
    assert_eq!(node.line()["event"], "ready");
    let settled = running.until(|line| line["data"]["report"] == "settled");
    assert_eq!(settled["data"]["result"], result);
    let told = chain.chain(&["query", "result", &result]).ends(0);
    told.shows("settled").shows("without a proof, after its review").shows("60 %");
    let ended = running.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(node.stop().code, Some(0));
    chain.chain(&["check"]).ends(0);
}

#[test]
fn a_job_by_hash_is_done_when_its_input_was_handed_over() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let (model, input) = (text(&story().model()), text(&story().file("digit.json")));
    chain.act(&["register-model", "--as", "owner", "--model", &model]);
    let post = ["post-job", "--as", "requester", "--model", &model, "--input", &input, "--price-per-unit", "0.01"];
    let posted = chain.act(&[&post[..], &["--by-hash"]].concat());
    let job = posted["outcome"]["events"][0]["job_posted"]["job"].as_str().unwrap();
    let told = chain.chain(&["query", "job", job]).ends(0).shows("by hash: 0x");
    let hash = told.stdout.split_once("by hash: ").unwrap().1.lines().next().unwrap().trim().to_owned();

    let passed = |running: &mut Running| {
        let line = running.until(|line| line["data"]["report"] == "passed");
        line["data"]["reason"].as_str().unwrap().to_owned()
    };
    let mut running = worker(&chain, 1, &[]);
    let reason = passed(&mut running);
    assert!(reason.contains(&hash) && reason.ends_with("start the worker with --inputs DIR"), "{reason}");
    assert_eq!(running.stop().code, Some(0));

    let inputs = chain.folder.path().join("inputs");
    let words = ["--inputs", &text(&inputs)];
    let run = ["run", "--as", "operator-1", "--as-worker", "worker-1", "--model", &model];
    assay(chain.arguments("worker", &[&run[..], &words].concat())).ends(2).says("inputs");
    std::fs::create_dir(&inputs).unwrap();
    let mut running = worker(&chain, 1, &words);
    let file = inputs.join(format!("{hash}.json"));
    assert!(passed(&mut running).ends_with(&format!("put it into {}", file.display())));
    std::fs::copy(&input, file).unwrap();
    let settled = running.until(|line| line["data"]["report"] == "settled");
    assert_eq!(settled["data"]["job"], job);
    assert_eq!(running.stop().code, Some(0));
}

#[test]
fn a_drained_worker_waits_for_its_results_unless_asked_again() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let (model, input) = (text(&story().model()), text(&story().file("digit.json")));
    chain.act(&["register-model", "--as", "owner", "--model", &model]);
    let mut running = worker(&chain, 1, &["--mode", "sampled", "--stake", "900"]);
    let post = ["post-job", "--as", "requester", "--model", &model, "--input", &input, "--price-per-unit", "0.01"];
    chain.act(&[&post[..], &["--require", "attested", "--spot-rate-bps", "10000"]].concat());
    let handed_in = running.until(|line| line["data"]["report"] == "submitted");
    let result = handed_in["data"]["result"].as_str().unwrap();
    // Nobody else serves the model, so the check that must be done cannot be.
    let told = chain.chain(&["query", "result", result, "--prove"]).ends(0);
    told.shows("not paid yet: waits for its draw").shows("blocks from now").shows("not proven");
    running.signal("TERM");
    running.until(|line| line["event"] == "draining");
    running.signal("TERM");
    let ended = running.wait();
    assert_eq!(ended.code, Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("error[ASSAY-E005]"), "{}", ended.stderr);
    assert_eq!(ended.lines.last().unwrap()["exit_code"], 130);
    // The next start takes it up, and learns in the end that nobody could judge it.
    let mut running = worker(&chain, 1, &["--mode", "sampled"]);
    running.until(|line| line["data"]["report"] == "voided");
    let told = chain.chain(&["query", "result", result]).ends(0);
    told.shows("void: nobody could judge it, unpaid").shows("the escrow went back to the poster");
    assert_eq!(running.stop().code, Some(0));
}

#[test]
fn a_worker_that_cannot_begin_says_why() {
    let chain = Chain::new(K);
    let _node = chain.node();
    let model = text(&story().model());
    let words = ["run", "--as", "operator-1", "--as-worker", "worker-1", "--model", &model];
    let run = |more: &[&str]| assay(chain.arguments("worker", &[&words[..], more].concat()));
    run(&[]).ends(1).says("error[ASSAY-T001]").says("refusal 306, model-unknown");
    run(&["--device", "gpu"]).ends(2).says("error[ASSAY-U001]");
    run(&["--model", "missing.assay"]).ends(2).says("error[ASSAY-F001]");
    chain.act(&["register-model", "--as", "owner", "--model", &model]);
    #[cfg(not(feature = "cuda"))]
    {
        run(&["--device", "cuda:0"]).ends(5).says("error[ASSAY-P005]").says("--features cuda");
        // Nothing was registered that could be drawn or lease a job.
        chain.chain(&["query", "worker", "worker-1"]).ends(1).says("error[ASSAY-N007]");
    }
    run(&["--stake", "5000"]).ends(1).says("balance-short");
    let stolen = ["run", "--as", "operator-2", "--as-worker", "worker-1", "--model", &model];
    assay(chain.arguments("worker", &stolen)).ends(4).says("error[ASSAY-W001]").says("registered for account");
}
