//! Recurrent cells: loops are unrolled, fused cells taken apart.

use std::sync::Arc;

use circuits::model::formula::Step::*;
use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops::gru_cell::GruEpilogue;
use tract_onnx::tract_core::ops::gru_seq::GruSeq;
use tract_onnx::tract_core::ops::lstm_cell::LstmEpilogue;
use tract_onnx::tract_core::ops::scan::{InputMapping, Scan, ScanInfo};

use super::super::real::builder::{Built, Unsupported, refuse};
use super::super::real::{NodeId, strides};
use super::Lowering;

/// Largest number of rounds that a loop is unrolled to.
const ROUNDS_MAX: usize = 4096;

impl Lowering<'_> {
    /// Loops and recurrent cells; `None` for others.
    pub(super) fn recurrent(
        &mut self,
        node: &TypedNode,
        inputs: &[NodeId],
    ) -> Result<Option<Vec<NodeId>>, Unsupported> {
        if let Some(scan) = node.op_as::<Scan>() {
            return self.unrolled(node, scan, inputs).map(Some);
        }
        if let Some(cell) = node.op_as::<LstmEpilogue>() {
            let (gates, state) = (self.input(inputs, 0)?, self.input(inputs, 1)?);
            return self.long_short_term(gates, state, cell.hidden).map(Some);
        }
        if let Some(cell) = node.op_as::<GruEpilogue>() {
            let (ours, theirs, state) = (self.input(inputs, 0)?, self.input(inputs, 1)?, self.input(inputs, 2)?);
            return self.gated(ours, theirs, state, cell.hidden).map(|state| Some(vec![state]));
        }
        if let Some(sequence) = node.op_as::<GruSeq>() {
            return self.gated_sequence(sequence, inputs).map(Some);
        }
        Ok(None)
    }

    fn unrolled(&mut self, node: &TypedNode, scan: &Scan, inputs: &[NodeId]) -> Result<Vec<NodeId>, Unsupported> {
        if scan.skip != 0 {
            return refuse("loops that skip rounds are not supported");
        }
        let rounds = scan.input_mapping.iter().zip(inputs).find_map(|(mapping, input)| {
            let info = mapping.as_scan()?;
            let length = *self.builder.shape(*input).get(info.axis)? as usize;
            Some(length.div_ceil(info.chunk.unsigned_abs().max(1)))
        });
        let Some(rounds) = rounds.filter(|rounds| (1..=ROUNDS_MAX).contains(rounds)) else {
            return refuse(format!("a loop of {rounds:?} rounds: expected 1 to {ROUNDS_MAX}"));
        };
        let mut state: Vec<NodeId> = scan
            .input_mapping
            .iter()
            .zip(inputs)
            .filter(|(mapping, _)| mapping.is_state())
            .map(|(_, input)| *input)
            .collect();
        let mut scanned: Vec<Vec<NodeId>> = vec![Vec::new(); scan.output_mapping.len()];
        let mut last = Vec::new();
        for round in 0..rounds {
            let mut arguments = Vec::new();
            let mut states = state.iter();
            for (mapping, input) in scan.input_mapping.iter().zip(inputs) {
                arguments.push(match mapping {
                    InputMapping::Full => *input,
                    InputMapping::State => *states.next().unwrap_or(input),
                    InputMapping::Scan(info) => self.chunk(*input, info, round)?,
                });
            }
            let body = Lowering::new(&scan.body, self.builder, &arguments).run();
            last = body.map_err(|nodes| {
                let words: Vec<String> =
                    nodes.iter().map(|node| format!("{} ({}): {}", node.name, node.operator, node.why)).collect();
                Unsupported(format!("inside the loop: {}", words.join("; ")))
            })?;
            state = scan
                .output_mapping
                .iter()
                .zip(&last)
                .filter(|(mapping, _)| mapping.state)
                .map(|(_, value)| *value)
                .collect();
            for (values, value) in scanned.iter_mut().zip(&last) {
                values.push(*value);
            }
        }
        let mut outputs = vec![None; node.outputs.len()];
        for ((mapping, mut values), last) in scan.output_mapping.iter().zip(scanned).zip(&last) {
            if let Some(slot) = mapping.last_value_slot.and_then(|slot| outputs.get_mut(slot)) {
                *slot = Some(*last);
            }
            if let Some((slot, info)) = &mapping.scan
                && *slot < outputs.len()
            {
                if info.chunk < 0 {
                    values.reverse();
                }
                outputs[*slot] = Some(self.builder.concatenate(&values, info.axis)?);
            }
        }
        outputs
            .into_iter()
            .map(|output| output.ok_or_else(|| Unsupported("a loop output without a value".to_owned())))
            .collect()
    }

    /// The part of an input that a round reads.
    fn chunk(&mut self, input: NodeId, info: &ScanInfo, round: usize) -> Built {
        let mut shape = self.builder.shape(input).to_vec();
        let steps = strides(&shape);
        let size = info.chunk.unsigned_abs();
        let length = shape.get(info.axis).copied().unwrap_or(1) as usize;
        if size == 0 || !length.is_multiple_of(size) || (info.chunk < 0 && size != 1) {
            return refuse(format!("a loop over {length} elements in pieces of {}", info.chunk));
        }
        let start = if info.chunk < 0 { length - 1 - round } else { round * size };
        shape[info.axis] = u32::try_from(size).unwrap_or(u32::MAX);
        let offset = u32::try_from(start as u64 * u64::from(steps[info.axis].unsigned_abs())).unwrap_or(u32::MAX);
        self.builder.strided(input, offset, shape, steps)
    }

    /// Gates in the order input, output, forget, cell.
    fn long_short_term(&mut self, gates: NodeId, state: NodeId, hidden: usize) -> Result<Vec<NodeId>, Unsupported> {
        let shape = self.builder.shape(state).to_vec();
        let mut parts = Vec::new();
        for gate in 0..4 {
            let part = self.gate(gates, gate, hidden, &shape)?;
            let function = if gate < 3 { Sigmoid } else { HyperbolicTangent };
            parts.push(self.builder.function(part, &[Variable, function])?);
        }
        let [input, output, forget, cell] = parts[..] else { return refuse("four gates") };
        let kept = self.builder.multiply(forget, state)?;
        let new = self.builder.multiply(input, cell)?;
        let state = self.builder.combine(&[(kept, 1.0), (new, 1.0)], 0.0)?;
        let bounded = self.builder.function(state, &[Variable, HyperbolicTangent])?;
        Ok(vec![self.builder.multiply(output, bounded)?, state])
    }

    /// Gates in the order update, reset, hidden; `theirs` is the recurrent part.
    fn gated(&mut self, ours: NodeId, theirs: NodeId, state: NodeId, hidden: usize) -> Built {
        let shape = self.builder.shape(state).to_vec();
        let mut parts = Vec::new();
        for gate in 0..3 {
            parts.push((self.gate(ours, gate, hidden, &shape)?, self.gate(theirs, gate, hidden, &shape)?));
        }
        let [update, reset, candidate] = parts[..] else { return refuse("three gates") };
        let sum = self.builder.combine(&[(update.0, 1.0), (update.1, 1.0)], 0.0)?;
        let update = self.builder.function(sum, &[Variable, Sigmoid])?;
        let sum = self.builder.combine(&[(reset.0, 1.0), (reset.1, 1.0)], 0.0)?;
        let reset = self.builder.function(sum, &[Variable, Sigmoid])?;
        let scaled = self.builder.multiply(reset, candidate.1)?;
        let sum = self.builder.combine(&[(candidate.0, 1.0), (scaled, 1.0)], 0.0)?;
        let candidate = self.builder.function(sum, &[Variable, HyperbolicTangent])?;
        self.choose(update, state, candidate)
    }

    fn gate(&mut self, gates: NodeId, gate: usize, hidden: usize, shape: &[u32]) -> Built {
        let hidden = u32::try_from(hidden).unwrap_or(u32::MAX);
        let part = self.slice_last(gates, u32::try_from(gate).unwrap_or(0).saturating_mul(hidden), hidden)?;
        self.builder.reshape(part, shape.to_vec())
    }

    /// A whole gated sequence `[batch, time, ..]`: input weights unless projected, recurrent weights, bias, state.
    fn gated_sequence(&mut self, sequence: &GruSeq, inputs: &[NodeId]) -> Result<Vec<NodeId>, Unsupported> {
        let hidden = u32::try_from(sequence.hidden).unwrap_or(u32::MAX);
        let gates = sequence.hidden.saturating_mul(3);
        let &[batch, times, _] = self.builder.shape(self.first(inputs)?) else {
            return refuse("a sequence of another rank");
        };
        if times as usize > ROUNDS_MAX {
            return refuse(format!("a sequence of {times} steps: expected at most {ROUNDS_MAX}"));
        }
        let fixed = |lowering: &Self, slot: usize| -> Result<Arc<Vec<f64>>, Unsupported> {
            let literal = inputs.get(slot).and_then(|input| lowering.builder.literal(*input));
            literal.ok_or_else(|| Unsupported(format!("weights that depend on the network's input (input {slot})")))
        };
        let place = if sequence.projected { 1 } else { 2 };
        let recurrent = fixed(self, place)?;
        let bias = if sequence.has_bias { fixed(self, place + 1)?.to_vec() } else { vec![0.0; gates * 2] };
        let (Some(ours), Some(theirs)) = (bias.get(..gates), bias.get(gates..gates * 2)) else {
            return refuse(format!("{} biases for {gates} gates", bias.len()));
        };
        let (ours, theirs) = (ours.to_vec(), theirs.to_vec());
        let projected = match (sequence.projected, self.first(inputs)?) {
            (true, input) => input,
            (false, input) => {
                let weights = fixed(self, 1)?;
                self.builder.dense(input, weights, ours)?
            }
        };
        let state = inputs.last().copied().ok_or_else(|| Unsupported("a sequence without a state".to_owned()))?;
        let mut state = self.builder.reshape(state, vec![batch, hidden])?;
        let mut steps = Vec::new();
        for round in 0..times as usize {
            let info = ScanInfo { axis: 1, chunk: if sequence.chunk < 0 { -1 } else { 1 } };
            let now = self.chunk(projected, &info, round)?;
            let before = self.builder.dense(state, recurrent.clone(), theirs.clone())?;
            state = self.gated(now, before, state, sequence.hidden)?;
            steps.push(self.builder.reshape(state, vec![batch, 1, hidden])?);
        }
        let last = self.builder.reshape(state, vec![batch, 1, hidden])?;
        if sequence.chunk < 0 {
            steps.reverse();
        }
        // Nothing reads the first output where it is not wanted.
        let all = if sequence.emit_y { self.builder.concatenate(&steps, 1)? } else { last };
        Ok(vec![all, last])
    }
}
