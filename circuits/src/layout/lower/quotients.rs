//! Lookup tables that requantisations share, where positions lie side by side.

use super::Lowering;
use super::finish::Step;
use crate::layout::tape::with_zero;
use crate::model::graph::quotient_range;
use crate::model::range::Range;

impl Lowering<'_> {
    /// Requantisations that differ in the interval of their accumulators alone share the table of the widest.
    pub(super) fn gather_quotients(&mut self) {
        for (index, node) in self.graph.nodes().iter().enumerate() {
            let needed = self.needed.get(index + 1).copied().unwrap_or(false);
            let Some(step) = self.step(index).filter(|_| needed) else { continue };
            let source = with_zero(self.source_range(index));
            if !step.is_direct(source, self.size.direct) || node.inputs.is_empty() {
                continue;
            }
            let (offset, quotients) = (self.offset(index + 1), quotient_range(source, step.shift));
            // As long as one table takes them all.
            let fits = |range: &Range| range.hull(&quotients).count() <= self.size.direct;
            let kind = self
                .quotients
                .iter_mut()
                .find(|(other, at, range)| *at == offset && other.applies_alike(&step) && fits(range));
            match kind {
                Some((.., range)) => *range = range.hull(&quotients),
                None => self.quotients.push((step, offset, quotients)),
            }
        }
    }

    /// An interval of accumulators whose quotients are those of all requantisations of the kind.
    pub(super) fn shared_source(&self, step: &Step, source: Range, offset: i64) -> Range {
        if !step.is_direct(source, self.size.direct) {
            return source;
        }
        let own = quotient_range(with_zero(source), step.shift);
        let kind = self
            .quotients
            .iter()
            .find(|(other, at, range)| *at == offset && other.applies_alike(step) && range.covers(&own));
        let Some((.., quotients)) = kind else { return source };
        // The middle of each quotient's accumulators.
        let (min, max) = quotients.scaled(1 << step.shift);
        let narrow = |end: i128| i64::try_from(end).ok();
        narrow(min).zip(narrow(max)).map_or(source, |(min, max)| Range { min, max })
    }
}
