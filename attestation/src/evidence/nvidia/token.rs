//! Tokens of the vendor's remote attestation service: a detached EAT (RFC 9711) of one overall token and one per device.
//!
//! A token is the vendor's word for an appraisal that nobody can repeat, so it earns less than evidence. What is checked:
//! ES384 and nothing else (the vendor's own local verifiers sign with a published secret or not at all); the key by its
//! `kid`, certified by a pinned intermediate and valid when the token was issued; issuer, nonce and times of every token;
//! that the overall token commits to exactly the device tokens present; and every device's result.

use std::collections::{BTreeMap, BTreeSet};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use borsh::{BorshDeserialize, BorshSerialize};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::{
    container::DEVICES_MAX,
    signature::{PublicKey, Signature, SignatureError},
    token_key::{self, TokenKeyError},
};

/// Most bytes of a detached token.
pub const TOKEN_BYTES_MAX: usize = 128 * 1024;
/// Most bytes of a key set.
pub const KEY_SET_BYTES_MAX: usize = 128 * 1024;
/// Issuer of the production service.
pub const NVIDIA_ISSUER: &str = "https://nras.attestation.nvidia.com";
const ALGORITHM: &str = "ES384";
const SUBJECT: &str = "NVIDIA-PLATFORM-ATTESTATION";

/// A token and the key set in force when it was issued, which the service rotates every other day.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct TokenEvidence {
    /// JSON: `[["JWT", overall], {"GPU-0": token, ...}]`.
    pub token: Vec<u8>,
    /// JSON web key set with certificate chains.
    pub key_set: Vec<u8>,
}

/// What a verifier asks of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequirements {
    /// The one issuer.
    pub issuer: String,
    /// SHA-256 of the subject public key infos of intermediates that certify the service's keys.
    pub intermediates: BTreeSet<[u8; 32]>,
    /// Most age of a token, milliseconds, whatever its own expiry.
    pub age_ms_max: u64,
}

impl Default for TokenRequirements {
    /// The production service, no intermediate, tokens of at most an hour, which is what the service gives them.
    fn default() -> Self {
        Self { issuer: NVIDIA_ISSUER.to_owned(), intermediates: BTreeSet::new(), age_ms_max: 3_600_000 }
    }
}

/// A device as the service saw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenDevice {
    /// Name in the token, such as `GPU-0`.
    pub name: String,
    /// Model.
    pub model: String,
    /// The vendor's device id. **Not stable**: it changes with the driver.
    pub ueid: String,
    /// Driver version, if stated.
    pub driver: Option<String>,
    /// VBIOS or switch firmware version, if stated.
    pub vbios: Option<String>,
}

/// What a token that passed says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TokenClaims {
    /// Devices by name.
    pub devices: Vec<TokenDevice>,
    /// When it was issued, milliseconds.
    pub issued_at_ms: u64,
    /// Last moment at which it counts, milliseconds.
    pub expires_at_ms: u64,
}

/// Why a token is refused. `token` is `overall` or a device's name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TokenError {
    /// Too large.
    #[error("token {part}: expected at most {max} bytes, got {got}")]
    TooLong {
        /// `token` or `key_set`.
        part: &'static str,
        /// Its cap.
        max: usize,
        /// Its size.
        got: usize,
    },
    /// Not the JSON of a detached token or a key set.
    #[error("token {part}: not the JSON expected (line {line}, column {column})")]
    Json {
        /// `token` or `key_set`.
        part: &'static str,
        /// Line of the fault.
        line: usize,
        /// Its column.
        column: usize,
    },
    /// Not three parts of base64url with a header and claims.
    #[error("token {token}: not a compact JWT with the claims expected")]
    Compact {
        /// Which.
        token: String,
    },
    /// Another algorithm.
    #[error("token {token}: expected algorithm ES384, got {got}")]
    Algorithm {
        /// Which.
        token: String,
        /// Algorithm found.
        got: String,
    },
    /// Header parameters that must be understood and are not.
    #[error("token {token}: critical header parameters are not processed here")]
    Critical {
        /// Which.
        token: String,
    },
    /// The key set has no such key, or several.
    #[error("token {token}: the key set has no single key {kid}")]
    UnknownKey {
        /// Which.
        token: String,
        /// Key asked for.
        kid: String,
    },
    /// A key that is not certified as it must be.
    #[error("token {token}: {source}")]
    Key {
        /// Which.
        token: String,
        /// Why.
        source: TokenKeyError,
    },
    /// Not signed by its key.
    #[error("token {token}: {source}")]
    Signature {
        /// Which.
        token: String,
        /// Why.
        source: SignatureError,
    },
    /// Another service.
    #[error("token {token}: expected issuer {expected}, got {got}")]
    Issuer {
        /// Which.
        token: String,
        /// The one issuer.
        expected: String,
        /// Issuer found.
        got: String,
    },
    /// Another subject than a platform.
    #[error("token overall: expected subject {SUBJECT}, got {got}")]
    Subject {
        /// Subject found.
        got: String,
    },
    /// Of other work.
    #[error("token {token}: answers another nonce")]
    Nonce {
        /// Which.
        token: String,
    },
    /// Before its time.
    #[error("token {token}: counts from {from} on, judged at {at} (milliseconds)")]
    NotYetValid {
        /// Which.
        token: String,
        /// The later of `nbf` and `iat`.
        from: u64,
        /// Time of judging.
        at: u64,
    },
    /// After its time.
    #[error("token {token}: expired at {expires_at}, judged at {at} (milliseconds)")]
    Expired {
        /// Which.
        token: String,
        /// By its own word or by the verifier's maximum age.
        expires_at: u64,
        /// Time of judging.
        at: u64,
    },
    /// The service says that the platform failed.
    #[error("token overall: the service's result is not success")]
    OverallResult,
    /// No device, or more than a machine has.
    #[error("token overall: expected 1 to {DEVICES_MAX} devices, got {got}")]
    Count {
        /// Devices stated.
        got: usize,
    },
    /// A device token that the overall token does not commit to, or the other way round.
    #[error("token: overall and detached parts name different devices")]
    Devices,
    /// A device token that is not the one committed to.
    #[error("token {token}: not the token that the overall token commits to")]
    Digest {
        /// Which.
        token: String,
    },
    /// A claim that is missing or not what it must be.
    #[error("token {token}: claim {claim} is not {expected}")]
    Claim {
        /// Which.
        token: String,
        /// The claim.
        claim: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// One device twice.
    #[error("token {token}: device {ueid} appears twice")]
    DuplicateDevice {
        /// The second token.
        token: String,
        /// The device.
        ueid: String,
    },
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: String,
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<WebKey>,
}

