/* Keys, sealed contents and acts, against what ebb itself makes. EBB names the program; without it these are left out. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { decodeAct, KINDS } from "../src/desk/crypto/act";
import { decodeCbor } from "../src/desk/crypto/cbor";
import { deriveKeys, type OpenKey, openSeed, parseKeyFile, WrongPassphrase } from "../src/desk/crypto/keyfile";
import { sodium } from "../src/desk/crypto/sodium";
import { Damaged, NotForKey, padded, parseList, unseal, unwrap } from "../src/desk/crypto/unseal";

const ebb = process.env.EBB;
const root = process.env.EBB_SOURCE_ROOT;
const skip = ebb ? false : "EBB is not set";
const PASSPHRASE = "correct horse battery";
const TEXT = "Он пишет: <script>alert(1)</script>\nline two";
const FILE = Buffer.alloc(150_000, "0123456789abcdef");

let dir = "";
let key: OpenKey;
let list: Uint8Array;
let wraps: Uint8Array[];
let key2: OpenKey;

const run = (...args: string[]): string => execFileSync(ebb ?? "", ["-C", join(dir, "case"), "--quiet", ...args], { encoding: "utf8", timeout: 60_000, env: { ...process.env, EBB_PASSPHRASE_FILE: join(dir, "pass") } });

const blob = (sha: string): Uint8Array => new Uint8Array(execFileSync(ebb ?? "", ["-C", join(dir, "case"), "blob", "get", sha], { timeout: 60_000, maxBuffer: 1 << 24 }));
const part = async (sha: string): Promise<Uint8Array> => Promise.resolve(blob(sha));

async function opened(name: string): Promise<OpenKey> {
  const s = await sodium();
  const file = parseKeyFile(readFileSync(join(dir, `${name}.key`), "utf8"));
  assert.ok(file);
  return deriveKeys(s, file.name, openSeed(s, file, new TextEncoder().encode(PASSPHRASE)));
}

before(async () => {
  if (skip) return;
  dir = mkdtempSync(join(tmpdir(), "ebb-web-"));
  writeFileSync(join(dir, "pass"), `${PASSPHRASE}\n`);
  execFileSync(ebb ?? "", ["init", join(dir, "case"), "--name", "web-test"], { timeout: 60_000 });
  for (const name of ["carla", "other"]) writeFileSync(join(dir, `${name}.pub`), run("account", "key", name, "--cost", "interactive", "--output", join(dir, `${name}.key`)));
  run("account", "add", join(dir, "carla.pub"), "--roles", "custodian,reviewer");
  writeFileSync(join(dir, "tip.txt"), TEXT);
  writeFileSync(join(dir, "a file.bin"), FILE);
  run("lead", "submit", join(dir, "a file.bin"), "--text", join(dir, "tip.txt"));
  key = await opened("carla");
  key2 = await opened("other");
  const lead = JSON.parse(run("log", "acts", "--kind", "lead").split("\n")[0] ?? "") as { content: string; wraps: string };
  list = blob(lead.content);
  const rows = Buffer.from(blob(lead.wraps)).toString("latin1");
  wraps = rows.split("\n").filter((r) => r.startsWith("carla,")).map((r) => new Uint8Array(Buffer.from(r.split(",")[1] ?? "", "base64")));
});

after(() => {
  if (dir !== "") rmSync(dir, { recursive: true, force: true });
});

test("the key file gives the account's public keys", { skip }, () => {
  const text = readFileSync(join(dir, "carla.pub"), "utf8");
  assert.ok(text.includes(Buffer.from(key.box).toString("hex")));
  assert.ok(text.includes(Buffer.from(key.sign).toString("hex")));
});

test("a wrong passphrase is said to be wrong", { skip }, async () => {
  const file = parseKeyFile(readFileSync(join(dir, "carla.key"), "utf8"));
  assert.ok(file);
  const s = await sodium();
  assert.throws(() => openSeed(s, file, new TextEncoder().encode("another")), WrongPassphrase);
});

test("a lead opens, text and file", { skip }, async () => {
  const s = await sodium();
  const secret = await unwrap(s, wraps, list, key);
  const lead = await unseal(s, list, secret, part);
  assert.equal(lead.text, TEXT);
  assert.equal(lead.files[0]?.name, "a file.bin");
  assert.deepEqual(Buffer.from(await (lead.files[0]?.data ?? new Blob()).arrayBuffer()), FILE);
});

test("what was changed, cut or swapped is found", { skip }, async () => {
  const s = await sodium();
  const secret = await unwrap(s, wraps, list, key);
  const changed = async (sha: string): Promise<Uint8Array> => {
    const bytes = blob(sha);
    bytes[bytes.length - 1] = (bytes[bytes.length - 1] ?? 0) ^ 1;
    return Promise.resolve(bytes);
  };
  await assert.rejects(unseal(s, list, secret, changed), Damaged);
  await assert.rejects(unseal(s, list, secret, async (sha) => Promise.resolve(blob(sha).slice(0, -1))), Damaged);
  const other = secret.slice();
  other[0] = (other[0] ?? 0) ^ 1;
  await assert.rejects(unseal(s, list, other, part), Damaged);
  await assert.rejects(unwrap(s, wraps, list, key2), NotForKey);
  const another = list.slice();
  another[20] = (another[20] ?? 0) ^ 1;
  await assert.rejects(unwrap(s, wraps, another, key), NotForKey);
  assert.throws(() => parseList(list.slice(0, -1)), Damaged);
  assert.throws(() => parseList(new Uint8Array(10)), Damaged);
});

test("padding is Padme's", () => {
  assert.deepEqual([1, 16_384, 16_385, 100_000, 1_000_001, 2 ** 32].map(padded), [16_384, 16_384, 17_408, 100_352, 1_015_808, 2 ** 32]);
});

test("an act's bytes say what is signed", async () => {
  /* {"why": "x", "entry": 7, "account": "carla"}: the shorter key first, as the log has it. */
  const payload = [0xa3, 0x63, ...Buffer.from("why"), 0x61, 0x78, 0x65, ...Buffer.from("entry"), 0x07, 0x67, ...Buffer.from("account"), 0x65, ...Buffer.from("carla")];
  const act = decodeAct(new Uint8Array([...Buffer.from("ebb act v1\nlog.example/case\n"), 94, ...payload]));
  assert.equal(act.origin, "log.example/case");
  assert.equal(KINDS[act.kind], "withdrawn");
  assert.equal(act.account, "carla");
  assert.deepEqual(act.members, [["why", "x"], ["entry", "7"]]);
  for (const bad of ["", "ebb act v1\n", "ebb act v2\nx\n", "ebb act v1\nx\n\u0001"]) assert.throws(() => decodeAct(new Uint8Array(Buffer.from(bad))));
});

