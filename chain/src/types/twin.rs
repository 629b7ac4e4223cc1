//! The JSON spellings of what JSON has no type for: money as decimal text, byte strings and hashes as hexadecimal text.
//!
//! A twin reads back to the value it was written from, and through it to the same canonical bytes. Use with
//! `#[serde(with = "crate::types::twin::…")]`.

/// Micro-tokens as decimal text: JSON numbers lose digits beyond 2^53.
pub mod micro {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes decimal digits.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(amount: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(amount)
    }

    /// Reads decimal digits in their only spelling: no sign, no leading zero.
    ///
    /// # Errors
    /// The deserializer's own, or what is wrong with the text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        let text = String::deserialize(deserializer)?;
        let amount = text.parse::<u128>().ok().filter(|amount| amount.to_string() == text);
        amount.ok_or_else(|| D::Error::custom("expected micro-tokens as decimal text, such as \"1000000\""))
    }
}

/// A byte string as `0x` and lower-case hexadecimal.
pub mod bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes canonical hexadecimal.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&attestation::hex::encode(bytes))
    }

    /// Reads canonical hexadecimal.
    ///
    /// # Errors
    /// The deserializer's own, or what is wrong with the text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        attestation::hex::decode_vec(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// A list of byte strings.
pub mod byte_strings {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes canonical hexadecimal.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(list: &[Vec<u8>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| attestation::hex::encode(bytes)))
    }

    /// Reads canonical hexadecimal.
    ///
    /// # Errors
    /// The deserializer's own, or what is wrong with a text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<u8>>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| attestation::hex::decode_vec(text).map_err(D::Error::custom)).collect()
    }
}

/// A list of hashes.
pub mod hashes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes canonical hexadecimal.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(hashes: &[[u8; 32]], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(hashes.iter().map(|hash| attestation::hex::encode(hash)))
    }

    /// Reads canonical hexadecimal.
    ///
    /// # Errors
    /// The deserializer's own, or what is wrong with a text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<[u8; 32]>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| attestation::hex::decode(text).map_err(D::Error::custom)).collect()
    }
}

/// A hash that may be missing, as `null`.
pub mod optional_hash {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes canonical hexadecimal or `null`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(hash: &Option<[u8; 32]>, serializer: S) -> Result<S::Ok, S::Error> {
        match hash {
            Some(hash) => serializer.serialize_str(&attestation::hex::encode(hash)),
            None => serializer.serialize_none(),
        }
    }

    /// Reads canonical hexadecimal or `null`.
    ///
    /// # Errors
    /// The deserializer's own, or what is wrong with the text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<[u8; 32]>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| attestation::hex::decode(&text).map_err(D::Error::custom)).transpose()
    }
}
