/* What outsiders wrote stands everywhere as text: no page that shows it runs, loads or links it. */
import { after, open, settled } from "./browser.mjs";
import { logIn } from "./login.mjs";
import { publicPages } from "./public.mjs";
import { none, ok, rows, setup } from "./tap.mjs";

/* In the page: marks of text that became more than text. */
function became() {
  const out = [];
  const bad = "[onerror], [onload], [onclick], img[src='x'], svg[onload], iframe:not([sandbox]), object, embed, base";
  for (const e of document.querySelectorAll(bad)) out.push(`became an element: ${e.outerHTML.slice(0, 160)}`);
  for (const e of document.querySelectorAll("a[href], area[href], form[action]")) {
    const to = e.getAttribute("href") ?? e.getAttribute("action");
    if (/^\s*(javascript|data|vbscript):/i.test(to)) out.push(`became a link: ${e.outerHTML.slice(0, 160)}`);
  }
  for (const e of document.querySelectorAll("script")) if (!e.src) out.push(`a script within the page: ${e.outerHTML.slice(0, 160)}`);
  /* Characters that turn the direction stay in a box of their own. */
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    if (!/[\u202a-\u202e\u2066-\u2069]/.test(n.data)) continue;
    let box = n.parentElement;
    while (box && getComputedStyle(box).display === "inline" && !/isolate|plaintext/.test(getComputedStyle(box).unicodeBidi)) box = box.parentElement;
    if (box?.tagName === "PRE") continue; /* an outsider's from edge to edge */
    if (!box || box.textContent.trim() !== n.data.trim()) out.push(`turns the direction of others' text: ${box?.outerHTML.slice(0, 200)}`);
  }
  return out;
}

const shows = async (page, text) => (await page.locator("body").innerText()).replace(/\s+/g, " ").includes(text);

/* The cleaner of a mail's HTML takes it apart in a document of its own, whose handlers and styles the policy refuses as they are
 * read: the second wall is heard before the first one has done its work. On a mail's page that is how it should be. */
const HEARD = /script-src-attr: inline|style-src(-elem|-attr)?: inline|violates the following Content Security Policy directive '(script|style)-src/;

async function check(page, where, faults, text) {
  await settled(page);
  const found = [...(await page.evaluate(became)), ...(await after(page)), ...faults()];
  none(where.includes("/spam/mail/") ? found.filter((f) => !HEARD.test(f)) : found, `${where}: outsiders' words do nothing`);
  if (text) ok(await until3(() => shows(page, text)), `${where}: and are shown as they are: ${text}`, (await page.locator("body").innerText()).slice(0, 600));
}

async function until3(get) {
  for (let i = 0; i < 30; i++) {
    if (await get()) return true;
    await new Promise((go) => setTimeout(go, 100));
  }
  return false;
}

export async function desk(browser, _, at) {
  const { image, tag } = setup.payloads;
  const squeezed = image.replaceAll(" ", "/");
  const event = rows("", "events", "--family", "hostile")[0];
  const [mail] = rows("", "events", "--kind", "smtp", "--src", "203.0.113.41");
  const [feed] = rows("", "events", "--kind", "feed", "--src", "203.0.113.5");
  const [pills] = rows("", "events", "--kind", "smtp", "--src", "203.0.113.3");
  const campaign = rows("", "campaigns").find((c) => String(c.subject).includes("pwned"));
  const subject = rows("", "case", "subject", "list").find((s) => s.subject === "The landlord").index;
  const { page, context, faults } = await logIn(browser, at, "rita", { expect: ["401 /api/session", 403] });
  faults();
  const places = [
    ["/", null],
    ["/census?asn=64666", null],
    ["/census?country=AU", tag],
    ["/census?network=203.0.113.40", squeezed],
    [`/log/entry/${event.index}`, tag],
    [`/log/entry/${event.index}`, squeezed],
    [`/log/entry/${feed.index}`, image],
    [`/log/entry/${mail.index}`, tag],
    ["/spam", null],
    [`/spam/mail/${mail.index}`, tag],
    [`/spam/mail/${pills.index}`, image],
    ...(campaign ? [[`/spam/campaign/${campaign.campaign}`, null]] : []),
    [`/case/subject/${subject}`, tag],
    ["/case?tab=subjects", tag],
    [`/search?q=${encodeURIComponent(image)}`, image],
    [`/census?country=${encodeURIComponent(image)}&family=${encodeURIComponent(tag)}`, null],
    [`/leads/${encodeURIComponent(image)}`, null],
    [`/${encodeURIComponent(tag)}`, null],
  ];
  for (const [path, text] of places) {
    await page.goto(at + path);
    await page.locator("#main h1").waitFor();
    await check(page, `desk ${path}`, faults, text);
  }
  ok(campaign !== undefined, "the hostile mails are a campaign");
  await context.close();
}

/* The mail's own HTML: in a frame without rights, which loads nothing. */
export async function exemplar(browser, _, at) {
  const [mail] = rows("", "events", "--kind", "smtp", "--src", "203.0.113.3");
  const { page, context, faults } = await logIn(browser, at, "rita");
  faults();
  const asked = [];
  page.on("request", (r) => asked.push(r.url()));
  await page.goto(`${at}/spam/mail/${mail.index}`);
  const frame = page.locator("iframe.mail");
  await frame.waitFor();
  await page.waitForTimeout(400);
  ok((await frame.getAttribute("sandbox")) === "", "the exemplar's frame has no rights");
  const inner = await (await frame.elementHandle()).contentFrame();
  const html = await inner.content();
  ok(/Cheap pills \d/.test(html) && /order now/.test(html), "it shows the mail's text", html.slice(0, 300));
  none(html.match(/<(?!\/?(html|head|body|meta|title|p|div|span|br|h\d|b|i|a(?=>))\b)[a-z]+[^>]*>|href=|src=|\bon\w+=|style=|url\(|tracker/gi) ?? [], "without images, links, forms, styles, scripts");
  none(asked.filter((u) => !u.startsWith(at) && !u.startsWith("data:") && !u.startsWith("about:")), "and asked nobody for anything");
  none([...(await after(page)), ...faults()].filter((f) => !HEARD.test(f)), "and nothing of it ran");
  await context.close();
}

/* The public pages show little of outsiders; addresses with attacks in them are the visitor's own. */
export async function face(browser, at) {
  const { page, context, faults } = await open(browser, { origin: at, expect: [400, 404, 405, 422] });
  const odd = encodeURIComponent(setup.payloads.tag + setup.payloads.image);
  const paths = [...publicPages().map((p) => p[1]), `/${odd}`, `/?lang=${odd}`, `/notices/${odd}`, `/tips/new?text=${odd}`, `/check?address=${odd}`];
  for (const path of paths) {
    await page.goto(at + path);
    none([...(await page.evaluate(became)), ...(await after(page)), ...faults()], `public ${decodeURIComponent(path)}: nothing foreign in it`);
  }
  await context.close();
}

export const tests = { desk, exemplar, face };
