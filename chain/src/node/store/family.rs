//! Column families, and the keys and values in them; drawn in the module above.

use jmt::storage::{NodeKey, StaleNodeIndex};

use crate::types::ids::Hash;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Meta,
    Nodes,
    Values,
    Stale,
    KeyIndex,
    Blocks,
    Certificates,
    Receipts,
    Transactions,
}

impl Family {
    pub(super) const ALL: [Self; 9] = [
        Self::Meta,
        Self::Nodes,
        Self::Values,
        Self::Stale,
        Self::KeyIndex,
        Self::Blocks,
        Self::Certificates,
        Self::Receipts,
        Self::Transactions,
    ];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Nodes => "jmt_nodes",
            Self::Values => "jmt_values",
            Self::Stale => "jmt_stale",
            Self::KeyIndex => "key_index",
            Self::Blocks => "blocks",
            Self::Certificates => "certs",
            Self::Receipts => "receipts",
            Self::Transactions => "tx_index",
        }
    }
}

/// Keys of [`Family::Meta`].
pub(super) const HEAD: &[u8] = b"head";
pub(super) const FLOOR: &[u8] = b"floor";

/// Key of a node of the state tree.
pub(super) fn node_key(key: &NodeKey) -> Vec<u8> {
    let nibbles: Vec<u8> = key.nibble_path().nibbles().map(u8::from).collect();
    let mut bytes = key.version().to_be_bytes().to_vec();
    bytes.push(u8::try_from(nibbles.len()).unwrap_or(u8::MAX));
    bytes.extend(nibbles.chunks(2).map(|pair| match pair {
        [high, low] => (high << 4) | low,
        [high] => high << 4,
        _ => 0,
    }));
    bytes
}

/// Key of a node that nothing needs from a height on.
pub(super) fn stale_key(stale: &StaleNodeIndex) -> Vec<u8> {
    [stale.stale_since_version.to_be_bytes().as_slice(), &node_key(&stale.node_key)].concat()
}

/// Key of the value that `key_hash` got at `version`.
pub(super) fn value_key(key_hash: &Hash, version: u64) -> Vec<u8> {
    [key_hash.as_slice(), &version.to_be_bytes()].concat()
}

/// A value, or that it was deleted.
pub(super) fn value_entry(value: Option<&[u8]>) -> Vec<u8> {
    value.map_or_else(|| vec![0], |value| [&[1], value].concat())
}

/// Reads [`value_entry`]; none for bytes that it does not write.
pub(super) fn read_value_entry(entry: &[u8]) -> Option<Option<Vec<u8>>> {
    match entry.split_first()? {
        (0, []) => Some(None),
        (1, value) => Some(Some(value.to_vec())),
        _ => None,
    }
}

/// Where a transaction is.
pub(super) fn place_entry(height: u64, position: u32) -> [u8; 12] {
    let mut entry = [0; 12];
    let (left, right) = entry.split_at_mut(8);
    left.copy_from_slice(&height.to_be_bytes());
    right.copy_from_slice(&position.to_be_bytes());
    entry
}

/// Reads [`place_entry`].
pub(super) fn read_place_entry(entry: &[u8]) -> Option<(u64, u32)> {
    let (height, position) = entry.split_at_checked(8)?;
    Some((u64::from_be_bytes(height.try_into().ok()?), u32::from_be_bytes(position.try_into().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(version: u64, path: &[u8]) -> NodeKey {
        // Borsh of a path: how many nibbles, then the packed bytes.
        let packed: Vec<u8> = path.chunks(2).map(|pair| (pair[0] << 4) | pair.get(1).unwrap_or(&0)).collect();
        NodeKey::new(version, borsh::from_slice(&borsh::to_vec(&(path.len() as u64, packed)).unwrap()).unwrap())
    }

    #[test]
    fn keys_are_as_drawn() {
        assert_eq!(node_key(&key(1, &[])), [0, 0, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(node_key(&key(258, &[10, 11, 12])), [0, 0, 0, 0, 0, 0, 1, 2, 3, 0xab, 0xc0]);
        let stale = StaleNodeIndex { stale_since_version: 3, node_key: key(2, &[1, 2]) };
        assert_eq!(stale_key(&stale), [0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0x12]);
        assert_eq!(value_key(&[9; 32], 256)[32..], [0, 0, 0, 0, 0, 0, 1, 0]);
    }

    #[test]
    fn an_odd_path_is_not_the_even_path_that_ends_in_zero() {
        assert_ne!(node_key(&key(1, &[1, 2, 3])), node_key(&key(1, &[1, 2, 3, 0])));
    }

    #[test]
    fn entries_read_back_and_nothing_else_does() {
        for value in [None, Some(b"".as_slice()), Some(b"value")] {
            assert_eq!(read_value_entry(&value_entry(value)), Some(value.map(<[u8]>::to_vec)));
        }
        for bytes in [b"".as_slice(), b"\x00x", b"\x02x"] {
            assert_eq!(read_value_entry(bytes), None);
        }
        assert_eq!(read_place_entry(&place_entry(7, 8)), Some((7, 8)));
        assert_eq!(read_place_entry(&[0; 11]), None);
        assert_eq!(read_place_entry(&[0; 13]), None);
    }
}
