import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// Where `footloom serve` (or tests/browser/fake_server.py) listens while `npm run dev` serves the sources.
const backend = process.env["FOOTLOOM_DEV_BACKEND"] ?? "http://127.0.0.1:8600";

// biome-ignore lint/style/noDefaultExport: vite reads the default export
export default defineConfig({
  base: "./",
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: "../src/footloom/server/static",
    emptyOutDir: true,
    target: "es2023",
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: { "/api": backend, "/health": backend, "/ws": { target: backend.replace("http", "ws"), ws: true } },
  },
  test: { include: ["test/**/*.test.ts"], environment: "node" },
});
