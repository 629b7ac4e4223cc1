// Runs the package in Node: honest and changed receipts, and the time that one takes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Key, Options, Verifier, initSync, tampered } from "../dist/package/assay_web.js";
import { cases, changed, key, proofless, receipt } from "./manifest.mjs";

initSync({ module: readFileSync(new URL("../dist/package/assay_web_bg.wasm", import.meta.url)) });
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
for (const change of cases()) assert.equal(code(changed(receipt, change)), change.code, JSON.stringify(change));
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
console.log(`package: ${cases().length} changed receipts and all options: as the commands decide`);
