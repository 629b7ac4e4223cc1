//! Work, checks, answers and canaries by single commands, with real proofs.

use std::fs;

use serde_json::Value;

use crate::arguments;
use crate::common::{assay, story};
use crate::node::{Chain, Running, text};

/// Blocks of a stage of a review here: time enough for a command.
const REVIEW: u64 = 25;
const SALT: &str = "0x0707070707070707070707070707070707070707070707070707070707070707";

/// A chain with the digits model, whose owner may plant canaries, and two workers: one works, one checks.
struct Stage {
    chain: Chain,
    _node: Running,
    model: String,
}

impl Stage {
    fn set() -> Self {
        let chain = Chain::new("12");
        let mut node =
            Running::start(chain.start().into_iter().chain(arguments!["--fast-governance"].to_vec()).collect());
        node.line();
        let model = text(&story().model());
        chain.act(&["register-model", "--as", "owner", "--model", &model]);
        chain.act(&["register-worker", "--as", "operator-1", "--as-worker", "worker-1"]);
        chain.act(&["stake", "--as", "operator-1", "--worker", "worker-1", "--amount", "100"]);
        let stage = Self { chain, _node: node, model };
        stage.name_planter();
        for (number, stake) in [("2", "900"), ("3", "60")] {
            let (operator, worker) = (format!("operator-{number}"), format!("worker-{number}"));
            let register = ["register-worker", "--as", &operator, "--as-worker", &worker, "--model", &stage.model];
            stage.chain.act(&register);
            stage.chain.act(&["stake", "--as", &operator, "--worker", &worker, "--amount", stake]);
        }
        stage
    }

    /// Lets the only stake that votes name the owner as planter, with longer reviews.
    fn name_planter(&self) {
        let chain = &self.chain;
        let mut params = chain.query(&["params"])["object"].clone();
        params["canary"]["planter"] = chain.query(&["account", "owner"])["id"].clone();
        params["window"]["review"] = REVIEW.into();
        let file = self.put("params.json", &params);
        let propose = ["propose", "--as", "operator-1", "--worker", "worker-1", "--params", &file];
        let proposed = chain.act(&propose);
        let proposal = proposed["outcome"]["events"][0]["proposed"]["proposal"].as_str().unwrap().to_owned();
        chain.act(&["vote", "--as", "operator-1", "--worker", "worker-1", "--proposal", &proposal, "--yes"]);
        chain.in_force(&proposal);
    }

    fn file(&self, name: &str) -> String {
        text(&self.chain.folder.path().join(name))
    }

    fn put(&self, name: &str, value: &Value) -> String {
        let file = self.file(name);
        fs::write(&file, value.to_string()).unwrap();
        file
    }

    /// Worker 2 takes a job of its own; returns job, lease and the file with the lease's context.
    fn lease(&self, name: &str, require: &str, settled_by: &str) -> (String, String, String) {
        let input = text(&story().file("digit.json"));
        let post = ["post-job", "--as", "requester", "--model", &self.model, "--input", &input];
        let policy = ["--price-per-unit", "0.01", "--require", require, "--spot-rate-bps", "10000"];
        let posted = self.chain.act(&[post.as_slice(), &policy].concat());
        let job = posted["outcome"]["events"][0]["job_posted"]["job"].as_str().unwrap().to_owned();
        let take = ["lease-job", "--as", "operator-2", "--worker", "worker-2", "--job", &job];
        let taken = self.chain.act(&[take.as_slice(), &["--settled-by", settled_by]].concat());
        let lease = taken["outcome"]["events"][0]["leased"]["lease"].as_str().unwrap().to_owned();
        let context = self.chain.query(&["lease", &lease])["object"]["context"].clone();
        let context = self.put(&format!("{name}.context"), &context);
        (job, lease, context)
    }

    /// Runs and proves a job for a context; returns proof, statement and output hash.
    fn prove(&self, name: &str, context: &str) -> (String, String, String) {
        let (proof, statement) = (self.file(&format!("{name}.proof")), self.file(&format!("{name}.json")));
        let input = text(&story().file("digit.json"));
        let words = ["prover", "run", "--model", &self.model, "--input", &input, "--context", context];
        let files = ["--out", &proof, "--out-statement", &statement, "--accept-insecure-setup", "--json"];
        let ran = assay([words.as_slice(), &files].concat()).ends(0).envelope();
        (proof, statement, ran["data"]["output_hash"].as_str().unwrap().to_owned())
    }

    /// Signs a statement for a lease; returns the receipt and its output hash.
    fn sign(&self, name: &str, lease: &str, statement: &str, proof: Option<&str>) -> (String, String) {
        let receipt = self.file(&format!("{name}.receipt"));
        let words = ["sign", "--as-worker", "worker-2", "--lease", lease, "--statement", statement];
        let rest = ["--elapsed-ms", "0", "--out", &receipt, "--json"];
        let with = proof.map(|proof| ["--proof", proof]);
        let words = [&words[..], with.as_ref().map_or(&[], |with| &with[..]), &rest[..]].concat();
        let signed = assay(self.chain.arguments("worker", &words)).ends(0).envelope();
        (receipt, signed["data"]["output_hash"].as_str().unwrap().to_owned())
    }

    /// Hands a receipt in; returns the event.
    fn submit(&self, lease: &str, receipt: &str) -> Value {
        let submit = ["submit-result", "--as", "operator-2", "--lease", lease, "--receipt", receipt];
        self.chain.act(&submit)["outcome"]["events"][0].clone()
    }

