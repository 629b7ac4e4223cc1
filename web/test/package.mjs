// Runs the package in Node: honest and changed receipts, and the time that one takes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Key, Options, Verifier, initSync, keyRefusal, tampered } from "../dist/package/assay_web.js";
import { READS, changed, digit, generated, proof, proofless, sequence } from "./manifest.mjs";

initSync({ module: readFileSync(new URL("../dist/package/assay_web_bg.wasm", import.meta.url)) });
const { receipt, key } = digit;
const insecure = new Options();
insecure.acceptInsecureSetup();
const verifier = new Verifier(new Key(key), insecure);
const code = (bytes, by = verifier) => {
  const answer = JSON.parse(by.verify(bytes));
  assert.equal(answer.accepted, answer.code === 0);
  return answer.code;
};

assert.equal(code(receipt), 0);
assert.equal(code(receipt, new Verifier(undefined, insecure)), 3, "without a key");
assert.equal(code(receipt, new Verifier(new Key(key), new Options())), 3, "without a setup that is accepted");
assert.equal(code(proofless), 3, "without a proof");
const attested = new Options();
attested.requireAttested();
assert.equal(code(proofless, new Verifier(undefined, attested)), 0, "with evidence");
for (const part of ["proof", "output", "input", "nonce"]) assert.equal(code(tampered(receipt, part)), 1, part);
for (const released of [digit, sequence, generated]) {
  const by = new Verifier(new Key(released.key), insecure);
  for (const change of released.cases) assert.equal(code(changed(released.receipt, change), by), change.code, JSON.stringify(change));
}
/** The code that the receipt gets with a changed key, or that what is no key gets. */
const codeByKey = (bytes, file) => {
  const refusal = keyRefusal(bytes);
  return refusal === undefined ? code(file, new Verifier(new Key(bytes), insecure)) : JSON.parse(refusal).code;
};
for (const { receipt: file, key: own, keys } of [digit, generated]) {
  assert.equal(codeByKey(own, file), 0);
  for (const change of keys) assert.equal(codeByKey(changed(own, change), file), change.code, JSON.stringify(change));
}
assert.throws(() => insecure.readTokensBy(key), /not a tokenizer/);
const reading = new Options();
reading.acceptInsecureSetup();
reading.readTokensBy(sequence.tokenizer);
const reader = new Verifier(new Key(sequence.key), reading);
const read = JSON.parse(reader.verify(sequence.receipt));
assert.deepEqual([read.code, read.text], [0, READS]);
assert.equal(JSON.parse(verifier.verify(receipt)).text, null);

/** A proof outside a receipt, by what it is to show. */
const decide = (file, statement) => JSON.parse(verifier.verifyProof(file, new TextEncoder().encode(JSON.stringify(statement))));
const { context_digest, input, output } = JSON.parse(verifier.verify(receipt));
assert.deepEqual([decide(proof, { context_digest, input, output }).code, decide(proof, { context_digest, input, output }).kind], [0, "proof"]);
input.values[0] ^= 1;
assert.equal(decide(proof, { context_digest, input, output }).code, 1, "another statement");
assert.equal(decide(proof, {}).code, 2, "no statement");
assert.equal(decide(receipt, { context_digest, input, output }).code, 2, "no proof");
assert.throws(() => new Key(key.slice(0, 100)), /verifying key file/);
assert.throws(() => tampered(receipt, "nothing"), /expected proof, output, input or nonce/);
assert.throws(() => insecure.acceptSetup("0x12"), /hexadecimal/);
assert.throws(() => insecure.acceptSetup(JSON.parse(new Key(key).describe()).setup_id), /development setup/);

const times = { "loading the key": () => new Key(key).free(), "judging a receipt": () => verifier.verify(receipt) };
for (const [what, run] of Object.entries(times)) {
  const samples = Array.from({ length: 21 }, () => {
    const start = performance.now();
    run();
    return performance.now() - start;
  });
  samples.sort((left, right) => left - right);
  console.log(`${what} in Node: median ${samples[10].toFixed(1)} ms of 21`);
}
const receipts = [digit, sequence, generated].reduce((sum, { cases }) => sum + cases.length, 0);
console.log(`package: ${receipts} changed receipts, ${digit.keys.length + generated.keys.length} changed keys and all options: as the commands decide`);
