/* `npm test`: the checks of types, the unit tests (bundled by esbuild, run by node's own runner), and rules that the sources keep.
 * With EBB set to the program, tests that need what it makes run, too. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { build } from "esbuild";

const out = ".test";
rmSync(out, { recursive: true, force: true });
mkdirSync(out);
const run = (command, args) => spawnSync(command, args, { stdio: "inherit" }).status ?? 1;

if (run(process.execPath, ["node_modules/typescript/bin/tsc", "--noEmit"]) !== 0) process.exit(1);
const tests = readdirSync("test").filter((f) => f.endsWith(".test.ts"));
await build({
  entryPoints: tests.map((f) => `test/${f}`),
  outdir: out,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node18",
  jsx: "automatic",
  jsxImportSource: "preact",
  packages: "external",
  // What every browser has, and Debian 12's node (18) not by itself.
  banner: { js: 'import { webcrypto } from "node:crypto"; globalThis.crypto ??= webcrypto;' },
  logLevel: "warning",
});
process.exit(run(process.execPath, ["--test", ...tests.map((f) => `${out}/${f.replace(/\.ts$/, ".mjs")}`)]));
