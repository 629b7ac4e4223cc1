//! kill -9 at random moments: the chain stands at the last block that was reported or the next, and nothing is lost.
//!
//! The parent runs this executable as a child that makes blocks as fast as it can, and reports each one after its
//! commit. The parent kills it at a random moment (also while it starts), opens the directory itself, and holds what it
//! finds against what was reported. The child is then started again on the same directory. A kill ends the process and
//! not the machine: it shows that no order of writes is wrong, not that the disk keeps what it said it synced.
//!
//! `cargo test` kills 20 times; `-- --kills <count>` (`make soak`) as often as asked, and prints figures.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::arithmetic_side_effects,
    reason = "test code that stops loudly and prints its figures"
)]

#[path = "../src/testing/setup.rs"]
#[allow(dead_code, reason = "the model commitments of that file are for other tests")]
mod setup;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use attestation::identity::ed25519::SigningKey;
use chain::node::{Directory, LastSignedFile, RocksStore, check, start};
use chain::state::{Machine, SigningGuard, StateMachine};
use chain::types::Genesis;
use chain::types::genesis::GenesisAccount;
use chain::types::ids::{Address, Hash};
use chain::types::params::{ModelParams, Params};
use chain::types::transaction::{Action, Transaction, Transfer};

/// Kills of a run of `cargo test`.
const KILLS: u32 = 20;
/// Kills of one data directory; the next ones start with a new one, whose making is killed too. Each start leaves small
/// table files, which a process that never lives for a second does not get to merge.
const ROUND: u32 = 100;
/// Longest life of a child that is killed while it starts.
const START_MS_MAX: u64 = 250;
/// Longest life of a child after it started.
const LIFE_MS_MAX: u64 = 120;
/// What a child reports before its first block.
const READY: &str = "ready";
/// Transfers in each block.
const TRANSFERS: u64 = 8;
const START: u64 = 1_700_000_000_000;
const CHILD: &str = "--child";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let after =
        |flag: &str| arguments.iter().position(|argument| argument == flag).map(|at| arguments[at + 1].as_str());
    if let Some(path) = after(CHILD) {
        return work(Path::new(path));
    }
    // The filters of `cargo test <name>` reach every test executable.
    let filters: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with("--")).collect();
    let kills = after("--kills").map(|count| count.parse().unwrap());
    let named = filters.is_empty() || filters.iter().any(|filter| "kill_loop".contains(filter.as_str()));
    if kills.is_some() || (named && !arguments.iter().any(|argument| argument == "--list")) {
        kill_loop(kills.unwrap_or(KILLS));
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(&[number; 32])
}

fn genesis() -> Genesis {
    let sender = GenesisAccount { address: key(1).public_key().address(), balance: 1 << 80 };
    let setups = BTreeSet::from([setup::setup().id()]);
    let base = Genesis::development(START, key(200).public_key(), vec![sender], setups).unwrap();
    let params = Params { model: ModelParams { k_max: setup::K }, ..Params::development() };
    let (accounts, validators) = (base.accounts().to_vec(), base.validators().clone());
    let policy = base.policy().clone();
    Genesis::new(base.chain_id(), START, params, accounts, validators, base.setups().clone(), policy).unwrap()
}

fn open(path: &Path) -> (Directory, Machine<RocksStore>) {
    let directory = Directory::open(path, &genesis()).unwrap();
    let store = RocksStore::open(&directory).unwrap();
    let machine = Machine::open(store, genesis(), vec![setup::setup().clone()]).unwrap();
    (directory, machine)
}

/// The child: blocks until it is killed.
fn work(path: &Path) {
    let mut chain = start(path, genesis(), vec![setup::setup().clone()], key(200)).unwrap();
    let mut output = std::io::stdout().lock();
    writeln!(output, "{READY}").unwrap();
    loop {
        let nonce = chain.machine().account(&key(1).public_key().address()).unwrap().nonce;
        for ahead in 0..TRANSFERS {
            let body = Transaction {
                chain_id: chain.machine().genesis().chain_id(),
                genesis: *chain.machine().genesis_hash(),
                nonce: nonce + ahead,
                gas_limit: 20_000,
                gas_price: 1,
                action: Action::Transfer(Transfer { to: recipient(nonce + ahead), amount: 1 }),
            };
            chain.submit(&body.sign(&key(1)).to_bytes()).unwrap();
        }
        let started = Instant::now();
        let now = chain.machine().head().time + 1;
        let commit = chain.produce(now).unwrap().commit;
        let micros = started.elapsed().as_micros();
        writeln!(output, "{} {} {micros}", commit.height, hex(&commit.block)).unwrap();
        output.flush().unwrap();
    }
}

/// A new account every fourth time, so that the tree grows.
fn recipient(nonce: u64) -> Address {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&(nonce / 4).to_le_bytes());
    Address::new(bytes)
}

fn hex(hash: &Hash) -> String {
    attestation::hex::encode(hash)
}

/// What a run saw.
#[derive(Default)]
struct Figures {
    blocks: u64,
    /// On disk, over all directories.
    bytes: u64,
    /// Kills before the first report, at or below the height before.
    idle: u64,
    /// Kills between commit and report.
    unreported: u64,
    /// Kills between signature and commit.
    signed_ahead: u64,
    produce_micros: Vec<u64>,
    reopen_micros: Vec<u64>,
}

