import { svelte } from "@sveltejs/vite-plugin-svelte";
import { resolve } from "node:path";
import { defineConfig } from "vite";

// Three pages: the officer's screen, the patrol's, and the one to sign in. Nothing is inlined, so that the page's policy can forbid inline code.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 2000,
    rollupOptions: {
      input: Object.fromEntries(["index", "patrol", "signin"].map((page) => [page, resolve(import.meta.dirname, `${page}.html`)])),
    },
  },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8123", ws: true } } },
});
