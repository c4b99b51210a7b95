/* Builds everything into dist/, in one process: `npm run build`. */
import { existsSync } from "node:fs";
import { build } from "vite";

const singles = ["public.css", "public.js", "map.css", "map.js", "tips.js"];
const there = (name) => existsSync(`src/${name.replace(/\.js$/, ".ts")}`);

for (const mode of [...singles.filter(there), "desk"]) await build({ mode, configFile: "vite.config.ts", logLevel: "warn" });
