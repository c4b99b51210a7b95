/* How heavy and how fast the progress page is: bytes over the wire, first contentful paint with the CPU throttled four
 * times, what moves while it loads. On loopback, so that what is measured is the page and no network. */
import { open, PHONE, settled } from "./browser.mjs";
import { loadavg } from "node:os";
import { note, ok } from "./tap.mjs";

const BYTES_MAX = 100 * 1024;
const PAINT_MAX_MS = 1000;
const SHIFT_MAX = 0.1; /* Core Web Vitals call this good */
const TRIES = 5; /* the best counts: the others say what else the machine had to do */

/* In the page, before anything else. */
function measure() {
  window.shift = 0;
  window.shifted = [];
  new PerformanceObserver((list) => {
    for (const e of list.getEntries()) {
      window.shift += e.value;
      for (const s of e.sources ?? []) window.shifted.push(s.node?.outerHTML?.slice(0, 100) ?? "");
    }
  }).observe({ type: "layout-shift", buffered: true });
}

async function load(browser, origin, path, rate) {
  const { page, context } = await open(browser, { origin, viewport: PHONE });
  await context.addInitScript(measure);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  if (rate > 1) await devtools.send("Emulation.setCPUThrottlingRate", { rate });
  const asked = new Map();
  devtools.on("Network.responseReceived", (e) => asked.set(e.requestId, { url: e.response.url, bytes: 0 }));
  devtools.on("Network.loadingFinished", (e) => {
    const one = asked.get(e.requestId);
    if (one) one.bytes = e.encodedDataLength;
  });
  await page.goto(origin + path);
  await settled(page);
  const seen = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
    shift: window.shift,
    shifted: window.shifted.slice(0, 4),
    loaded: performance.getEntriesByType("navigation")[0].loadEventEnd,
  }));
  await context.close();
  return { ...seen, asked: [...asked.values()] };
}

const isMap = (url) => /\/assets\/map\./.test(url);

export async function speed(browser, origin) {
  const first = await load(browser, origin, "/", 1);
  const bytes = first.asked.filter((a) => !isMap(a.url)).reduce((sum, a) => sum + a.bytes, 0);
  for (const a of first.asked) note(`   ${a.bytes} bytes: ${new URL(a.url).pathname}`);
  note(`progress page: ${bytes} bytes without the map, ${first.asked.reduce((sum, a) => sum + a.bytes, 0)} with it`);
  ok(bytes > 1000 && bytes < BYTES_MAX, "the progress page is below 100 KB without the map", `${bytes} bytes`);
  const tries = [];
  for (let i = 0; i < TRIES; i++) tries.push(await load(browser, origin, "/", 4));
  const paints = tries.map((t) => Math.round(t.paint ?? Infinity)).sort((a, b) => a - b);
  note(`first contentful paint, CPU throttled 4x: ${paints.join(", ")} ms (load of the machine ${loadavg()[0].toFixed(1)}); loaded after ${tries.map((t) => Math.round(t.loaded)).join(", ")} ms`);
  ok(paints[0] < PAINT_MAX_MS, "its first contentful paint is below a second, CPU throttled 4x", `${paints.join(", ")} ms`);
  const shift = Math.max(...tries.map((t) => t.shift));
  note(`layout shift: ${shift.toFixed(4)}`);
  ok(shift < SHIFT_MAX, "nothing moves while it loads (below 0.1)", tries.flatMap((t) => t.shifted));
}

export const tests = { "the progress page": speed };
