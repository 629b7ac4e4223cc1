// Times reading a key and verifying with it in headless Chromium, by the browser's own clock:
//   CHROMIUM=chromium node web/test/timing.mjs [NAME KEY.vk FILE.receipt]..
// Without arguments it times the example. Not a test: a busy machine is slow, and nothing is refused for it.
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digit } from "./manifest.mjs";

const RUNS = 40;
const LIMIT_MS = 120_000;

const names = process.argv.slice(2);
if (names.length % 3 !== 0) {
  console.error("expected a name, a key and a receipt for each model");
  process.exit(2);
}
const models = [];
for (let index = 0; index < names.length; index += 3) {
  const [name, ...files] = names.slice(index, index + 3);
  const [vk, file] = files.map((path) => new Uint8Array(readFileSync(path)));
  models.push({ name, key: vk, receipt: file });
}
if (models.length === 0) models.push({ name: "digits", ...digit });

const base64 = (bytes) => Buffer.from(bytes).toString("base64");
const given = models.map((model) => ({ name: model.name, key: base64(model.key), receipt: base64(model.receipt) }));
// The page's own module, as the page starts it; each figure is of one call.
const act = `<script>document.addEventListener("assay-ready", async () => {
  const timed = (times, step) => { const started = performance.now(); const result = step(); times.push(performance.now() - started); return result; };
  const report = [];
  for (const model of ${JSON.stringify(given)}) {
    const [bytes, receipt] = [bytesOf(model.key), bytesOf(model.receipt)];
    const loading = [], verifying = [];
    let codes = "";
    for (let run = 0; run <= ${RUNS}; run++) {
      const key = timed(loading, () => new wasm_bindgen.Key(bytes));
      const options = new wasm_bindgen.Options();
      options.acceptInsecureSetup();
      const verifier = new wasm_bindgen.Verifier(key, options);
      codes += JSON.parse(timed(verifying, () => verifier.verify(receipt))).code;
      verifier.free();
      options.free();
    }
    report.push({ name: model.name, bytes: bytes.length, codes, loading, verifying });
  }
  await fetch("/report", { method: "POST", body: JSON.stringify(report) });
});</script>`;
// A page from a disk may not report, so this one comes from here. Isolated pages are given the fine clock.
const page = readFileSync(new URL("../dist/verify.html", import.meta.url), "utf8").replace("</main>", () => "</main>" + act);
const isolated = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };

const profile = mkdtempSync(join(tmpdir(), "assay-timing-"));
let chromium;
const end = (code, text) => {
  console[code === 0 ? "log" : "error"](text);
  chromium?.kill();
  server.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  process.exit(code);
};
const server = createServer(async (request, response) => {
  if (request.method !== "POST") {
    response.writeHead(200, { "Content-Type": "text/html", ...isolated }).end(page);
    return;
  }
  let body = "";
  for await (const part of request) body += part;
  response.end();
  const lines = JSON.parse(body).map(line);
  const wrong = JSON.parse(body).some(({ codes }) => /[^0]/.test(codes));
  const version = execFileSync(process.env.CHROMIUM, ["--version"], { encoding: "utf8" }).trim();
  end(wrong ? 1 : 0, [`${version}, ${RUNS} runs of each after the first`, ...lines].join("\n"));
});

/** What was found of a model: the first run apart, because the browser compiles code when it is first run. */
function line({ name, bytes, codes, loading, verifying }) {
  const figures = ([first, ...others]) => {
    const sorted = others.sort((left, right) => left - right);
    const median = (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
    return `first ${first.toFixed(1)} ms, median ${median.toFixed(1)} ms, fastest ${sorted[0].toFixed(1)} ms`;
  };
  const verdict = /[^0]/.test(codes) ? `codes ${codes}` : "accepted";
  return `${name} (key of ${bytes} bytes), ${verdict}\n  loading the key: ${figures(loading)}\n  verifying: ${figures(verifying)}`;
}

server.listen(0, "127.0.0.1", () => {
  const options = ["--headless=new", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`];
  chromium = spawn(process.env.CHROMIUM, [...options, `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore" });
  chromium.on("error", (error) => end(2, `Chromium cannot be started: ${error.message}`));
});
setTimeout(() => end(1, `nothing was reported within ${LIMIT_MS} ms`), LIMIT_MS);
