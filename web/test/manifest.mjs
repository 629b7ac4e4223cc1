// The tamper manifest of a receipt file, written by verifier/tests/program: each front must give the listed code.
import { readFileSync } from "node:fs";

const vector = (name) => new Uint8Array(readFileSync(new URL("../../verifier/tests/vectors/" + name, import.meta.url)));
export const receipt = vector("receipt-1.receipt");
export const key = vector("key-2.vk");
export const proofless = vector("receipt-1-without-proof.receipt");

/** Each case: its name, the bytes, and the exit code that every front gives. */
export function cases() {
  return JSON.parse(readFileSync(new URL("../../verifier/tests/vectors/manifest.json", import.meta.url), "utf8"));
}

/** Applies a case's change. */
export function changed(bytes, { flip, truncate, extend, checksum }) {
  if (truncate !== undefined) return bytes.slice(0, truncate);
  const copy = new Uint8Array(bytes.length + (extend ?? 0));
  copy.set(bytes);
  if (flip !== undefined) copy[flip] ^= 1;
  if (checksum !== undefined) copy.set(checksum, copy.length - checksum.length);
  return copy;
}