test("hostile CBOR ends in an error, soon", () => {
  const bad = ["", "ff", "9f", "9bffffffffffffffff", "bbffffffffffffffff", "5bffffffffffffffff", "a16161", "a2616101616102", "a10102", "61ff", "f97e00", "c074", "0000", "81".repeat(5000)];
  for (const hex of bad) assert.throws(() => decodeCbor(new Uint8Array(Buffer.from(hex, "hex"))), undefined, hex.slice(0, 20));
  assert.equal(decodeCbor(new Uint8Array([0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0])), 9007199254740992n);
  assert.equal(decodeCbor(new Uint8Array([0x38, 99])), -100);
});

test("key files that are none are refused", () => {
  const good = ["ebb-account-key v1", "name rita", "operations 2", "memory 67108864", `salt ${"0".repeat(32)}`, `nonce ${"0".repeat(48)}`, `secret ${"0".repeat(96)}`, ""];
  assert.ok(parseKeyFile(good.join("\n")));
  for (const [i, line] of [[0, "ebb-account-key v2"], [1, "name ../x"], [2, "operations 17"], [3, "memory 4294967296"], [3, "memory 1"], [4, "salt 00"], [6, `secret ${"x".repeat(96)}`]] as const) {
    const other = [...good];
    other[i] = line;
    assert.equal(parseKeyFile(other.join("\n")), null, line);
  }
});

test("kinds are those of the log", { skip: root ? false : "EBB_SOURCE_ROOT is not set" }, () => {
  const text = readFileSync(join(root ?? "", "src/event/kinds.def"), "utf8");
  const names = new Map([...text.matchAll(/^KIND\((\d+), \w+, "(\w+)", 0\)/gm)].map((m) => [Number(m[1]), m[2]]));
  for (const [number, name] of Object.entries(KINDS)) assert.equal(names.get(Number(number)), name);
});
