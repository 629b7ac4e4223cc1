//! halo2's own verifier and the second one beside ours: every decision of a test is made by all three.

use std::io;

use halo2_proofs::SerdeFormat;
use halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine, G2Affine};
use halo2_proofs::halo2curves::ff::PrimeField;
use halo2_proofs::halo2curves::serde::SerdeObject;
use halo2_proofs::plonk::verify_proof;
use halo2_proofs::poly::kzg::commitment::{KZGCommitmentScheme, ParamsKZG};
use halo2_proofs::poly::kzg::multiopen::VerifierSHPLONK;
use halo2_proofs::poly::kzg::strategy::SingleStrategy;
use halo2_proofs::transcript::{EncodedChallenge, Transcript, TranscriptRead};

use circuits::statement::Statement;
use verifier::key::VerifyingKey;
use verifier::points::decode_g2;
use verifier::proof::{Proof, ProofError, Verified};
use verifier::transcript::{FieldChallenge, ProofReader};
use verifier::weights::linked;

/// What [`verifier::proof::verify`] decides; the second verifier decides the same from the files, and so does halo2.
pub(crate) fn verify(key: &VerifyingKey, statement: &Statement, proof: &Proof) -> Result<Verified, ProofError> {
    let decision = verifier::proof::verify(key, statement, proof);
    let second = second::Key::read(&key.to_bytes()).unwrap();
    assert_eq!((second.digest(), second.model_hash()), (key.digest(), key.model_hash()));
    let seconded = second.verify(statement, &proof.to_bytes());
    assert_eq!(seconded.is_ok(), decision.is_ok(), "{decision:?}, {seconded:?}");
    for (first, other) in
        [(ProofError::Weights, second::Refusal::Link), (ProofError::Constraints, second::Refusal::Constraints)]
    {
        assert_eq!(decision.as_ref().err() == Some(&first), seconded == Err(other), "{decision:?}, {seconded:?}");
    }
    let argued = match &decision {
        Ok(_) => true,
        Err(ProofError::Read(_) | ProofError::Trailing { .. } | ProofError::Weights | ProofError::Constraints) => true,
        Err(_) => false,
    };
    if argued {
        let instance = statement.instance(key.graph()).unwrap();
        assert_eq!(accepts(key, &key.digest(), &instance, &proof.bytes), decision.is_ok(), "{decision:?}");
    }
    decision
}

/// Whether halo2 accepts a proof whose transcript starts from `digest`, and its weight columns are the key's.
pub(crate) fn accepts(key: &VerifyingKey, digest: &[u8; 32], instance: &[Fr], proof: &[u8]) -> bool {
    let (accepted, Recorder { mut reader, points, challenges }) = run(key, digest, instance, proof);
    accepted
        && reader.remaining() == 0
        && key.link().is_none_or(|link| {
            let columns: Vec<G1Affine> = link.points.iter().map(|point| points[*point]).collect();
            linked(key.rows(), &columns, challenges[link.challenge], reader.squeeze())
        })
}

/// Runs halo2's verifier: whether it accepts, and what it read and drew.
pub(crate) fn run<'a>(key: &VerifyingKey, digest: &[u8; 32], instance: &[Fr], proof: &'a [u8]) -> (bool, Recorder<'a>) {
    let parameters = parameters(key);
    let mut recorder = Recorder { reader: ProofReader::new(digest, proof), points: Vec::new(), challenges: Vec::new() };
    let outcome = verify_proof::<KZGCommitmentScheme<Bn256>, VerifierSHPLONK<'_, Bn256>, _, _, _>(
        &parameters,
        key.halo2(),
        SingleStrategy::new(&parameters),
        &[&[instance]],
        &mut recorder,
    );
    (outcome.is_ok(), recorder)
}

/// Parameters that verify and can commit to nothing. Their fields are private to halo2, so the smallest file is written to
/// memory and read back.
fn parameters(key: &VerifyingKey) -> ParamsKZG<Bn256> {
    let (one, tau) = (G2Affine::generator(), decode_g2(&key.setup().encode()).unwrap());
    let mut bytes = 0u32.to_le_bytes().to_vec();
    for _ in 0..2 {
        G1Affine::generator().write_raw(&mut bytes).unwrap();
    }
    for point in [one, tau] {
        point.write_raw(&mut bytes).unwrap();
    }
    let smallest = ParamsKZG::<Bn256>::read_custom(&mut bytes.as_slice(), SerdeFormat::RawBytes).unwrap();
    smallest.from_parts(key.shape().k(), vec![G1Affine::generator()], Some(Vec::new()), one, tau)
}

/// Reads for halo2, and remembers what it read and drew.
pub(crate) struct Recorder<'a> {
    reader: ProofReader<'a>,
    points: Vec<G1Affine>,
    pub(crate) challenges: Vec<Fr>,
}

impl Transcript<G1Affine, FieldChallenge> for Recorder<'_> {
    fn squeeze_challenge(&mut self) -> FieldChallenge {
        let challenge = self.reader.squeeze();
        self.challenges.push(challenge);
        let mut wide = [0; 64];
        wide[..32].copy_from_slice(&challenge.to_repr());
        FieldChallenge::new(&wide)
    }

    fn common_point(&mut self, _: G1Affine) -> io::Result<()> {
        Err(io::Error::other("no point is common"))
    }

    fn common_scalar(&mut self, scalar: Fr) -> io::Result<()> {
        self.reader.absorb_scalar(&scalar);
        Ok(())
    }
}

impl TranscriptRead<G1Affine, FieldChallenge> for Recorder<'_> {
    fn read_point(&mut self) -> io::Result<G1Affine> {
        let point = self.reader.read_point().map_err(io::Error::other)?;
        self.points.push(point);
        Ok(point)
    }

    fn read_scalar(&mut self) -> io::Result<Fr> {
        self.reader.read_scalar().map_err(io::Error::other)
    }
}
