//! Drops nodes that the output does not need: leftovers of attempts that did not fit.

use circuits::model::graph::Node;

use super::LinearNodes;

/// The nodes that the last one needs, numbered anew.
pub(super) fn prune(nodes: Vec<Node>, weights: LinearNodes) -> (Vec<Node>, LinearNodes) {
    let mut used = vec![false; nodes.len()];
    let mut open: Vec<u32> = vec![u32::try_from(nodes.len()).unwrap_or(0)];
    while let Some(value) = open.pop() {
        let Some(index) = (value as usize).checked_sub(1) else { continue };
        if !std::mem::replace(&mut used[index], true) {
            open.extend(&nodes[index].inputs);
        }
    }
    // Value 0, the input, keeps its number.
    let mut places = vec![0u32; nodes.len() + 1];
    let mut kept = Vec::new();
    let mut moved = LinearNodes::new();
    let mut weights = weights;
    for (index, mut node) in nodes.into_iter().enumerate() {
        if !used[index] {
            continue;
        }
        node.inputs.iter_mut().for_each(|input| *input = places[*input as usize]);
        if let Some(linear) = weights.remove(&index) {
            moved.insert(kept.len(), linear);
        }
        kept.push(node);
        places[index + 1] = u32::try_from(kept.len()).unwrap_or(u32::MAX);
    }
    (kept, moved)
}

#[cfg(test)]
mod tests {
    use circuits::model::graph::Operator;

    use super::*;

    #[test]
    fn what_the_output_does_not_need_goes() {
        let node = |constant: i64, input: u32| Node {
            operator: Operator::Combine { multipliers: vec![1], constant },
            inputs: vec![input],
        };
        let (nodes, weights) = prune(vec![node(1, 0), node(2, 0), node(3, 1), node(4, 3)], LinearNodes::new());
        assert_eq!(nodes, [node(1, 0), node(3, 1), node(4, 2)]);
        assert!(weights.is_empty());
    }
}
