//! Where a contract keeps what in its memory.

use std::ops::Range;

use crate::field::WORD;
use crate::layout::{Layout, POINT_BYTES};

/// Arguments of precompiles, and their answers: as much as a pairing of two pairs takes.
pub(crate) const SCRATCH: usize = 0;
const SCRATCH_BYTES: usize = 12 * WORD;
/// Where the transcript's next message goes.
pub(crate) const TRANSCRIPT_END: usize = SCRATCH + SCRATCH_BYTES;

/// Areas whose sizes are a key's.
pub(crate) struct Memory {
    /// Points of the sum: the proof's, then the key's.
    pub(crate) points: usize,
    /// A multiple for each.
    pub(crate) scalars: usize,
    /// Messages of the transcript.
    pub(crate) transcript: usize,
    /// Single words, from here on.
    pub(crate) rest: usize,
    /// Of a contract in parts: multiples and single words, which they hand on.
    pub(crate) state: Range<usize>,
    /// Of a contract in parts: what one is called with, written where points and transcript are at other times.
    pub(crate) frame: usize,
}

impl Memory {
    /// For so many points in the sum.
    pub(crate) fn new(layout: &Layout, points: usize) -> Self {
        let first = TRANSCRIPT_END + WORD;
        let scalars = first + points * POINT_BYTES;
        let transcript = scalars + points * WORD;
        let rest = transcript + layout.transcript_bytes().next_multiple_of(WORD) + WORD;
        Self { points: first, scalars, transcript, rest, state: scalars..rest, frame: rest }
    }

    /// The same for a contract in parts, whose single words end at `end`: what parts hand on comes first, so that none of them
    /// pays for the rest.
    pub(crate) fn in_parts(points: usize, end: usize) -> Self {
        let scalars = TRANSCRIPT_END + WORD;
        let rest = scalars + points * WORD;
        let end = end.max(rest);
        Self { points: end, scalars, transcript: end + points * POINT_BYTES, rest, state: scalars..end, frame: end }
    }
}
