//! The node of the story: `assay chain dev` in a process of its own, started again whenever it ends.
//!
//! Only the process is started again; what it knows it reads from its data directory, and everybody else asks until it
//! answers. A node that ends by itself, and not by a signal, says why and is not started again.

use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::StepError;

/// How often a killed node is started again; whoever kills it more often does not want the story to end.
const STARTS_MAX: u32 = 1_000;
/// How often the watcher looks after the process.
const LOOK: Duration = Duration::from_millis(10);
/// Most of the node's log that is told when it fails, bytes.
const LOG_BYTES_MAX: u64 = 4 << 10;

/// A node that comes back.
pub(super) struct NodeProcess {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
    url: String,
}

struct Shared {
    folder: PathBuf,
    arguments: Vec<String>,
    child: Mutex<Option<Child>>,
    stopping: AtomicBool,
    starts: AtomicU32,
    failure: Mutex<Option<String>>,
}

impl NodeProcess {
    /// Starts a node on the data directory `folder`, with circuits of up to 2^`k_max` rows.
    pub(super) fn start(folder: &Path, k_max: u32) -> Result<Self, StepError> {
        // The port stays the same over all starts, so it is chosen before the first.
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(StepError::Node)?;
        let arguments = ["chain", "dev", "--quiet", "--stop-with-parent", "--log-filter", "warn"];
        let mut arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        arguments.extend(["--listen".to_owned(), address.to_string(), "--k-max".to_owned(), k_max.to_string()]);
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            arguments,
            child: Mutex::new(None),
            stopping: AtomicBool::new(false),
            starts: AtomicU32::new(0),
            failure: Mutex::new(None),
        });
        shared.spawn().map_err(StepError::Node)?;
        let watched = Arc::clone(&shared);
        let watcher = std::thread::spawn(move || watched.watch());
        Ok(Self { shared, watcher: Some(watcher), url: format!("http://{address}") })
    }

    /// Where it answers.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Where it keeps its chain.
    pub(super) fn folder(&self) -> &Path {
        &self.shared.folder
    }

    /// Number of its present process.
    pub(super) fn process(&self) -> Option<u32> {
        self.shared.child().as_ref().map(Child::id)
    }

    /// How often it was started again.
    pub(super) fn restarts(&self) -> u32 {
        self.shared.starts.load(Ordering::Relaxed).saturating_sub(1)
    }

    /// Why it ended for good, if it did.
    pub(super) fn failure(&self) -> Option<String> {
        self.shared.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks it to stop and waits until it has.
    pub(super) fn stop(mut self) -> Result<(), StepError> {
        let status = self.end();
        match (self.failure(), status) {
            (Some(reason), _) => Err(StepError::NodeEnded { reason }),
            (None, Some(status)) if !status.success() => {
                Err(StepError::NodeEnded { reason: format!("it stopped with {status}") })
            }
            _ => Ok(()),
        }
    }

    fn end(&mut self) -> Option<ExitStatus> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            // A watcher that panicked has nothing to tell.
            drop(watcher.join());
        }
        let mut child = self.shared.child().take()?;
        // The end of its standard input tells it to stop.
        drop(child.stdin.take());
        child.wait().ok()
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn child(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    fn spawn(&self) -> std::io::Result<()> {
        let child = Command::new(std::env::current_exe()?)
            .args(&self.arguments)
            .arg("--data-dir")
            .arg(&self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(File::create(self.log())?)
            .spawn()?;
        self.starts.fetch_add(1, Ordering::Relaxed);
        *self.child() = Some(child);
        Ok(())
    }

    /// Starts the node again each time a signal ended it.
    fn watch(&self) {
        while !self.stopping.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK);
            let ended = self.child().as_mut().map(Child::try_wait);
            let status = match ended {
                Some(Ok(Some(status))) => status,
                Some(Ok(None)) => continue,
                Some(Err(error)) => return self.fail(error.to_string()),
                None => return,
            };
            if status.code().is_some() {
                return self.fail(format!("it ended with {status}: {}", self.last_words()));
            }
            if self.starts.load(Ordering::Relaxed) > STARTS_MAX {
                return self.fail(format!("it was killed {STARTS_MAX} times"));
            }
            if let Err(error) = self.spawn() {
                return self.fail(error.to_string());
            }
        }
    }

    fn fail(&self, reason: String) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason);
    }

    fn last_words(&self) -> String {
        let mut text = String::new();
        let read = File::open(self.log()).and_then(|log| log.take(LOG_BYTES_MAX).read_to_string(&mut text));
        match read {
            Ok(_) => text.trim().to_owned(),
            Err(error) => format!("its log cannot be read: {error}"),
        }
    }
}
