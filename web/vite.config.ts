/* How the front end is built. Modes: "desk", the single-page desk with its chunks; and one for each file of the public
 * pages, which is whole in itself, so that such a page asks for no more than it names. */
import { defineConfig, type UserConfig } from "vite";
import { world } from "./build/world.mjs";

const common: UserConfig = {
  base: "/",
  publicDir: false,
  logLevel: "warn",
  plugins: [world()],
  esbuild: { jsx: "automatic", jsxImportSource: "preact", legalComments: "none" },
};

/* The desk: libsodium, charts, map and the cleaner of HTML are chunks that come when they are wanted. */
const desk: UserConfig = {
  ...common,
  worker: { format: "es", rollupOptions: { output: { entryFileNames: "assets/[name]-[hash].js", chunkFileNames: "assets/[name]-[hash].js" } } },
  build: {
    outDir: "dist/desk",
    emptyOutDir: true,
    target: "es2020",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1024,
    rollupOptions: {
      input: "desk.html",
      output: {
        entryFileNames: "assets/desk.js",
        chunkFileNames: "assets/[name]-[hash].js",
        assetFileNames: (file) => (file.name?.endsWith(".css") ? "assets/desk.css" : "assets/[name]-[hash][extname]"),
      },
    },
  },
};

/* A script or style of the public pages, under its own name. */
function single(name: string): UserConfig {
  const style = name.endsWith(".css");
  return {
    ...common,
    build: {
      outDir: `dist/${name}`,
      emptyOutDir: true,
      target: "es2018",
      modulePreload: { polyfill: false },
      assetsInlineLimit: 0,
      reportCompressedSize: false,
      rollupOptions: {
        input: `src/${style ? name : name.replace(/\.js$/, ".ts")}`,
        output: {
          format: style ? "es" : "iife",
          entryFileNames: style ? "ignored.js" : `assets/${name}`,
          assetFileNames: style ? `assets/${name}` : "assets/[name][extname]",
        },
      },
    },
  };
}

export default defineConfig(({ mode }) => (mode === "desk" ? desk : single(mode)));