fn kill_loop(kills: u32) {
    let started = Instant::now();
    let mut random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64 | 1;
    let seed = random;
    let mut figures = Figures::default();
    for first in (0..kills).step_by(ROUND as usize) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("data");
        let mut height = 0;
        for kill in first..kills.min(first + ROUND) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let reports = live(&path, random);
            height = settle(&path, height, &reports, &mut figures)
                .unwrap_or_else(|finding| panic!("seed {seed}, kill {kill}: {finding}"));
        }
        let report = check(&path, &genesis(), vec![setup::setup().clone()]).unwrap();
        assert_eq!(report.audit.height, height);
        figures.bytes += size(&path);
    }
    assert!(figures.blocks > 0, "no child lived long enough to make a block");
    print(&figures, kills, started.elapsed());
}

/// A child's life; what it reported. One child in four is killed while it starts.
fn live(path: &Path, random: u64) -> Vec<(u64, String)> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let mut child = command.arg(CHILD).arg(path).stdout(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let (sender, lines) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in output.split(b'\n') {
            sender.send(text(line.unwrap())).unwrap();
        }
    });
    let mut span = START_MS_MAX;
    if !random.is_multiple_of(4) {
        assert_eq!(lines.recv().unwrap(), READY);
        span = LIFE_MS_MAX;
    }
    std::thread::sleep(Duration::from_micros((random >> 8) % (span * 1_000)));
    assert_eq!(child.try_wait().unwrap(), None, "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    reader.join().unwrap();
    // A line that was cut by the kill is no report.
    let whole = lines.iter().filter(|line| line.split(' ').count() == 3);
    let parsed =
        whole.map(|line| line.split_once(' ').map(|(height, rest)| (height.parse().unwrap(), rest.to_owned())));
    parsed.map(Option::unwrap).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

/// Opens the directory after a kill and holds it against the reports; returns the height.
fn settle(path: &Path, before: u64, reports: &[(u64, String)], figures: &mut Figures) -> Result<u64, String> {
    let started = Instant::now();
    let (directory, machine) = open(path);
    figures.reopen_micros.push(started.elapsed().as_micros() as u64);
    let height = machine.height();
    let reported = reports.last().map_or(before, |(height, _)| *height);
    if height != reported && height != reported + 1 {
        // A start also commits the block that the child before had signed.
        let caught_up = reports.is_empty() && height <= before + 2;
        if !caught_up {
            return Err(format!("height {height}, reported {reported}"));
        }
    }
    for (height, rest) in reports {
        let (block, micros) = rest.split_once(' ').unwrap();
        let committed = machine.block(*height).unwrap().ok_or_else(|| format!("block {height} is lost"))?;
        if hex(&committed.block.hash()) != block {
            return Err(format!("block {height} is another one than was reported"));
        }
        figures.produce_micros.push(micros.parse().unwrap());
    }
    let audit = machine.audit().map_err(|error| error.to_string())?;
    let nonce = machine.account(&key(1).public_key().address()).unwrap().nonce;
    if (audit.height, nonce) != (height, height * TRANSFERS) {
        return Err(format!("height {height}, nonce {nonce}"));
    }
    let guard = LastSignedFile::open(&directory, height).map_err(|error| error.to_string())?;
    let signed = guard.last().map_or(0, |block| block.header.height);
    if signed != height && signed != height + 1 {
        return Err(format!("height {height}, signed {signed}"));
    }
    figures.blocks += height - before;
    figures.idle += u64::from(reports.is_empty());
    figures.unreported += u64::from(height > reported);
    figures.signed_ahead += u64::from(signed > height);
    Ok(height)
}

fn size(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| if entry.path().is_dir() { size(&entry.path()) } else { entry.metadata().unwrap().len() }).sum()
}

fn quantile(values: &mut [u64], hundredth: usize) -> f64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) * hundredth / 100).map_or(0.0, |micros| *micros as f64 / 1e3)
}

fn print(figures: &Figures, kills: u32, elapsed: Duration) {
    let Figures { blocks, bytes, idle, unreported, signed_ahead, .. } = figures;
    let (mut produce, mut reopen) = (figures.produce_micros.clone(), figures.reopen_micros.clone());
    println!("kill loop: {kills} kills in {:.1} s, {blocks} blocks of {TRANSFERS} transfers", elapsed.as_secs_f64());
    println!(
        "  killed before a block {idle}, between commit and report {unreported}, between signature and commit {signed_ahead}"
    );
    println!(
        "  block p50 {:.2} ms, p99 {:.2} ms (proposed, executed twice, recorded, signed, committed)",
        quantile(&mut produce, 50),
        quantile(&mut produce, 99)
    );
    println!(
        "  opening p50 {:.1} ms, p99 {:.1} ms; {} KiB on disk, {} bytes per block",
        quantile(&mut reopen, 50),
        quantile(&mut reopen, 99),
        bytes >> 10,
        bytes / blocks
    );
    println!("  lost 0, other than reported 0, roots and totals recomputed after every kill");
}
