/* One Chromium for all, and contexts that are watched: whatever a page does that it must not is kept, by page. */
import { chromium } from "playwright-core";
import { setup } from "./tap.mjs";

export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };
export const NARROW = { width: 320, height: 640 };

/* Loopback needs no proxy and no names; what Chromium itself would fetch for its maker is off. */
const FLAGS = [
  "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking", "--disable-component-update",
  "--disable-sync", "--disable-default-apps", "--no-proxy-server", "--force-color-profile=srgb",
];

export async function start() {
  const root = process.getuid?.() === 0;
  return chromium.launch({ executablePath: setup.chromium, args: root ? ["--no-sandbox", ...FLAGS] : FLAGS, timeout: 60_000 });
}

/* In each page before anything else: what the policy refused. */
function listen() {
  window.refused = [];
  document.addEventListener("securitypolicyviolation", (e) => {
    window.refused.push(`${e.violatedDirective}: ${e.blockedURI || e.sourceFile} ${e.sample ?? ""}`);
  });
}

/* A context with its faults: `faults()` gives and forgets them. Options: those of newContext(), and `origin`, the only one
 * that may be asked; `expect`, statuses that are no fault (404, or "401 /api/session"). */
export async function open(browser, { origin, expect = [], ...options } = {}) {
  const context = await browser.newContext({ viewport: WIDE, locale: "en-US", reducedMotion: "reduce", ...options });
  const faults = [];
  const expected = (r) => expect.some((e) => (typeof e === "number" ? e === r.status() : `${r.status()} ${new URL(r.url()).pathname}`.startsWith(e)));
  const say = (page, text) => faults.push(`${page.url()}: ${text}`);
  context.setDefaultTimeout(15_000);
  if (options.javaScriptEnabled !== false) await context.addInitScript(listen);
  context.on("page", (page) => {
    page.on("console", (m) => {
      /* A status is told by "response", with its address. */
      if ((m.type() === "error" || m.type() === "warning") && !/Failed to load resource/.test(m.text())) say(page, `console: ${m.text()}`);
    });
    page.on("pageerror", (e) => say(page, `error: ${e.stack ?? e}`));
    page.on("dialog", (d) => {
      if (d.type() !== "beforeunload") say(page, `dialog: ${d.message()}`);
      d.accept().catch(() => undefined);
    });
    page.on("requestfailed", (r) => {
      const why = r.failure()?.errorText ?? "";
      if (why !== "net::ERR_ABORTED") say(page, `failed: ${r.url()} ${why}`);
    });
    page.on("request", (r) => {
      const url = new URL(r.url());
      if (!["data:", "blob:"].includes(url.protocol) && origin && url.origin !== origin) say(page, `asks another origin: ${r.url()}`);
    });
    page.on("response", (r) => {
      if (r.status() >= 400 && !expected(r)) say(page, `status ${r.status()}: ${r.request().method()} ${r.url()}`);
    });
  });
  return {
    context,
    page: await context.newPage(),
    faults: () => faults.splice(0),
  };
}

/* What the policy refused, and whether foreign code ran, in this page. */
export async function after(page) {
  const [refused, pwned] = await page.evaluate(() => [window.refused ?? [], window.pwned]);
  return [...refused.map((r) => `policy: ${r}`), ...(pwned === undefined ? [] : ["window.pwned is set: foreign code ran"])];
}

/* The page has shown what it wants to: nothing is being asked, no skeleton is left. */
export async function settled(page, ms = 8000) {
  await page.waitForLoadState("load");
  await page
    .waitForFunction(() => !document.querySelector("[aria-busy=true], .skeleton"), undefined, { timeout: ms, polling: 50 })
    .catch(() => undefined);
  /* Charts and maps are drawn in a frame. */
  await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
}
