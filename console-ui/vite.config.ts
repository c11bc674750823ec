import { svelte } from "@sveltejs/vite-plugin-svelte";
import { resolve } from "node:path";
import { defineConfig } from "vite";

// Two pages: the officer's screen and the patrol's. Nothing is inlined, so that the page's policy can forbid inline code.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      input: { index: resolve(import.meta.dirname, "index.html"), patrol: resolve(import.meta.dirname, "patrol.html") },
    },
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8123", ws: true } } },
});
