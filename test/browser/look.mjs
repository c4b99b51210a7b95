/* What every page must hold to: accessibility by axe-core, no horizontal scrolling, the keyboard. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { setup } from "./tap.mjs";
import { NARROW } from "./browser.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];
const TABS_MAX = 120;

/* axe-core's findings, a line each. */
export async function axe(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axeSource);
  const found = await page.evaluate(
    (tags) => window.axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"], elementRef: false }),
    TAGS,
  );
  return found.violations.flatMap((v) =>
    v.nodes.slice(0, 4).map((n) => `${v.id} (${v.impact}): ${v.help}: ${n.target.join(" ")} ${n.html.slice(0, 160)} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`),
  );
}

/* Elements that stick out at 320 CSS pixels, where the page scrolls sideways (WCAG 1.4.10). */
export async function sideways(page) {
  const size = page.viewportSize();
  await page.setViewportSize(NARROW);
  await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
  const found = await page.evaluate(() => {
    const root = document.documentElement;
    const wide = window.innerWidth;
    if (root.scrollWidth <= wide) return [];
    const clips = (e) => {
      for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
        if (getComputedStyle(p).overflowX !== "visible") return true;
      return false;
    };
    const out = [...document.querySelectorAll("body *")].filter((e) => {
      const r = e.getBoundingClientRect();
      return r.width > 0 && (r.right > wide + 1 || r.left < -1) && !clips(e);
    });
    return [`${root.scrollWidth} px wide`, ...out.slice(-4).map((e) => e.outerHTML.slice(0, 160))];
  });
  await page.setViewportSize(size);
  return found;
}

/* In the page: every element that the keyboard must reach, numbered; radio buttons of a group are one. */
function mark() {
  const seen = new Set();
  const all = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex], iframe")].filter((e) => {
    if (e.disabled || e.type === "hidden" || e.tabIndex < 0 || e.closest("[inert]")) return false;
    if (!e.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) return false;
    if (e.tagName === "IFRAME") return false; /* its own document's */
    const closed = e.closest("details:not([open])");
    if (closed && !(e.tagName === "SUMMARY" && e.parentElement === closed)) return false;
    if (e.type === "radio") {
      const group = `${e.form?.action ?? ""} ${e.name}`;
      if (seen.has(group)) return false;
      seen.add(group);
    }
    return true;
  });
  all.forEach((e, i) => e.setAttribute("data-tab", String(i)));
  /* Tab begins at the top. */
  document.body.tabIndex = -1;
  document.body.focus({ preventScroll: true });
  document.body.removeAttribute("tabindex");
  window.scrollTo(0, 0);
  return all.length;
}

/* In the page, after Tab: which one has the focus, and what is wrong with how it shows that. */
function focused() {
  const e = document.activeElement;
  if (!e || e === document.body) return null;
  const tag = e.outerHTML.slice(0, 120);
  let number = e.getAttribute("data-tab");
  if (number === null && e.type === "radio")
    number = [...document.querySelectorAll("input[type=radio][data-tab]")].find((r) => r.name === e.name && r.form === e.form)?.getAttribute("data-tab") ?? null;
  const faults = [];
  const style = getComputedStyle(e);
  const rings = (s) => (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 1) || s.boxShadow !== "none";
  /* A ring may be the label's, the cell's or the shape's within. */
  /* The button within a field for a date has the browser's own ring; the field is then not :focus. */
  const shown = rings(style) || (/^(date|datetime-local)$/.test(e.type) && !e.matches(":focus")) || [...e.querySelectorAll("*")].slice(0, 8).some((c) => rings(getComputedStyle(c))) ||
    (e.parentElement && rings(getComputedStyle(e.parentElement))) || Boolean(e.ownerSVGElement?.querySelector(".ring")?.getAttribute("d")); /* the map's own, drawn above its neighbours */
  if (!shown) faults.push(`focus is not visible: ${tag}`);
  const box = e.getBoundingClientRect();
  const inside = box.bottom > 0 && box.right > 0 && box.top < innerHeight && box.left < innerWidth;
  if (!inside || box.width === 0) faults.push(`focus is outside of the window: ${tag}`);
  else {
    const at = (x, y) => document.elementFromPoint(Math.min(Math.max(x, 1), innerWidth - 1), Math.min(Math.max(y, 1), innerHeight - 1));
    const spots = [[box.left + box.width / 2, box.top + box.height / 2], [box.left + 3, box.top + 3], [box.right - 3, box.bottom - 3], [box.left + 3, box.bottom - 3], [box.left + 8, box.top + box.height / 2]];
    const free = spots.some(([x, y]) => {
      const hit = at(x, y);
      return hit && (hit === e || e.contains(hit) || hit.contains(e));
    });
    if (!free) faults.push(`focus is covered: ${tag}`);
  }
  return { number, faults };
}

/* Walks the page by Tab. Faults, a line each. */
export async function keyboard(page) {
  const faults = [];
  const count = await page.evaluate(mark);
  const reached = new Set();
  const most = Math.min(count + 12, TABS_MAX);
  let ended = false;
  for (let i = 0; i < most && !ended; i++) {
    await page.keyboard.press("Tab");
    let now = await page.evaluate(focused);
    for (let tries = 0; now?.faults.length && tries < 5; tries++) {
      await page.waitForTimeout(100); /* it may be scrolling there yet */
      now = await page.evaluate(focused);
    }
    if (!now) ended = i > 0;
    else {
      ended = now.number !== null && reached.has(now.number) && reached.size > 1 && now.number === "0";
      if (now.number !== null) reached.add(now.number);
      faults.push(...now.faults);
    }
  }
  if (count + 12 <= TABS_MAX) {
    const missed = await page.evaluate(
      (got) => [...document.querySelectorAll("[data-tab]")].filter((e) => !got.includes(e.getAttribute("data-tab"))).map((e) => e.outerHTML.slice(0, 120)),
      [...reached],
    );
    faults.push(...missed.map((m) => `not reached by Tab: ${m}`));
  }
  return [...new Set(faults)];
}

/* The first Tab shows a link that leads over head and navigation. */
export async function skipLink(page) {
  await page.evaluate(() => {
    document.activeElement?.blur();
    window.scrollTo(0, 0);
  });
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => {
    const e = document.activeElement;
    const box = e?.getBoundingClientRect();
    return { skip: e?.matches("a[href='#main']"), shown: box && box.width > 20 && box.top >= 0 && box.left >= 0 };
  });
  if (!first.skip) return ["the first Tab does not lead to a link to #main"];
  if (!first.shown) return ["the skip link is not seen when it has the focus"];
  await page.keyboard.press("Enter");
  await page.waitForTimeout(30);
  return (await page.evaluate(() => document.activeElement?.id === "main" || location.hash === "#main")) ? [] : ["the skip link leads nowhere"];
}

/* A picture of the whole page, among the test's artefacts. */
export async function picture(page, name) {
  await page.screenshot({ path: join(setup.pictures, `${name}.png`), fullPage: true, animations: "disabled", caret: "hide" });
}
