// The tamper manifest of a receipt file, written by verifier/tests/program: each front must give the listed code.
import { readFileSync } from "node:fs";

const vector = (name) => new Uint8Array(readFileSync(new URL("../../verifier/tests/vectors/" + name, import.meta.url)));
/** Each change, and the exit code that every front gives. */
const changes = (name) => JSON.parse(new TextDecoder().decode(vector(name)));

export const proof = vector("proof-1.proof");
export const proofless = vector("receipt-1-without-proof.receipt");
export const digit = { receipt: vector("receipt-1.receipt"), key: vector("key-3.vk"), cases: changes("manifest.json"), keys: changes("manifest-key-3.json") };
export const sequence = {
  receipt: vector("sequence-receipt-1.receipt"),
  key: vector("sequence-key-3.vk"),
  tokenizer: vector("sequence-tokenizer.json"),
  cases: changes("manifest-sequence.json"),
};
export const generated = {
  receipt: vector("generated-receipt-1.receipt"),
  key: vector("generated-key-3.vk"),
  cases: changes("manifest-generated.json"),
  keys: changes("manifest-generated-key-3.json"),
};
export const READS = "[CLS] playing chess is fun [SEP] [PAD]";

/** Applies a case's change. */
export function changed(bytes, { flip, mask, truncate, extend, checksum }) {
  if (truncate !== undefined) return bytes.slice(0, truncate);
  const copy = new Uint8Array(bytes.length + (extend ?? 0));
  copy.set(bytes);
  if (flip !== undefined) copy[flip] ^= mask ?? 1;
  if (checksum !== undefined) copy.set(checksum, copy.length - checksum.length);
  return copy;
}
