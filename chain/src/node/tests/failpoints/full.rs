//! A disk that is really full, as far as the operating system can show it: no file may grow past a size. It then writes
//! what fits and refuses the rest, wherever in a record that is, in the files of the database too.

use super::child::REFUSED;
use super::outcome::served;
use super::{Base, INSTRUCTIONS, Task, run};

/// Transfers of a child; its log grows past the largest limit.
const TRANSFERS: u32 = 24;
/// Largest size of a file, blocks of 512 bytes: too small to make a database, for genesis, for some blocks, for all.
const LIMITS: [u32; 16] = [0, 1, 2, 5, 10, 20, 35, 50, 60, 75, 90, 110, 130, 160, 200, 4_000];

#[test]
fn a_node_whose_files_cannot_grow_says_so_and_loses_nothing() {
    let base = Base::new(Task::Serve);
    let mut ends = [0u32; 3];
    for limit in LIMITS {
        let folder = base.copied();
        // What the shell ignores its programs ignore: the signal that would end them.
        let script = format!("trap '' XFSZ; ulimit -f {limit}; export {INSTRUCTIONS}=\"$0\"; exec \"$@\"");
        let instructions = format!("Serve - {TRANSFERS} Full {}", folder.path().display());
        let ended = run(&["sh", "-c", &script, &instructions], Task::Serve, folder.path(), None);
        println!(
            "limit {limit}: {:?}, {} blocks",
            ended.after("error").collect::<Vec<_>>(),
            ended.after("committed").count()
        );
        match ended.status.code() {
            Some(0) => {
                assert_eq!(ended.after("committed").count(), TRANSFERS as usize, "{ended:?}");
                ends[2] += 1;
            }
            Some(REFUSED) => {
                let errors: Vec<&str> = ended.after("error").collect();
                let said = errors[0].to_lowercase();
                assert!(
                    said.contains("file too large") && said.contains("check the disk"),
                    "limit {limit}: {errors:?}"
                );
                ends[usize::from(ended.after("acknowledged").count() > 0)] += 1;
            }
            _ => panic!("limit {limit}: {ended:?}"),
        }
        served(&folder.path().join("data"), &ended, false);
    }
    // Some did not start, some stopped at a block, one had room.
    assert!(ends.iter().all(|count| *count > 0), "{ends:?}");
}
