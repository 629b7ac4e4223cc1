//! Tokens of a service that does not exist.
//!
//! No genuine signing keys are public, so tokens that verify are synthetic. The RSA intermediate is one fixed test key.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use der::oid::db::rfc5912::{RSA_ENCRYPTION, SHA_256_WITH_RSA_ENCRYPTION};
use rsa::BigUint;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{
    super::{
        device_chain::DeviceChain,
        report::Report,
        token::{NVIDIA_ISSUER, TokenEvidence},
    },
    encode::{bits, integer, name, octets, oid, sequence, time, tlv},
    pki::Key,
    world::NOW,
};

/// Modulus of the test intermediate.
const MODULUS: &str = "\
    b2474822782e0ce4096968750f4f153c0eb18a86b67afd7f4260b3bf056d9a89a00720b2e7d89d36c93e804f90e13923\
    7ad66b5f4a76f9003fe957dd9d1ea6a51caa2f035b6dec032274336046a81a17d45f68a2174c49061c7ffc8f1f63564c\
    aefe025b0d694fb4a54a0448fee33e56b5da49be31d4f882a4a42ef2106cb587c61908c1e4fe0180bdf47439724503bd\
    280a5e5899f06bb76618cdc0c997a92ff64c949473b59c8214ae8ff8af9bb38661df254e1cbc3ff41a16f1edaf0fe22a\
    5c5cfa66e13c78cc30a7dcc6694748fa5e8e6c763a338a72c346f418e35b9155045ebc9565e1d9c21542c9f7f4c19c95\
    1fdd1ca8c990a0e353d78d5bce0a3283\
";
/// Its private exponent: a test key, known to everybody.
const EXPONENT: &str = "\
    3712680925e0ebe081bbcb25e62dc2dc83997ab674a677aa9941b0250133437ae231717b72bd6a8b630d68abab90b78a\
    eb465372e358ef40917daec3e9e66f0a3059ae1e365f357a1e6990f95bba501d2e60aebcebbf880b58407d2f653dd589\
    e8c0d4cf75cc2370256341019fa3693d75fdd1abec4ee2d9d0ac5b4831a4b34a92b655c5fbe49c43342fca03ed53d382\
    7fc52aae5e5c0aa0b1be7cca2f87d0e2f42af6a639d08c4ea8d6286ad053a9ebfe075241d8e7e484ca4bf6ea3bafa481\
    eba22686fea92f8cf2a711dacdd1ade052ac631664ae872432cb032244183200716d0246a2550679f21fb48ed9419035\
    1a54d90263537aab1824d73982c93e41\
";

/// Common name of the test intermediate.
const INTERMEDIATE: &str = "NVIDIA Attestation Service GPU Intermediate 004";

/// Everything in a token before signing; a test changes one thing.
#[derive(Clone, Debug)]
pub struct TokenSpec {
    /// The service's key.
    pub key: Key,
    /// Its id.
    pub kid: String,
    /// Validity of the key's certificate, milliseconds.
    pub validity: (u64, u64),
    /// Header of every token.
    pub header: Value,
    /// Claims of the overall token; `submods` are added when signing.
    pub overall: Value,
    /// Claims of device tokens by name.
    pub devices: Vec<(String, Value)>,
}

fn unhex(text: &str) -> Vec<u8> {
    const_hex::decode(text).expect("our own constant")
}

/// Subject public key info of the test intermediate.
#[must_use]
pub fn intermediate_key() -> Vec<u8> {
    let algorithm = sequence(&[&oid(RSA_ENCRYPTION), &[5, 0]]);
    sequence(&[&algorithm, &bits(&sequence(&[&integer(&unhex(MODULUS)), &integer(&[1, 0, 1])]))])
}

/// SHA-256 of [`intermediate_key`].
#[must_use]
pub fn intermediate_pin() -> [u8; 32] {
    Sha256::digest(intermediate_key()).into()
}

fn sign_rsa(message: &[u8]) -> Vec<u8> {
    let info =
        sequence(&[&sequence(&[&oid(der::oid::db::rfc5912::ID_SHA_256), &[5, 0]]), &octets(&Sha256::digest(message))]);
    let mut padded = vec![0, 1];
    padded.resize(256 - info.len() - 1, 0xFF);
    padded.push(0);
    padded.extend(info);
    let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
    let signature = number(&padded).modpow(&number(&unhex(EXPONENT)), &number(&unhex(MODULUS))).to_bytes_be();
    [vec![0; 256 - signature.len()], signature].concat()
}

