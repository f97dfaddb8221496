import { defineConfig } from "vite";

// The frame benchmark is built apart from the page, so that it is never shipped.
// biome-ignore lint/style/noDefaultExport: vite reads the default export
export default defineConfig({
  root: "bench",
  base: "./",
  build: { outDir: "../dist/bench", emptyOutDir: true, target: "es2023", reportCompressedSize: false },
});
