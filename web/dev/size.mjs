// Prints what the page weighs and fails above the budget: 150 kB of script, gzipped, that every chart fetches. What is
// fetched when it is opened is printed beside.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgetBytes = 150_000;
const opened = /^(Options|echarts)-/;
const folder = new URL("../../src/footloom/server/static/assets/", import.meta.url);
let script = 0;
for (const name of readdirSync(folder)) {
  const bytes = gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
  const isOpened = opened.test(name);
  if (name.endsWith(".js") && !isOpened) script += bytes;
  console.log(`${name}: ${(bytes / 1000).toFixed(1)} kB gzip${isOpened ? ", when it is opened" : ""}`);
}
console.log(`script: ${(script / 1000).toFixed(1)} kB of ${budgetBytes / 1000} kB`);
if (script > budgetBytes) process.exit(1);
