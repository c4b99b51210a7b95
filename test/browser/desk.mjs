/* The desk: every state that its own links lead to, wide and light, narrow and dark; and what each role sees. */
import { after, PHONE, settled, WIDE } from "./browser.mjs";
import { logIn } from "./login.mjs";
import { axe, keyboard, picture, sideways, skipLink } from "./look.mjs";
import { equal, none, note, ok, rows, setup } from "./tap.mjs";

const STATES_MAX = 38;
const BEGIN = ["/", "/census", "/census?view=estimate", "/census?view=roles", "/spam", "/cleanup", "/case", "/leads", "/leads?view=list", "/log", "/account", "/search?q=cosma", "/nothing-here"];

/* Links that lead to the same kind of page are one: numbers and what was chosen do not count, tabs and views do. */
function kind(url) {
  const { pathname, searchParams } = new URL(url, "http://desk.invalid");
  const named = [...searchParams].filter(([k]) => ["tab", "view"].includes(k)).map(([k, v]) => `${k}=${v}`);
  const others = [...searchParams.keys()].filter((k) => !["tab", "view", "by", "since", "until", "family", "all"].includes(k) && !k.includes("."));
  return `${pathname.replace(/\/\d+(?=\/|$)/g, "/N")}?${[...named, ...others].sort().join("&")}`;
}

const nameOf = (state) => kind(state).replace(/[^a-z0-9]+/gi, "-").replace(/^-|-$/g, "") || "overview";

async function visit(page, desk, state) {
  await page.goto(desk + state);
  await page.locator("#main h1").waitFor();
  await settled(page);
  await page.waitForTimeout(150); /* chunks, charts */
  await settled(page);
}

/* Every state that can be reached from the first ones. */
async function walk(browser, desk, account, each) {
  const { page, context, faults } = await logIn(browser, desk, account, { colorScheme: "light", viewport: WIDE, expect: ["401 /api/session", "404 /api/"] });
  faults();
  const todo = [...BEGIN];
  const known = new Set(todo.map(kind));
  const done = [];
  while (todo.length && done.length < STATES_MAX) {
    const state = todo.shift();
    await visit(page, desk, state);
    await each(page, state, faults);
    done.push(state);
    const links = await page.evaluate(() => [...document.querySelectorAll("a[href]")].map((a) => new URL(a.getAttribute("href"), location.href)).filter((u) => u.origin === location.origin).map((u) => u.pathname + u.search));
    for (const to of links) {
      if (to.startsWith("/api/") || to.startsWith("/assets/") || known.has(kind(to))) continue;
      known.add(kind(to));
      todo.push(to);
    }
  }
  await context.close();
  return done;
}

async function look(page, state, faults, where) {
  none(await axe(page), `${where}: axe-core finds nothing`);
  none([...faults(), ...(await after(page))], `${where}: no error, no refusal, no other origin, nothing foreign ran`);
  const heads = await page.evaluate(() => [document.querySelectorAll("h1").length, document.title.endsWith("ebb") && document.title.length > 6]);
  equal(heads, [1, true], `${where}: one heading, a title`);
}

export async function pages(browser, _, desk) {
  const states = await walk(browser, desk, "carla", async (page, state, faults) => {
    const where = `desk ${state}`;
    await look(page, state, faults, where);
    await picture(page, `desk-${nameOf(state)}-light-wide`);
    none(await sideways(page), `${where}: nothing sticks out at 320 pixels`);
    if (!/[&\d]/.test(state)) {
      none(await skipLink(page), `${where}: the skip link`);
      none(await keyboard(page), `${where}: by keyboard`);
    }
    faults();
  });
  note(`${states.length} states: ${states.join(" ")}`);
  ok(states.length >= 25, "there are links to all kinds of pages", states);
  const dark = await logIn(browser, desk, "rita", { colorScheme: "dark", viewport: PHONE, expect: ["401 /api/session", "404 /api/", "403 /api/"] });
  dark.faults();
  const narrow = new Map(states.map((s) => [kind(s).replace(/\?(?!tab=).*/, ""), s])); /* a page, a tab */
  for (const state of narrow.values()) {
    await visit(dark.page, desk, state);
    await look(dark.page, state, dark.faults, `desk ${state} dark phone`);
    await picture(dark.page, `desk-${nameOf(state)}-dark-phone`);
  }
  await dark.context.close();
}

/* In Russian, and what is printed. */
export async function languages(browser, _, desk) {
  const { page, context, faults } = await logIn(browser, desk, "carla", { locale: "ru-RU" });
  faults();
  for (const state of ["/", "/census", "/case?tab=subjects", "/leads"]) {
    await visit(page, desk, state);
    const lang = await page.evaluate(() => document.documentElement.lang);
    ok(lang === "ru" && /[а-яё]{3}/i.test(await page.locator("h1").innerText()), `desk ${state}: in Russian where the browser is`, lang);
    none([...(await axe(page)), ...faults()], `desk ${state} in Russian: axe-core finds nothing, no error`);
    await picture(page, `desk-${nameOf(state)}-ru`);
  }
  await page.emulateMedia({ media: "print" });
  await visit(page, desk, "/census");
  const seen = await page.evaluate(() => ["header.top nav", "footer.foot", ".map", "table"].map((s) => [...document.querySelectorAll(s)].some((e) => e.checkVisibility())));
  ok(!seen[0] && seen[3], "printed: the tables, and no navigation", JSON.stringify(seen));
  await picture(page, "desk-census-print");
  await context.close();
}

/* A role that may not sees neither the way there nor the answer. */
const ROLES = [
  { account: "olaf", leads: false, accounts: false, orderAdd: true, factAdd: true, overrule: true },
  { account: "rita", leads: true, accounts: true, orderAdd: false, factAdd: true, overrule: false },
  { account: "cora", leads: false, accounts: false, orderAdd: true, factAdd: true, overrule: false },
  { account: "audrey", leads: false, accounts: true, orderAdd: false, factAdd: false, overrule: false },
  { account: "carla", leads: true, accounts: true, orderAdd: false, factAdd: true, overrule: false },
];

export async function roles(browser, _, desk) {
  const subject = rows("", "case", "subject", "list")[0].index;
  for (const r of ROLES) {
    const { page, context } = await logIn(browser, desk, r.account, { expect: ["401 /api/session", 403] });
    const has = async (text) => (await page.getByText(text, { exact: true }).count()) > 0;
    const status = (path) => page.evaluate((p) => fetch(p, { credentials: "same-origin" }).then((a) => a.status), path);
    const got = { account: r.account, leads: (await page.locator("nav a[href='/leads']").count()) > 0 };
    await visit(page, desk, "/account");
    got.accounts = (await page.locator("#accounts").count()) > 0;
    await visit(page, desk, "/case");
    got.orderAdd = await has("Record an order");
    await visit(page, desk, `/case/subject/${subject}`);
    got.factAdd = await has("Record a fact");
    await visit(page, desk, `/census?network=${setup.infected}`);
    got.overrule = await has("Say that it is something else");
    equal(got, r, `${r.account}: sees what the role may do, and no more`);
    const want = [r.leads ? 200 : 403, r.accounts ? 200 : 403];
    equal([await status("/api/q/lead/list"), await status("/api/q/account/list")], want, `${r.account}: and the routes say the same`);
    await visit(page, desk, "/leads");
    const board = await page.locator("#main").innerText();
    ok(r.leads || !/\bLead \d+/.test(board), `${r.account}: ${r.leads ? "the board" : "who types the address sees no lead"}`, board.slice(0, 200));
    await context.close();
  }
}

export const tests = { pages, languages, roles };
