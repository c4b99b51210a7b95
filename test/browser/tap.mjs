/* TAP, as test_browser.py passes it on; and what the tests were told. */
import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";

export const setup = JSON.parse(readFileSync(process.env.EBB_BROWSER_SETUP, "utf8"));

let count = 0;
let failed = 0;

/* One check. `why` (a text or a list) is told where it fails. */
export function ok(good, name, why = "") {
  count += 1;
  console.log(`${good ? "" : "not "}ok ${count} - ${String(name).replaceAll("#", "no. ")}`);
  if (!good) {
    failed += 1;
    for (const line of [why].flat().slice(0, 12)) for (const part of String(line).split("\n").slice(0, 12)) note(part.slice(0, 400));
  }
  return Boolean(good);
}

export function equal(got, want, name) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  return ok(a === b, name, [`   got ${a}`, `  want ${b}`]);
}

/* Nothing in the list. */
export function none(list, name) {
  return ok(list.length === 0, name, list);
}

export function note(text) {
  console.log(`# ${text}`);
}

export function done() {
  console.log(`1..${count}`);
  process.exitCode = failed ? 1 : 0;
}

/* A part of the tests, whose accidents are a failed check and no end. */
export async function part(name, run) {
  const start = performance.now();
  try {
    await run();
  } catch (error) {
    ok(false, `${name}: goes through`, String(error.stack ?? error));
  }
  note(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
}

/* ebb as that person ("" nobody): what it printed. */
export function ebb(person, ...args) {
  const env = { ...process.env, ...(person ? setup.people[person].env : {}) };
  return execFileSync(setup.ebb, ["-C", setup.case, ...args.map(String)], { env, encoding: "utf8", timeout: 60_000 });
}

/* The same, taken apart: rows of a reading command. */
export function rows(person, ...args) {
  return ebb(person, ...args, "--json").split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

export const wait = (ms) => new Promise((go) => setTimeout(go, ms));

/* What `get` gives once it is something, or after the time whatever it gives then. */
export async function until(get, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await get();
    if (value || Date.now() > end) return value;
    await wait(100);
  }
}
