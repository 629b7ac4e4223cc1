// Runs the page in headless Chromium from a file: drops a receipt and a key on it, tampers with it, and takes a picture.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { READS, changed, digit, generated, proof, sequence } from "./manifest.mjs";

const { receipt, key, keys } = digit;
const folder = mkdtempSync(join(tmpdir(), "assay-page-"));
const page = readFileSync(new URL("../dist/verify.html", import.meta.url), "utf8");
const base64 = (bytes) => Buffer.from(bytes).toString("base64");

/** Opens the page with a script that acts on it, and returns what the script left in `data-*` of the body. */
function open(name, script, more = []) {
  const file = join(folder, name + ".html");
  const act = `<script>document.addEventListener("assay-ready", async () => {
    // Files are read while the browser's clock stands still only as long as something waits for the clock.
    const settled = async (promise) => {
      let open = true;
      promise.finally(() => { open = false; });
      while (open) await new Promise((next) => setTimeout(next, 20));
    };
    const read = give;
    let given = Promise.resolve();
    give = (kind, file) => (given = Promise.all([given, read(kind, file)]));
    const drop = async (kind, name, text) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([bytesOf(text)], name));
      element(kind + "-drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
      await settled(given);
    };
    const code = () => Number(element("result").dataset.code);
    const report = {};
    try { ${script} } catch (error) { report.error = String(error); }
    document.body.dataset.report = JSON.stringify(report);
  });</script>`;
  writeFileSync(file, page.replace("</main>", () => "</main>" + act));
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=100000000", ...more];
  const run = { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 27, timeout: 120000 };
  return execFileSync(process.env.CHROMIUM, [...options, "file://" + file], run);
}

function reported(dom) {
  const found = /data-report="([^"]*)"/.exec(dom);
  assert.ok(found, "the page ended without a report");
  const report = JSON.parse(found[1].replaceAll("&quot;", '"').replaceAll("&amp;", "&"));
  assert.equal(report.error, undefined);
  return report;
}

const given = `await drop("receipt", "digit.receipt", "${base64(receipt)}"); report.bare = code();
  await drop("key", "digits.vk", "${base64(key)}"); report.unaccepted = code();
  element("insecure").click(); report.honest = code();`;
/** The codes that the page's receipt gets with changed keys. */
const codesOfKeys = ({ key: own, keys: changes }) => `${JSON.stringify(changes.map((change) => base64(changed(own, change))))}.map((bytes) => {
    state.key = bytesOf(bytes);
    const refusal = wasm_bindgen.keyRefusal(state.key);
    return refusal === undefined ? judge(state.receipt).code : JSON.parse(refusal).code;
  })`;
const bytesOfCases = (released) => JSON.stringify(released.cases.map((change) => base64(changed(released.receipt, change))));
const report = reported(open("all", `${given}
  report.label = document.querySelector(".label").textContent;
  report.layers = [...document.querySelectorAll("[data-layer]")].map((row) => row.dataset.layer + " " + row.dataset.status);
  report.pixels = document.querySelector("canvas").width * document.querySelector("canvas").height;
  report.lies = {};
  for (const part of ["proof", "output", "input", "nonce"]) {
    document.querySelector('[data-tamper="' + part + '"]').click();
    report.lies[part] = code();
  }
  report.codes = ${bytesOfCases(digit)}.map((bytes) => judge(bytesOf(bytes)).code);
  const honest = state.key;
  report.keys = ${codesOfKeys(digit)};
  state.key = honest;
  element("attested").click(); report.attested = code();
  await drop("key", "bad.vk", "${base64(key.slice(0, 64))}"); report.badKey = element("key-drop").className;`, ["--dump-dom"]));
