//! A worker whose machine's clock is wrong, as far as a process can be told: its calls for the time are answered by a
//! library that is loaded before the system's.

use std::ffi::OsStr;
use std::process::Command;

use crate::chain_work::{K, worker_in};
use crate::common::story;
use crate::node::{Chain, text};

/// Answers as the system does, so many seconds off.
const SHIFTED: &str = r#"
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t id, struct timespec *time) {
    int (*system_clock)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int answer = system_clock(id, time);
    if (answer == 0 && id == CLOCK_REALTIME) time->tv_sec += atol(getenv("CLOCK_OFF_SECONDS"));
    return answer;
}
"#;

#[test]
fn a_worker_whose_clock_is_wrong_settles_its_jobs() {
    let chain = Chain::new(K);
    let (source, library) = (chain.folder.path().join("shifted.c"), chain.folder.path().join("shifted.so"));
    std::fs::write(&source, SHIFTED).unwrap();
    // What RocksDB is built with is there.
    let built = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).arg("-ldl").status();
    assert!(built.unwrap().success());
    let date = |off: &str| {
        let environment = [("LD_PRELOAD", library.as_os_str()), ("CLOCK_OFF_SECONDS", OsStr::new(off))];
        let shown = Command::new("date").arg("+%s").envs(environment).output().unwrap();
        String::from_utf8(shown.stdout).unwrap().trim().parse::<i64>().unwrap()
    };
    assert!(date("3600") - date("0") >= 3600);

    let _node = chain.node();
    let (model, input) = (text(&story().model()), text(&story().file("digit.json")));
    chain.act(&["register-model", "--as", "owner", "--model", &model]);
    let post = ["post-job", "--as", "requester", "--model", &model, "--input", &input, "--price-per-unit", "0.01"];
    for (number, off) in [(1, "3600"), (2, "-3600")] {
        let environment = [("LD_PRELOAD", library.as_os_str()), ("CLOCK_OFF_SECONDS", OsStr::new(off))];
        let mut running = worker_in(&chain, number, &[], &environment);
        let posted = chain.act(&post);
        let settled = running.until(|line| {
            let report = &line["data"]["report"];
            assert!(report != "lease_failed" && report != "refused", "{off} s off: {line}");
            report == "settled"
        });
        assert_eq!(settled["data"]["job"], posted["outcome"]["events"][0]["job_posted"]["job"]);
        assert_eq!(running.stop().code, Some(0));
    }
}