    fn reach(&self, result: &str, stage: &str) {
        let start = std::time::Instant::now();
        while self.chain.query(&["result", result])["object"]["stage"] != stage {
            assert!(start.elapsed() < std::time::Duration::from_secs(60), "never {stage}");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    /// Worker 3, the only one that can be drawn, checks a result and finds an output.
    fn check(&self, result: &str, output_hash: &str) {
        self.reach(result, "check_commit");
        for step in ["commit-check", "reveal-check"] {
            let who = [step, "--as", "operator-3", "--as-worker", "worker-3"];
            self.chain.act(&[who.as_slice(), &["--result", result, "--output-hash", output_hash]].concat());
        }
    }
}

/// Another statement: the same run with two elements of its output swapped.
fn falsified(stage: &Stage, name: &str, statement: &str) -> String {
    let mut statement: Value = serde_json::from_slice(&fs::read(statement).unwrap()).unwrap();
    let values = statement["output"]["values"].as_array_mut().unwrap();
    let other = values.iter().position(|value| *value != values[0]).unwrap();
    values.swap(0, other);
    stage.put(name, &statement)
}

fn result_of(event: &Value) -> String {
    event["result_pending"]["result"].as_str().unwrap().to_owned()
}

#[test]
fn a_job_is_done_a_check_answered_and_a_canary_found_by_single_commands() {
    let stage = Stage::set();
    let chain = &stage.chain;

    // Paid at once: run, prove, sign, hand in.
    let (_, lease, context) = stage.lease("paid", "proof", "proof");
    let (proof, statement, _) = stage.prove("paid", &context);
    let unsigned = stage.file("no.receipt");
    let other = ["sign", "--as-worker", "worker-3", "--lease", &lease, "--statement", &statement];
    let other = [other.as_slice(), &["--elapsed-ms", "0", "--out", &unsigned]].concat();
    assay(chain.arguments("worker", &other)).ends(2).says("the lease is of worker");
    let (receipt, _) = stage.sign("paid", &lease, &statement, Some(&proof));
    let settled = stage.submit(&lease, &receipt);
    assert_eq!(settled["settled"]["reward"], "11840000");
    let submit = ["tx", "submit-result", "--as", "operator-2", "--lease", &lease, "--receipt", &receipt];
    chain.chain(&submit).ends(1).says("refusal 706, work-spent");

    // A check that errs is answered with a proof, and costs the checker.
    let (_, lease, context) = stage.lease("answered", "attested", "review");
    let (proof, statement, _) = stage.prove("answered", &context);
    let (receipt, _) = stage.sign("answered", &lease, &statement, None);
    let result = result_of(&stage.submit(&lease, &receipt));
    stage.check(&result, SALT);
    stage.reach(&result, "answering");
    let paid_statement = stage.file("paid.json");
    let answer = |statement: &str| {
        let words = ["tx", "answer-with-proof", "--as", "operator-2", "--result", &result, "--proof", &proof];
        chain.chain(&[words.as_slice(), &["--statement", statement]].concat())
    };
    answer(&paid_statement).ends(2).says("expected what the proof shows");
    answer(&statement).ends(0).shows("found right");
    assert_eq!(chain.query(&["result", &result])["object"]["stage"], "settled");

    // A canary: committed before it is handed in, found by the check, shown to have been wrong.
    let (job, lease, context) = stage.lease("canary", "attested", "review");
    let (proof, statement, right_hash) = stage.prove("canary", &context);
    let wrong = falsified(&stage, "wrong.json", &statement);
    let (receipt, wrong_hash) = stage.sign("wrong", &lease, &wrong, None);
    let plant = ["plant-canary", "--as", "owner", "--job", &job, "--worker", "worker-2"];
    let planted = chain.act(&[plant.as_slice(), &["--output-hash", &wrong_hash, "--salt", SALT]].concat());
    let canary = planted["outcome"]["events"][0]["canary_planted"]["canary"].as_str().unwrap().to_owned();
    let result = result_of(&stage.submit(&lease, &receipt));
    let reveal = ["reveal-canary", "--as", "owner", "--result", &result, "--salt", SALT, "--proof", &proof];
    let reveal = [reveal.as_slice(), &["--statement", &statement]].concat();
    chain.chain(&[&["tx"], reveal.as_slice()].concat()).ends(1).says("refusal 1307, canary-early");
    stage.check(&result, &right_hash);
    stage.reach(&result, "answering");
    let finder = chain.query(&["account", "operator-3"])["object"]["balance"].clone();
    let revealed = chain.act(&reveal)["outcome"]["events"][0]["canary_revealed"].clone();
    assert_eq!((&revealed["canary"], &revealed["paid"]), (&canary.into(), &"150000000".into()));
    let after = chain.query(&["account", "operator-3"])["object"]["balance"].clone();
    let micro = |balance: &Value| balance.as_str().unwrap().parse::<u128>().unwrap();
    assert_eq!(micro(&after), micro(&finder) + 150_000_000);
    chain.chain(&["query", "result", &result]).ends(0).shows("a canary").shows("is not punished");
    chain.chain(&["query", "job", &job]).ends(0).shows("open");
    // Planted in the same epoch or the one before.
    chain.chain(&["query", "canaries"]).ends(0).shows("1 found, 0 passed");
    let told = assay(chain.arguments("worker", &["rewards", "worker-2", "--explain"])).ends(0);
    told.shows("2 paid").shows("1 unpaid").shows("it was planted to be wrong");
    assay(chain.arguments("worker", &["rewards", "worker-5"])).ends(1).says("error[ASSAY-N007]");
    chain.chain(&["query", "payout", "worker-2", "--prove"]).ends(0).shows("holds:");
    chain.chain(&["query", "epoch", "0", "--prove"]).ends(0).shows("under root").shows("holds:");
    chain.chain(&["query", "epoch", "100000"]).ends(1).shows("none");
}
