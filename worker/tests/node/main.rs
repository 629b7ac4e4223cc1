//! Workers on a real node.
