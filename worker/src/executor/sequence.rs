//! Graphs that generate: every element is computed once, as soon as what it depends on is known.
//!
//! The first turn computes what follows from what was asked, each further turn what follows from one more generated
//! element. Keys and values of earlier places are there already, as is everything else: a cache of keys and values
//! without a rule for what to keep. After the last turn the values are the trace of one run over the whole sequence, from
//! which it is proven.

use circuits::model::graph::Graph;

use super::ExecutorError;
use super::step::Step;

/// What a graph that generates computes in which turn.
pub(super) struct Sequence {
    /// Elements that are asked.
    asked: usize,
    turns: usize,
    /// By node and turn, the elements of its value.
    elements: Vec<Vec<Vec<usize>>>,
    /// By value, what stands for elements that are not known yet.
    least: Vec<Vec<i64>>,
}

impl Sequence {
    /// `None` for a graph whose output is computed at once.
    pub(super) fn new(graph: &Graph) -> Option<Self> {
        let turns = graph.generated() as usize;
        if turns == 0 {
            return None;
        }
        let asked = graph.input().shape.iter().map(|side| *side as usize).product();
        let (reaches, least): (Vec<_>, Vec<_>) =
            graph.dependencies().into_iter().map(|dependencies| (dependencies.reach, dependencies.least)).unzip();
        let by_turn = |reach: &Vec<u32>| {
            let mut elements = vec![Vec::new(); turns];
            for (element, reach) in reach.iter().enumerate() {
                elements[(*reach as usize).saturating_sub(asked)].push(element);
            }
            elements
        };
        let elements = reaches.iter().skip(1).map(by_turn).collect();
        Some(Self { asked, turns, elements, least })
    }

    /// All values of the run on `asked`.
    pub(super) fn run(
        &self,
        graph: &Graph,
        steps: &[Step],
        asked: &[i64],
        device: &candle_core::Device,
    ) -> Result<Vec<Vec<i64>>, ExecutorError> {
        let mut values = self.least.clone();
        values[0][..self.asked].copy_from_slice(asked);
        for turn in 0..self.turns {
            if let Some(before) = turn.checked_sub(1) {
                values[0][self.asked + before] = values[values.len() - 1][before];
            }
            for (node, step) in steps.iter().enumerate() {
                let elements = &self.elements[node][turn];
                if elements.is_empty() {
                    continue;
                }
                let read = &graph.nodes()[node].inputs;
                let sources: Vec<&[i64]> = read.iter().map(|value| values[*value as usize].as_slice()).collect();
                let results = step.run_some(node, &sources, elements, device)?;
                for (element, result) in elements.iter().zip(results) {
                    values[node + 1][*element] = result;
                }
            }
        }
        Ok(values)
    }
}
