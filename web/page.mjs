// Puts the page together: bindings, module and example go into the one file, so that it works from a disk.
import { readFileSync, writeFileSync } from "node:fs";

const here = (path) => new URL(path, import.meta.url);
const base64 = (path) => readFileSync(here(path)).toString("base64");
const vectors = "../verifier/tests/vectors/";
const parts = {
  "/*BINDINGS*/": readFileSync(here("dist/page/assay_web.js"), "utf8"),
  "/*MODULE*/": base64("dist/page/assay_web_bg.wasm"),
  "/*RECEIPT*/": base64(vectors + "receipt-1.receipt"),
  "/*KEY*/": base64(vectors + "key-3.vk"),
  "/*TEXT-RECEIPT*/": base64(vectors + "sequence-receipt-1.receipt"),
  "/*TEXT-KEY*/": base64(vectors + "sequence-key-3.vk"),
  "/*TEXT-TOKENIZER*/": base64(vectors + "sequence-tokenizer.json"),
};
let page = readFileSync(here("page.html"), "utf8");
for (const [mark, text] of Object.entries(parts)) {
  if (page.split(mark).length !== 2) throw new Error(`the page needs ${mark} once`);
  page = page.replace(mark, () => text);
}
if (parts["/*BINDINGS*/"].includes("</script")) {
  throw new Error("the bindings hold the end of a script");
}
writeFileSync(here("dist/verify.html"), page);
