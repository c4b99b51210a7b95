/* The public pages: each in three languages, light and dark, wide and on a phone; and without JavaScript. */
import { after, open, PHONE, settled, WIDE } from "./browser.mjs";
import { axe, keyboard, picture, sideways, skipLink } from "./look.mjs";
import { none, ok, setup } from "./tap.mjs";

/* Every value of each, with each other one at least once where it matters: right-to-left in both sizes and schemes. */
const LOOKS = [
  { lang: "en", colorScheme: "light", viewport: WIDE, size: "wide" },
  { lang: "en", colorScheme: "dark", viewport: PHONE, size: "phone" },
  { lang: "ru", colorScheme: "dark", viewport: WIDE, size: "wide" },
  { lang: "ru", colorScheme: "light", viewport: PHONE, size: "phone" },
  { lang: "ar", colorScheme: "light", viewport: WIDE, size: "wide" },
  { lang: "ar", colorScheme: "dark", viewport: PHONE, size: "phone" },
];

export function publicPages() {
  const release = setup.releases[setup.releases.length - 1];
  return [
    ["progress", "/"],
    ["releases", "/releases"],
    ["release", `/releases/${release}`],
    ["check", "/check"],
    ["notices", "/notices"],
    ["notice", `/notices/${setup.notice}`],
    ["reward", "/reward"],
    ["tips", "/tips"],
    ["tip-form", "/tips/new"],
    ["tip-return", "/tips/return"],
    ["about", "/about"],
    ["missing", "/nothing-here"],
  ];
}

const address = (origin, path, lang) => `${origin}${path}${path.includes("?") ? "&" : "?"}lang=${lang}`;

async function lookAt(page, name, look, faults) {
  const where = `${name} ${look.lang} ${look.colorScheme} ${look.size}`;
  await settled(page);
  const html = await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir, document.querySelectorAll("h1").length, document.title]);
  ok(html[0] === look.lang && html[1] === (look.lang === "ar" ? "rtl" : "ltr") && html[2] === 1 && html[3].length > 5, `${where}: its language, one heading, a title`, JSON.stringify(html));
  none(await axe(page), `${where}: axe-core finds nothing`);
  none([...faults(), ...(await after(page))], `${where}: no error, no refusal, no other origin`);
  await picture(page, `public-${name}-${look.lang}-${look.colorScheme}-${look.size}`);
}

/* Once, where the language and the colours change nothing. */
async function useIt(page, name) {
  none(await sideways(page), `${name}: nothing sticks out at 320 pixels`);
  none(await skipLink(page), `${name}: the skip link`);
  none(await keyboard(page), `${name}: by keyboard`);
}

export async function looks(browser, origin) {
  const narrow = new Map();
  for (const look of LOOKS) {
    const { page, context, faults } = await open(browser, { origin, colorScheme: look.colorScheme, viewport: look.viewport, expect: [404] });
    for (const [name, path] of publicPages()) {
      await page.goto(address(origin, path, look.lang));
      await lookAt(page, name, look, faults);
      if (look.size === "wide" && look.lang === "en") await useIt(page, name);
      if (look.size === "phone" && look.lang !== "en") {
        const found = await sideways(page);
        narrow.set(name, [...(narrow.get(name) ?? []), ...found.map((f) => `${look.lang}: ${f}`)]);
      }
      faults();
    }
    await context.close();
  }
  for (const [name, found] of narrow) none(found, `${name}: nor in Russian and Arabic`);
}

/* What a page says with and without scripts: the same headings, tables, fields and links. */
function content() {
  const shown = (e) => e.checkVisibility();
  const text = (selector) => [...document.querySelectorAll(selector)].filter(shown).map((e) => e.textContent.trim().replace(/\s+/g, " "));
  return {
    headings: text("h1, h2"),
    rows: document.querySelectorAll("main tbody tr").length,
    fields: [...document.querySelectorAll("main input:not([type=hidden]), main textarea, main select")].map((e) => e.name),
    buttons: text("main button[type=submit]"),
    links: [...document.querySelectorAll("main a[href]")].map((a) => a.getAttribute("href")),
    words: document.querySelector("main").innerText.split(/\s+/).length,
    numbers: text("main .number, main [data-number], main dd, main .headline, main strong"),
  };
}

export async function withoutScripts(browser, origin) {
  const on = await open(browser, { origin, expect: [404] });
  const off = await open(browser, { origin, javaScriptEnabled: false, expect: [404] });
  for (const [name, path] of publicPages()) {
    await on.page.goto(origin + path);
    await settled(on.page);
    await off.page.goto(origin + path);
    const [a, b] = [await on.page.evaluate(content), await off.page.evaluate(content)];
    const missing = ["headings", "fields", "buttons", "links"].flatMap((k) => a[k].filter((x) => !b[k].includes(x)).map((x) => `${k}: ${x}`));
    if (a.rows > b.rows) missing.push(`rows: ${b.rows} of ${a.rows}`);
    if (b.words < a.words * 0.8) missing.push(`words: ${b.words} of ${a.words}`);
    none([...missing, ...off.faults()], `${name}: complete without JavaScript`);
    if (name === "progress") {
      ok(b.rows >= 10 && b.numbers.length >= 3, "progress: its numbers and its table by country are in the page itself", JSON.stringify(b).slice(0, 800));
      await picture(off.page, "public-progress-en-light-noscript");
    }
    on.faults();
  }
  await on.context.close();
  await off.context.close();
}

export const tests = { looks, "without JavaScript": withoutScripts };