#[derive(Deserialize)]
struct WebKey {
    kid: String,
    #[serde(default)]
    x5c: Vec<String>,
}

#[derive(Deserialize)]
struct Common {
    iss: String,
    eat_nonce: String,
    iat: u64,
    nbf: u64,
    exp: u64,
}

#[derive(Deserialize)]
struct Overall {
    #[serde(flatten)]
    common: Common,
    sub: String,
    #[serde(rename = "x-nvidia-overall-att-result")]
    result: Option<bool>,
    submods: BTreeMap<String, (String, (String, String))>,
}

#[derive(Deserialize)]
struct DeviceToken {
    #[serde(flatten)]
    common: Common,
    measres: Option<String>,
    secboot: Option<bool>,
    dbgstat: Option<String>,
    hwmodel: String,
    ueid: String,
    #[serde(rename = "x-nvidia-gpu-driver-version")]
    driver: Option<String>,
    #[serde(rename = "x-nvidia-gpu-vbios-version", alias = "x-nvidia-switch-bios-version")]
    vbios: Option<String>,
}

/// Checks a detached token for `nonce` at the time `at` (milliseconds since the epoch).
///
/// # Errors
/// [`TokenError`].
pub fn verify(
    evidence: &TokenEvidence,
    requirements: &TokenRequirements,
    nonce: &[u8; 32],
    at: u64,
) -> Result<TokenClaims, TokenError> {
    let ((kind, overall_text), detached): ((String, String), BTreeMap<String, String>) =
        json("token", &evidence.token, TOKEN_BYTES_MAX)?;
    let keys: KeySet = json("key_set", &evidence.key_set, KEY_SET_BYTES_MAX)?;
    let check = Check { requirements, keys: &keys.keys, nonce: const_hex::encode(nonce), at };
    if kind != "JWT" {
        return Err(TokenError::Compact { token: "overall".to_owned() });
    }
    let overall: Overall = check.open("overall", &overall_text, |overall: &Overall| &overall.common)?;
    if overall.sub != SUBJECT {
        return Err(TokenError::Subject { got: overall.sub });
    }
    if overall.result != Some(true) {
        return Err(TokenError::OverallResult);
    }
    if !(1..=DEVICES_MAX).contains(&overall.submods.len()) {
        return Err(TokenError::Count { got: overall.submods.len() });
    }
    if !overall.submods.keys().eq(detached.keys()) {
        return Err(TokenError::Devices);
    }
    let mut expires_at_ms = check.expiry(&overall.common);
    let mut devices: Vec<TokenDevice> = Vec::new();
    for ((name, (form, (hash, digest))), text) in overall.submods.iter().zip(detached.values()) {
        // The digest is over the compact token as it stands.
        let committed = const_hex::encode(Sha256::digest(text));
        if form != "DIGEST" || hash != "SHA-256" || *digest != committed {
            return Err(TokenError::Digest { token: name.clone() });
        }
        let token: DeviceToken = check.open(name, text, |token: &DeviceToken| &token.common)?;
        expires_at_ms = expires_at_ms.min(check.expiry(&token.common));
        check_result(name, &token)?;
        if devices.iter().any(|known| known.ueid == token.ueid) {
            return Err(TokenError::DuplicateDevice { token: name.clone(), ueid: token.ueid });
        }
        let DeviceToken { hwmodel: model, ueid, driver, vbios, .. } = token;
        devices.push(TokenDevice { name: name.clone(), model, ueid, driver, vbios });
    }
    Ok(TokenClaims { devices, issued_at_ms: overall.common.iat.saturating_mul(1000), expires_at_ms })
}