fn certificate(subject: &str, key_info: &[u8], authority: bool, validity: (u64, u64)) -> Vec<u8> {
    let algorithm = sequence(&[&oid(SHA_256_WITH_RSA_ENCRYPTION), &[5, 0]]);
    let ca: &[u8] = if authority { &[1, 1, 0xFF] } else { &[] };
    let constraints =
        sequence(&[&oid(der::oid::db::rfc5280::ID_CE_BASIC_CONSTRAINTS), &[1, 1, 0xFF], &octets(&sequence(&[ca]))]);
    let tbs = sequence(&[
        &tlv(0xA0, &[&integer(&[2])]),
        &integer(&[1]),
        &algorithm,
        &name(INTERMEDIATE),
        &sequence(&[&time(validity.0), &time(validity.1)]),
        &name(subject),
        key_info,
        &tlv(0xA3, &[&sequence(&[&constraints])]),
    ]);
    sequence(&[&tbs, &algorithm, &bits(&sign_rsa(&tbs))])
}

impl TokenSpec {
    /// A good token for `devices` GPUs, issued a minute before [`NOW`], for an hour.
    #[must_use]
    pub fn new(seed: &[u8; 32], nonce: &[u8; 32], devices: usize) -> Self {
        let issued = NOW / 1000 - 60;
        let common = json!({
            "iss": NVIDIA_ISSUER,
            "eat_nonce": const_hex::encode(nonce),
            "iat": issued,
            "nbf": issued,
            "exp": issued + 3600,
        });
        let with = |more: Value| {
            let mut claims = common.clone();
            let (Some(claims_map), Value::Object(more)) = (claims.as_object_mut(), more) else { return common.clone() };
            claims_map.extend(more);
            claims
        };
        let device = |number: usize| {
            let claims = json!({
                "measres": "success",
                "secboot": true,
                "dbgstat": "disabled",
                "hwmodel": "GH100 A01 GSP BROM",
                "ueid": format!("4781763792860821866{number}"),
                "x-nvidia-gpu-driver-version": "590.48.01",
                "x-nvidia-gpu-vbios-version": "96.00.9F.00.01",
            });
            (format!("GPU-{number}"), with(claims))
        };
        let kid = "nv-eat-kid-prod-synthetic".to_owned();
        Self {
            key: Key::derive(seed, &kid),
            header: json!({ "alg": "ES384", "kid": kid }),
            kid,
            validity: (NOW - 86_400_000, NOW + 86_400_000),
            overall: with(
                json!({ "sub": "NVIDIA-PLATFORM-ATTESTATION", "x-nvidia-ver": "3.0", "x-nvidia-overall-att-result": true }),
            ),
            devices: (0..devices).map(device).collect(),
        }
    }

    /// A good token for one device, as the service would write it about this report.
    #[must_use]
    pub fn about(seed: &[u8; 32], chain: &DeviceChain, report: &Report) -> Self {
        let mut spec = Self::new(seed, report.request_nonce(), 1);
        for (_, claims) in &mut spec.devices {
            let stated = json!({
                "hwmodel": chain.model(),
                "ueid": chain.ueid(),
                "x-nvidia-gpu-driver-version": report.opaque().driver.as_ref().map(ToString::to_string),
                "x-nvidia-gpu-vbios-version": report.opaque().vbios.to_string(),
            });
            if let (Some(claims), Value::Object(stated)) = (claims.as_object_mut(), stated) {
                claims.extend(stated);
            }
        }
        spec
    }

    /// A compact token with these claims.
    #[must_use]
    pub fn compact(&self, claims: &Value) -> String {
        let part = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let signed = format!("{}.{}", part(&self.header), part(claims));
        let signature = Base64UrlUnpadded::encode_string(&self.key.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }

    /// The key set with the key's certificate and the test intermediate's.
    #[must_use]
    pub fn key_set(&self) -> Value {
        let leaf = certificate("NVIDIA Attestation Service", &self.key.info, false, self.validity);
        let intermediate = certificate(INTERMEDIATE, &intermediate_key(), true, (0, NOW + 900 * 86_400_000));
        let x5c = [leaf, intermediate].map(|der| Base64::encode_string(&der));
        json!({ "keys": [{ "kty": "EC", "crv": "P-384", "kid": self.kid, "x5c": x5c }] })
    }

    /// Overall token and device tokens; `edit` sees both before they are put together.
    #[must_use]
    pub fn evidence(&self, edit: impl FnOnce(&mut Value, &mut serde_json::Map<String, Value>)) -> TokenEvidence {
        let mut detached = serde_json::Map::new();
        let mut submods = serde_json::Map::new();
        for (name, claims) in &self.devices {
            let compact = self.compact(claims);
            submods.insert(name.clone(), json!(["DIGEST", ["SHA-256", const_hex::encode(Sha256::digest(&compact))]]));
            detached.insert(name.clone(), Value::String(compact));
        }
        let mut overall = self.overall.clone();
        overall["submods"] = Value::Object(submods);
        edit(&mut overall, &mut detached);
        let token = json!([["JWT", self.compact(&overall)], detached]);
        TokenEvidence { token: token.to_string().into_bytes(), key_set: self.key_set().to_string().into_bytes() }
    }
}