assert.deepEqual([report.bare, report.unaccepted, report.honest], [3, 3, 0]);
assert.equal(report.label, "7");
assert.equal(report.pixels, 64);
assert.deepEqual(report.layers, ["integrity passed", "signature passed", "attestation passed", "model passed", "proof passed"]);
assert.deepEqual(report.lies, { proof: 1, output: 1, input: 1, nonce: 1 });
assert.deepEqual(report.codes, digit.cases.map((change) => change.code));
assert.deepEqual(report.keys, keys.map((change) => change.code));
assert.equal(report.attested, 0);
assert.equal(report.badKey, "drop refused");

// A language model's receipt, its text by the tokenizer; then a proof outside a receipt, whose statement the page itself shows.
const text = reported(open("text", `await drop("receipt", "text.receipt", "${base64(sequence.receipt)}");
  await drop("key", "text.vk", "${base64(sequence.key)}"); element("insecure").click(); report.honest = code();
  report.withoutTokenizer = [document.querySelector(".reads") === null, document.querySelector(".numbers").textContent];
  await drop("beside", "bad.json", "${base64(key)}"); report.badTokenizer = element("beside-drop").className;
  await drop("beside", "tokenizer.json", "${base64(sequence.tokenizer)}"); report.read = code();
  report.text = document.querySelector(".reads").textContent;
  report.lies = ["proof", "output", "input", "nonce"].map((part) => {
    document.querySelector('[data-tamper="' + part + '"]').click();
    return code();
  });
  report.codes = ${bytesOfCases(sequence)}.map((bytes) => judge(bytesOf(bytes)).code);
  await settled(element("example").onclick()); report.digit = [code(), document.querySelector(".label").textContent];
  const { context_digest, input, output } = judge(state.receipt);
  await drop("receipt", "digit.proof", "${base64(proof)}"); report.bareProof = code();
  const statement = btoa(JSON.stringify({ context_digest, input, output }));
  await drop("beside", "statement.json", statement); report.proof = code();
  document.querySelector('[data-tamper="statement"]').click(); report.otherStatement = code();
  await settled(element("text-example").onclick()); report.example = code();`, ["--dump-dom"]));
assert.deepEqual([text.honest, text.read, text.text, text.example], [0, 0, READS, 0]);
assert.deepEqual(text.withoutTokenizer, [true, "1 3 4 5 6 7 2 0"]);
assert.equal(text.badTokenizer, "drop refused");
assert.deepEqual(text.lies, [1, 1, 1, 1]);
assert.deepEqual(text.codes, sequence.cases.map((change) => change.code));
assert.deepEqual(text.digit, [0, "7"]);
assert.deepEqual([text.bareProof, text.proof, text.otherStatement], [2, 0, 1]);

// What a model generated.
const answer = reported(open("answer", `await drop("receipt", "answer.receipt", "${base64(generated.receipt)}");
  await drop("key", "answer.vk", "${base64(generated.key)}"); element("insecure").click(); report.honest = code();
  report.lies = ["proof", "output", "input", "nonce"].map((part) => {
    document.querySelector('[data-tamper="' + part + '"]').click();
    return code();
  });
  report.codes = ${bytesOfCases(generated)}.map((bytes) => judge(bytesOf(bytes)).code);
  await drop("receipt", "answer.receipt", "${base64(generated.receipt)}");
  report.keys = ${codesOfKeys(generated)};`, ["--dump-dom"]));
assert.equal(answer.honest, 0);
assert.deepEqual(answer.lies, [1, 1, 1, 1]);
assert.deepEqual(answer.codes, generated.cases.map((change) => change.code));
assert.deepEqual(answer.keys, generated.keys.map((change) => change.code));

if (process.env.SCREENSHOT) {
  const window = ["--window-size=1040,1560", "--hide-scrollbars", "--screenshot=" + process.env.SCREENSHOT];
  open("picture", given, window);
}
rmSync(folder, { recursive: true });
const receipts = report.codes.length + text.codes.length + answer.codes.length + 12;
console.log(`page: the honest receipts accepted, ${receipts} changed receipts and ${report.keys.length + answer.keys.length} changed keys judged as the commands judge them`);