fn check_result(name: &str, token: &DeviceToken) -> Result<(), TokenError> {
    let claim = |claim, expected| Err(TokenError::Claim { token: name.to_owned(), claim, expected });
    if !matches!(token.measres.as_deref(), Some("success" | "comparison-successful")) {
        return claim("measres", "success");
    }
    if token.secboot != Some(true) {
        return claim("secboot", "true");
    }
    if token.dbgstat.as_deref() != Some("disabled") {
        return claim("dbgstat", "disabled");
    }
    Ok(())
}

struct Check<'a> {
    requirements: &'a TokenRequirements,
    keys: &'a [WebKey],
    nonce: String,
    at: u64,
}

impl Check<'_> {
    /// Reads a compact token, checks its signature and the claims that all tokens share.
    fn open<T: DeserializeOwned>(
        &self,
        name: &str,
        compact: &str,
        common: impl Fn(&T) -> &Common,
    ) -> Result<T, TokenError> {
        let token = || name.to_owned();
        let malformed = || TokenError::Compact { token: token() };
        let (signed, signature) = compact.rsplit_once('.').ok_or_else(malformed)?;
        let (header, payload) = signed.split_once('.').ok_or_else(malformed)?;
        let header: Header = part(header).ok_or_else(malformed)?;
        if header.alg != ALGORITHM {
            return Err(TokenError::Algorithm { token: token(), got: header.alg });
        }
        if header.crit.is_some() {
            return Err(TokenError::Critical { token: token() });
        }
        let claims: T = part(payload).ok_or_else(malformed)?;
        // First, because it is cheap and tokens of other devices are expected beside this one's.
        if common(&claims).eat_nonce != self.nonce {
            return Err(TokenError::Nonce { token: token() });
        }
        let key = self.key(name, &header.kid, common(&claims).iat.saturating_mul(1000))?;
        let raw = Base64UrlUnpadded::decode_vec(signature).ok().and_then(|raw| raw.try_into().ok());
        let bad = |source| TokenError::Signature { token: token(), source };
        let signature = Signature::from_raw(&raw.ok_or_else(malformed)?).map_err(bad)?;
        key.verify(signed.as_bytes(), &signature).map_err(bad)?;
        self.check_common(name, common(&claims))?;
        Ok(claims)
    }

    /// The key of this id, certified by a pinned intermediate, at the time of issue.
    fn key(&self, name: &str, kid: &str, issued_at: u64) -> Result<PublicKey, TokenError> {
        let mut found = self.keys.iter().filter(|key| key.kid == kid);
        let (Some(key), None) = (found.next(), found.next()) else {
            return Err(TokenError::UnknownKey { token: name.to_owned(), kid: kid.to_owned() });
        };
        let ders = key.x5c.iter().map(|text| Base64::decode_vec(text)).collect::<Result<Vec<_>, _>>();
        ders.map_err(|_| TokenKeyError::Malformed)
            .and_then(|ders| token_key::verify(&ders, &self.requirements.intermediates, issued_at))
            .map_err(|source| TokenError::Key { token: name.to_owned(), source })
    }

    fn check_common(&self, name: &str, common: &Common) -> Result<(), TokenError> {
        let token = || name.to_owned();
        if common.iss != self.requirements.issuer {
            let (expected, got) = (self.requirements.issuer.clone(), common.iss.clone());
            return Err(TokenError::Issuer { token: token(), expected, got });
        }
        let from = common.nbf.max(common.iat).saturating_mul(1000);
        if self.at < from {
            return Err(TokenError::NotYetValid { token: token(), from, at: self.at });
        }
        let expires_at = self.expiry(common);
        // RFC 7519, section 4.1.4: not on or after.
        if self.at >= expires_at {
            return Err(TokenError::Expired { token: token(), expires_at, at: self.at });
        }
        Ok(())
    }

    fn expiry(&self, common: &Common) -> u64 {
        let oldest = common.iat.saturating_mul(1000).saturating_add(self.requirements.age_ms_max);
        common.exp.saturating_mul(1000).min(oldest)
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(text).ok()?).ok()
}

fn json<T: DeserializeOwned>(part: &'static str, bytes: &[u8], max: usize) -> Result<T, TokenError> {
    if bytes.len() > max {
        return Err(TokenError::TooLong { part, max, got: bytes.len() });
    }
    serde_json::from_slice(bytes).map_err(|error| TokenError::Json { part, line: error.line(), column: error.column() })
}
