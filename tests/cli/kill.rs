//! The story survives its node being killed, at every step.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use crate::common::command;

/// The processes that a process started, on Linux.
fn children(process: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap());
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    // A process that ended meanwhile has no file any more.
    let parent = |id: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
        // The name, in parentheses, may hold anything; state and parent follow it.
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    ids.filter(|id| parent(*id) == Some(process)).collect()
}

/// Ends the node of a story as `kill -9` does; whether there was one.
fn kill_node(story: &Child) -> bool {
    let nodes = children(story.id());
    for node in &nodes {
        let killed = std::process::Command::new("kill").args(["-9", &node.to_string()]).status().unwrap();
        assert!(killed.success() || !children(story.id()).contains(node));
    }
    !nodes.is_empty()
}

#[test]
fn the_story_goes_on_when_its_node_is_killed_at_every_step() {
    let mut story = command(["demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(story.stdout.take().unwrap()).lines();
    let mut told = String::new();
    let mut kills = 0;
    for line in lines {
        let line = line.unwrap();
        // A step's line starts with its number; the node is there from the first to the one that stops it.
        let step = line.get(..2).and_then(|number| number.trim().parse::<u32>().ok());
        told += &line;
        told.push('\n');
        if step.is_some() && kill_node(&story) {
            kills += 1;
        }
    }
    let ended = story.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{told}\n{errors}");
    assert!(kills >= 25, "{kills} kills:\n{told}");
    for text in ["the node, killed", "I6 holds", "at trust 0.60", "nothing minted", "\nACCEPTED\n"] {
        assert!(told.contains(text), "{text:?} is missing:\n{told}");
    }
}
