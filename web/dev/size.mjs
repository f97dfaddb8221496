// Prints what the page weighs and fails above the budget (ui.md): 150 kB of script, gzipped, without ECharts.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const budgetBytes = 150_000;
const folder = new URL("../../src/footloom/server/static/assets/", import.meta.url);
let script = 0;
for (const name of readdirSync(folder)) {
  const bytes = gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
  if (name.endsWith(".js") && !name.startsWith("echarts")) script += bytes;
  console.log(`${name}: ${(bytes / 1000).toFixed(1)} kB gzip`);
}
console.log(`script: ${(script / 1000).toFixed(1)} kB of ${budgetBytes / 1000} kB`);
if (script > budgetBytes) process.exit(1);
