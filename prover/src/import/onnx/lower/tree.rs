//! Tree ensembles: every comparison of every tree at once, then one product for each level of a decision.
//!
//! A leaf is reached when all comparisons on its path agree. With a comparison as 0 or 1, the number that agree is a
//! sum of them with weights 1 and -1 and a constant, so one dense layer counts for all leaves, a threshold says which
//! leaf is reached, and a second dense layer adds up what the leaves vote for.

use std::sync::Arc;

use tract_onnx::prelude::*;
use tract_onnx_opl::ml::tree_ensemble_classifier::{Aggregate, TreeEnsembleClassifier};

use super::super::real::NodeId;
use super::super::real::builder::{Built, Unsupported, refuse};
use super::Lowering;

/// Largest number of nodes of an ensemble.
const NODES_MAX: usize = 1 << 16;
/// Largest number of weights of its path matrix.
const WEIGHTS_MAX: usize = 1 << 26;
/// Numbers of a node's row: feature, child if true, child if false, threshold, comparison.
const ROW: usize = 5;

struct Comparison {
    feature: u32,
    threshold: f64,
    /// Result below, at and above the threshold.
    signs: [i64; 3],
}

struct Leaf {
    /// Comparisons on the way, and what they have to say.
    path: Vec<(usize, bool)>,
    votes: Vec<(usize, f64)>,
}

impl Lowering<'_> {
    /// Tree ensembles; `None` for others.
    pub(super) fn tree(&mut self, node: &TypedNode, inputs: &[NodeId]) -> Result<Option<NodeId>, Unsupported> {
        let Some(operator) = node.op_as::<TreeEnsembleClassifier>() else { return Ok(None) };
        let ensemble = &operator.ensemble;
        let words = |tensor: &Tensor| -> Result<Vec<u32>, Unsupported> {
            let view = tensor.to_plain_array_view::<u32>().map_err(|error| Unsupported(error.to_string()))?;
            Ok(view.iter().copied().collect())
        };
        let data = &ensemble.data;
        let (roots, rows, votes) = (words(&data.trees)?, words(&data.nodes)?, words(&data.leaves)?);
        let classes = ensemble.n_classes;
        let scale = match ensemble.aggregate_fn {
            Aggregate::Sum => 1.0,
            Aggregate::Avg => (roots.len().max(1) as f64).recip(),
            Aggregate::Min | Aggregate::Max => return refuse("tree ensembles that take the largest or smallest vote"),
        };
        let mut comparisons = Vec::new();
        let mut leaves = Vec::new();
        for root in roots {
            walk(root as usize, &rows, &votes, classes, &mut comparisons, &mut leaves)?;
        }
        self.forest(self.first(inputs)?, &comparisons, &leaves, classes, scale).map(Some)
    }

    fn forest(
        &mut self,
        input: NodeId,
        comparisons: &[Comparison],
        leaves: &[Leaf],
        classes: usize,
        scale: f64,
    ) -> Built {
        let &[batch, features] = self.builder.shape(input) else {
            return refuse(format!("a tree ensemble over shape {:?}", self.builder.shape(input)));
        };
        let width = comparisons.len();
        if width.saturating_mul(leaves.len()) > WEIGHTS_MAX {
            return refuse(format!("an ensemble of {width} comparisons and {} leaves", leaves.len()));
        }
        if comparisons.iter().any(|comparison| comparison.feature >= features) {
            return refuse(format!("a tree that reads beyond the {features} features"));
        }
        let mut results = Vec::new();
        // One sort of comparison at a time; most ensembles have one.
        for signs in [[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 1, 1], [0, 1, 0], [1, 0, 1]] {
            let places: Vec<usize> = (0..width).filter(|place| comparisons[*place].signs == signs).collect();
            let Ok(length) = u32::try_from(places.len()) else { return refuse("too many comparisons") };
            if length == 0 {
                continue;
            }
            let indices = (0..batch).flat_map(|item| places.iter().map(move |place| (item, *place)));
            let indices = indices.map(|(item, place)| item * features + comparisons[place].feature).collect();
            let read = self.builder.select(input, vec![batch, length], indices)?;
            let thresholds = places.iter().map(|place| comparisons[*place].threshold).collect();
            let thresholds = self.builder.constant(vec![1, length], thresholds)?;
            let thresholds = self.builder.broadcast(thresholds, &[batch, length])?;
            let difference = self.builder.combine(&[(read, 1.0), (thresholds, -1.0)], 0.0)?;
            results.push((self.builder.threshold(difference, signs)?, places));
        }
        let mut votes = vec![0.0; classes * leaves.len()];
        for (place, leaf) in leaves.iter().enumerate() {
            for (class, vote) in &leaf.votes {
                votes[class * leaves.len() + place] += vote * scale;
            }
        }
        if results.is_empty() {
            // Trees of a single leaf.
            let sums = votes.chunks_exact(leaves.len().max(1)).map(|row| row.iter().sum()).collect();
            let classes = u32::try_from(classes).unwrap_or(u32::MAX);
            let sums = self.builder.constant(vec![1, classes], sums)?;
            return self.builder.broadcast(sums, &[batch, classes]);
        }
        let parts: Vec<NodeId> = results.iter().map(|(value, _)| *value).collect();
        let order: Vec<usize> = results.iter().flat_map(|(_, places)| places.iter().copied()).collect();
        let mut position = vec![0; width];
        order.iter().enumerate().for_each(|(place, comparison)| position[*comparison] = place);
        let agreed = self.builder.concatenate(&parts, 1)?;
        let mut weights = vec![0.0; width * leaves.len()];
        let mut missing = vec![0.0; leaves.len()];
        for (row, leaf) in leaves.iter().enumerate() {
            for (comparison, expected) in &leaf.path {
                weights[row * width + position[*comparison]] += if *expected { 1.0 } else { -1.0 };
                missing[row] -= f64::from(u8::from(*expected));
            }
        }
        // Zero where all agree, negative elsewhere.
        let short = self.builder.dense(agreed, Arc::new(weights), missing)?;
        let reached = self.builder.threshold(short, [0, 1, 0])?;
        self.builder.dense(reached, Arc::new(votes), vec![0.0; classes])
    }
}

