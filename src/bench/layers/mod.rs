//! What each layer of verification costs, and which attacks it catches.
//!
//! Nothing in the picture is asserted: every attack is made (a network with other weights is run and proven in earnest) and
//! handed to every layer, and an honest submission must pass all of them, or there is no record. A layer that looks at a
//! share of the results catches that share of what it refuses. The chain's figures are its own rules' at development
//! parameters, and so are the rules on metadata and on a jury's verdict. Hardware is synthetic: its evidence has the form
//! and the signatures of genuine one, under other roots; so measuring needs the feature `synthetic`, reading records none.

mod attack;
#[cfg(feature = "synthetic")]
mod chain;
pub(crate) mod comparison;
#[cfg(feature = "synthetic")]
mod judge;
#[cfg(feature = "synthetic")]
mod jury;
mod layer;
#[cfg(feature = "synthetic")]
pub(crate) mod measure;
pub(crate) mod record;
pub(crate) mod report;
#[cfg(feature = "synthetic")]
mod scene;
#[cfg(feature = "synthetic")]
pub(crate) mod series;
#[cfg(feature = "synthetic")]
mod tools;

#[cfg(all(test, feature = "synthetic"))]
mod tests;
