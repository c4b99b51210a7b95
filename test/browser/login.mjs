/* Getting into the desk, and opening a key there, as people do it. */
import { createHmac } from "node:crypto";
import { open } from "./browser.mjs";
import { ebb, setup, until } from "./tap.mjs";

export const inside = (page, account) => page.locator(".who", { hasText: account }).waitFor();

/* The one-time link's address. */
export function link(account) {
  return ebb("", "desk", "link", account).trim().split("\n").pop();
}

/* A watched context in which that account is logged in by link, at the overview. */
export async function logIn(browser, desk, account, options = {}) {
  const one = await open(browser, { origin: desk, expect: ["401 /api/session"], ...options });
  await one.page.goto(link(account));
  await inside(one.page, account);
  return one;
}

/* Key file and passphrase into the form that asks for them, wherever it stands. */
export async function openKey(page, account) {
  const person = setup.people[account];
  const form = page.locator("form", { has: page.locator("input[name=passphrase]") }).first();
  await form.locator("input[type=file]").setInputFiles(person.key);
  await form.locator("input[name=passphrase]").fill(person.passphrase);
  await form.locator("button[type=submit]").click();
  await page.locator(".key-open").waitFor({ timeout: 30_000 });
}

/* RFC 6238 and RFC 4226, of an otpauth URI. */
export function code(uri, at = Date.now()) {
  const query = new URL(uri).searchParams;
  const secret = query.get("secret").toUpperCase().replace(/=+$/, "");
  let bits = "";
  for (const letter of secret) bits += "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0");
  const key = Buffer.from(bits.match(/.{8}/g).map((b) => parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 1000 / Number(query.get("period") ?? 30))));
  const mac = createHmac((query.get("algorithm") ?? "SHA1").toLowerCase(), key).update(counter).digest();
  const where = mac[mac.length - 1] & 15;
  const digits = Number(query.get("digits") ?? 6);
  return String((mac.readUInt32BE(where) & 0x7fffffff) % 10 ** digits).padStart(digits, "0");
}

/* Acts on the log of that kind, the newest last. */
export function acts(kind) {
  return ebb("", "log", "acts", "--kind", kind).split("\n").filter(Boolean).map((line) => JSON.parse(line));
}

/* In the dialog of an act: opens the key where it is not yet, signs, and waits until it is on the log: the entries. */
export async function sign(page, account) {
  const dialog = page.locator("dialog, [role=dialog]").last();
  await dialog.waitFor();
  const ready = dialog.getByRole("button", { name: `Sign as ${account}` });
  await until(async () => (await ready.count()) > 0 || (await dialog.locator("input[name=passphrase]").count()) > 0);
  if ((await ready.count()) === 0) await openKey(page, account);
  await ready.waitFor();
  const said = await dialog.innerText();
  await ready.click();
  await dialog.waitFor({ state: "detached", timeout: 20_000 }).catch(async () => {
    throw new Error(`the act was not taken: ${await dialog.innerText()}`);
  });
  return said;
}