/// Collects the comparisons and leaves below a node. Every number is checked: the file may hold anything.
fn walk(
    root: usize,
    rows: &[u32],
    votes: &[u32],
    classes: usize,
    comparisons: &mut Vec<Comparison>,
    leaves: &mut Vec<Leaf>,
) -> Result<(), Unsupported> {
    let mut open: Vec<(usize, Vec<(usize, bool)>)> = vec![(root, Vec::new())];
    while let Some((node, path)) = open.pop() {
        if comparisons.len() + leaves.len() >= NODES_MAX {
            return refuse(format!("a tree ensemble of more than {NODES_MAX} nodes, or with a cycle"));
        }
        let row = node.checked_mul(ROW).and_then(|start| rows.get(start..start.checked_add(ROW)?));
        let Some(&[first, second, third, threshold, flags]) = row else {
            return refuse(format!("a tree ensemble without its node {node}"));
        };
        let signs = match flags & 0xff {
            0 => {
                let mut leaf = Leaf { path, votes: Vec::new() };
                for vote in first..second {
                    let pair = (vote as usize).checked_mul(2).and_then(|start| votes.get(start..start.checked_add(2)?));
                    let (Some(&[class, weight]), true) = (pair, leaf.votes.len() < NODES_MAX) else {
                        return refuse("a tree leaf without its votes");
                    };
                    if class as usize >= classes {
                        return refuse(format!("a tree leaf that votes for class {class} of {classes}"));
                    }
                    leaf.votes.push((class as usize, f64::from(f32::from_bits(weight))));
                }
                leaves.push(leaf);
                continue;
            }
            1 => [0, 1, 0],
            2 => [1, 0, 1],
            3 => [1, 0, 0],
            4 => [0, 0, 1],
            5 => [1, 1, 0],
            6 => [0, 1, 1],
            other => return refuse(format!("a tree comparison of kind {other}")),
        };
        let number = comparisons.len();
        comparisons.push(Comparison { feature: first, threshold: f64::from(f32::from_bits(threshold)), signs });
        for (child, expected) in [(second, true), (third, false)] {
            let mut path = path.clone();
            path.push((number, expected));
            open.push((child as usize, path));
        }
    }
    Ok(())
}
