//! A client of a node.
