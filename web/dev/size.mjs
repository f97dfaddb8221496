// Prints what the page weighs and fails above the budget: 150 kB of script, gzipped, before the first picture. What is
// fetched behind it (sheets, option screens, ECharts) is printed beside.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgetBytes = 150_000;
const folder = new URL("../../src/footloom/server/static/assets/", import.meta.url);
const first = readFileSync(new URL("../index.html", folder), "utf8");
let script = 0;
for (const name of readdirSync(folder)) {
  const bytes = gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
  const isFirst = first.includes(name);
  if (name.endsWith(".js") && isFirst) script += bytes;
  console.log(`${name}: ${(bytes / 1000).toFixed(1)} kB gzip${isFirst ? "" : ", later"}`);
}
console.log(`script: ${(script / 1000).toFixed(1)} kB of ${budgetBytes / 1000} kB`);
if (script > budgetBytes) process.exit(1);
