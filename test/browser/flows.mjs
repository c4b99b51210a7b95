/* What people come for, from end to end. */
import { after, open, PHONE, settled } from "./browser.mjs";
import { acts, link, logIn, openKey, sign } from "./login.mjs";
import { axe, picture } from "./look.mjs";
import { relay } from "./relay.mjs";
import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ebb, equal, none, ok, rows, setup, until } from "./tap.mjs";

const WORDS = "The servers of c2.example are paid by a man who calls himself cosma2k.";

/* ---- a tip: told without JavaScript, read and answered at the desk, the answer read again ---- */

async function tell(page, face, text) {
  await page.goto(`${face}/tips?lang=en`);
  await page.locator("main a[href^='/tips/new']").first().click();
  await page.locator("textarea[name=text]").fill(text);
  await page.locator("textarea[name=contact]").fill(`reach me: ${setup.payloads.image}`);
  await page.locator("select[name=language]").selectOption("en");
  await page.locator("input[type=file]").setInputFiles([
    { name: `${setup.payloads.tag}.txt`, mimeType: "text/plain", buffer: Buffer.from("what is in the file") },
  ]);
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await page.locator(".receipt li").first().waitFor();
  return (await page.locator(".receipt-line code").innerText()).trim();
}

async function comeBack(page, face, receipt) {
  await page.goto(`${face}/tips/return?lang=en`);
  await page.locator("[name=receipt]").fill(receipt);
  await page.locator("main form button[type=submit]").first().click();
  await page.waitForLoadState("load");
}

export async function tip(browser, face, desk) {
  const informant = await open(browser, { origin: face, javaScriptEnabled: false, viewport: PHONE, expect: [422] });
  const { page } = informant;
  const before = rows("rita", "lead", "list").length;
  const text = `${WORDS}\n${setup.payloads.tag}${setup.payloads.image}`;
  const receipt = await tell(page, face, text);
  equal(receipt.split(" ").length, 11, "a tip without JavaScript: a receipt of eleven words");
  await picture(page, "public-tip-receipt-en-light-phone");
  equal((await informant.context.cookies()).length, 0, "no cookie");
  const leads = rows("rita", "lead", "list");
  equal(leads.length, before + 1, "it is on the log");
  const lead = Math.max(...leads.map((l) => l.lead));

  const reviewer = await logIn(browser, desk, "rita");
  const at = reviewer.page;
  const sent = [];
  at.on("request", (r) => sent.push(r.postData() ?? ""));
  await at.locator("nav a[href='/leads']").click();
  await at.getByRole("link", { name: `Lead ${lead}`, exact: true }).click();
  await openKey(at, "rita");
  await at.getByRole("button", { name: "Open it here" }).first().click();
  const shown = at.locator("#sealed pre.mail");
  await shown.waitFor();
  equal((await shown.innerText()).trim(), text, "the reviewer reads it in the browser, word for word");
  const sealed = await at.locator("#sealed").innerText();
  ok(sealed.includes(`reach me: ${setup.payloads.image}`) && sealed.includes(`${setup.payloads.tag.replace('"', "%22")}.txt`) /* as browsers send it */, "the contact and the file's name, as text", sealed);
  await picture(at, "desk-lead-open");
  none(await axe(at), "an open lead: axe-core finds nothing");
  const [download] = await Promise.all([at.waitForEvent("download"), at.getByRole("button", { name: "Save" }).click()]);
  equal(readFileSync(await download.path(), "utf8"), "what is in the file", "its file is saved, opened by the browser");
  ok(/^[\p{L}\p{N}._ -]+$/u.test(download.suggestedFilename()), "under a name that hides nothing", download.suggestedFilename());
  const secret = [setup.people.rita.passphrase, ...readFileSync(setup.people.rita.key, "utf8").split("\n").filter((l) => l.length > 40)];
  none(sent.filter((body) => secret.some((s) => body.includes(s))).map(() => "sent"), "neither key nor passphrase was sent");

  /* review */
  const form = at.locator("#do form");
  await form.locator("select[name=status]").selectOption("triage");
  await form.locator("input[name=why]").fill("worth a look");
  await form.locator("button[type=submit]").click();
  const said = await sign(at, "rita");
  ok(said.includes("triage") && said.includes("worth a look"), "the act is shown before it is signed", said);
  equal(rows("rita", "lead", "list").find((l) => l.lead === lead).status, "triage", "the lead has its status");
  await at.locator("#do > * select, #do select").first().selectOption("note");
  await at.locator("#do form textarea").fill("ask where he pays");
  await at.locator("#do form button[type=submit]").click();
  await sign(at, "rita");
  await at.locator("#do select").first().selectOption("answer");
  await at.locator("#do form textarea").fill("Thank you. Where does he pay?");
  await at.locator("#do form button[type=submit]").click();
  await sign(at, "rita");
  none([...(await after(at)), ...reviewer.faults()], "all that without an error");

  /* the informant returns */
  await comeBack(page, face, receipt);
  const answers = await page.locator("main").innerText();
  ok(answers.includes("Thank you. Where does he pay?"), "who returns with the receipt reads the answer", answers);
  ok(!answers.includes("ask where he pays"), "and not the reviewers' notes");
  await picture(page, "public-tip-answers-en-light-phone");
  await page.locator("textarea[name=text]").fill("At the exchange in Example City.");
  await page.locator("form[action^='/tips/say'] button[type=submit]").click();
  await page.waitForLoadState("load");
  await at.reload();
  await openKey(at, "rita");
  const articles = at.locator("#sealed article");
  await until(async () => (await articles.count()) >= 4, 8000);
  const last = articles.filter({ hasText: "the informant" }).last();
  await last.getByRole("button", { name: "Open it here" }).click();
  ok(await until(async () => (await last.innerText()).includes("At the exchange in Example City."), 8000), "and the reviewer what the informant said to that", await last.innerText());
  await comeBack(page, face, receipt.replace(/^\S+ \S+/, "abandon ability"));
  ok(!(await page.locator("main").innerText()).includes("Where does he pay"), "another receipt opens nothing");
  none(informant.faults(), "the informant's pages: no error, no other origin");
  await reviewer.context.close();
  await informant.context.close();
}

/* ---- a notice ---- */

export async function notice(browser, face) {
  const { page, context, faults } = await open(browser, { origin: face });
  await page.goto(`${face}/notices?lang=en`);
  await page.getByRole("main").getByRole("link").first().click();
  await page.waitForLoadState("load");
  const text = await page.locator("main").innerText();
  ok(page.url().includes(`/notices/${setup.notice}`) && text.includes(`http://localhost:${setup.face}/notices/${setup.notice}`), "a notice says its permanent address", page.url());
  const want = createHash("sha256").update(readFileSync(setup.order)).digest("hex");
  ok(text.includes(want), "and the order's SHA-256", text.slice(0, 800));
  ok(["2:11-cv-00222", "District Court of Example", "seized.example"].every((w) => text.includes(w)), "court, docket, what was seized");
  const paper = page.locator("tr", { hasText: want }).locator("a").first();
  const bytes = await (await context.request.get(new URL(await paper.getAttribute("href"), face).href)).body();
  equal(createHash("sha256").update(bytes).digest("hex"), want, "the paper behind the link is the one of that digest");
  none([...(await after(page)), ...faults()], "without an error");
  await context.close();
}

/* ---- the self-check: by the address that a balancer says ---- */

export async function selfCheck(browser, face) {
  const { page, context, faults } = await open(browser, { origin: face });
  await page.goto(`${face}/check?lang=en`);
  const infected = await page.locator("main").innerText();
  ok(infected.includes(setup.infected) && infected.includes("rustock") && /infected computer called/i.test(infected), "an infected address is told what was seen", infected);
  const other = await relay(setup.notSeen, setup.public);
  const not = await open(browser, { origin: `http://localhost:${other.port}` });
  await not.page.goto(`http://localhost:${other.port}/check?lang=en`);
  const text = await not.page.locator("main").innerText();
  ok(text.includes(setup.notSeen) && !text.includes("rustock"), "one that was not seen is told so", text.slice(0, 600));
  ok(!/\b(you are|is|are) (clean|not infected|safe)\b/i.test(text) && /proves nothing/i.test(text), "and not that it is clean", text.slice(0, 900));
  ok(/NAT/.test(text) && /DHCP/.test(text) && text.includes("Example CERT"), "NAT, DHCP, whom to call");
  await picture(not.page, "public-check-not-seen-en-light-wide");
  none(await axe(not.page), "axe-core finds nothing");
  await not.page.goto(`http://localhost:${other.port}/check?lang=en&address=${setup.infected}&ip=${setup.infected}`);
  ok(!(await not.page.locator("main").innerText()).includes("rustock"), "nobody can ask for another's address");
  none([...faults(), ...not.faults()], "without an error");
  await context.close();
  await not.context.close();
}

/* ---- from the map to a proof ---- */

/* The text of a tlog-proof, checked by what knows nothing of ebb. */
function proved(name, proof, vkey, leaf) {
  const [p, v] = [join(setup.work, `${name}.proof`), join(setup.work, `${name}.vkey`)];
  writeFileSync(p, proof);
  writeFileSync(v, vkey);
  try {
    return execFileSync(setup.python, [setup.verify, v, p, ...leaf], { encoding: "utf8" }).trim();
  } catch (error) {
    return `refused: ${error.stdout}${error.stderr}`;
  }
}

/* Goes on by the first link that matches, within that part of the page. */
async function down(page, scope, pattern, where) {
  const links = page.locator(`${scope} a[href]`);
  await links.first().waitFor();
  const found = await until(async () => {
    for (const l of await links.all()) if (pattern.test((await l.getAttribute("href")) ?? "")) return l;
    return null;
  });
  if (!ok(Boolean(found), where)) throw new Error(`no way on: ${where}`);
  await found.click();
  await page.waitForTimeout(100);
  await settled(page);
}

export async function drillDown(browser, _, desk) {
  const { page, context, faults } = await logIn(browser, desk, "olaf");
  await page.locator("nav a[href='/census']").click();
  const country = page.locator(".map [data-country=IN]");
  await country.waitFor();
  await country.focus();
  await page.keyboard.press("Enter");
  await page.waitForURL(/country=IN/);
  await settled(page);
  ok((await page.locator("#main").innerText()).includes("India"), "from the map to a country, by keyboard");
  await picture(page, "desk-drill-country");
  await down(page, "#networks", /asn=\d+/, "to an AS");
  await down(page, "#networks", /network=[0-9.]+%2F\d+/, "to a network");
  await down(page, "#events", /network=\d+\.\d+\.\d+\.\d+(&|$)/, "to an address");
  await picture(page, "desk-drill-address");
  await down(page, "#events", /\/log\/entry\/\d+/, "to an event");
  const proof = page.locator("#proof pre").first();
  await proof.waitFor();
  const index = Number(page.url().split("/").pop());
  const said = proved("event", await proof.innerText().then((t) => (t.endsWith("\n") ? t : `${t}\n`)), readFileSync(join(setup.case, "log", "vkey"), "utf8"), [join(setup.case, "log")]);
  ok(said.includes(String(index)) && !said.startsWith("refused"), "and its proof, which holds without ebb", said);
  await picture(page, "desk-drill-entry");
  await page.goBack();
  await page.goBack();
  ok(/network=/.test(page.url()), "back leads back");
  none([...(await after(page)), ...faults()], "without an error");
  await context.close();
}

/* Every number of the progress page leads to its release, and that to its proof. */
export async function releaseProof(browser, face) {
  const { page, context, faults } = await open(browser, { origin: face });
  await page.goto(`${face}/?lang=en`);
  const to = await page.locator("main a[href*='/releases/']").first().getAttribute("href");
  await page.goto(new URL(to, face).href);
  const proof = await page.locator("main a[href*='/proof/']").first().getAttribute("href");
  const text = await (await context.request.get(new URL(proof, face).href)).text();
  const vkey = await (await context.request.get(`${face}/log/vkey`)).text();
  const extra = Buffer.from(/^extra (\S+)$/m.exec(text)[1], "base64");
  const files = [extra.subarray(0, 68), extra.subarray(68, 84), extra.subarray(84)].map((bytes, i) => {
    const name = join(setup.work, `release-${i}`);
    writeFileSync(name, bytes);
    return name;
  });
  const said = proved("release", text, vkey, files);
  ok(!said.startsWith("refused"), "a release's proof holds without ebb, from what the public pages give", said);
  const json = page.locator("main a[href$='.json']").first();
  const figures = await (await context.request.get(new URL(await json.getAttribute("href"), face).href)).body();
  const digest = createHash("sha256").update(figures).digest("hex");
  ok((await page.locator("main").innerText()).replace(/\s/g, "").includes(digest), "the figures are those of the digest on the log", digest);
  none(faults(), "without an error");
  await context.close();
}

/* ---- an act: prepared, shown, signed in the browser, on the log ---- */

export async function fact(browser, _, desk) {
  const subject = rows("", "case", "subject", "list").find((s) => s.subject === "John Doe 2").index;
  const { page, context, faults } = await logIn(browser, desk, "olaf");
  await page.goto(`${desk}/case/subject/${subject}`);
  await page.getByText("Record a fact", { exact: true }).click();
  const form = page.locator("details.do form");
  await form.locator("select[name=type]").selectOption("domain");
  await form.locator("[name=value]").fill("backup.example");
  await form.locator("[name=entries]").fill("17 18");
  await form.locator("[name=confidence]").fill("77");
  await form.locator("button[type=submit]").click();
  const dialog = page.locator("dialog, [role=dialog]").last();
  await dialog.locator(".act").waitFor();
  none(await axe(page), "the dialog of an act: axe-core finds nothing");
  await picture(page, "desk-act-dialog");
  const before = acts("fact").length;
  const said = await sign(page, "olaf");
  ok(said.includes("backup.example") && said.includes("77"), "a fact is shown with what will be signed", said);
  const now = acts("fact");
  const newest = now[now.length - 1];
  equal([now.length, newest.value, newest.account, newest.confidence], [before + 1, "backup.example", "olaf", 77], "signed in the browser, it is on the log");
  ok(await until(async () => (await page.locator("#known").innerText()).includes("backup.example")), "and on the page");
  ok(ebb("", "account", "check", "--quiet") !== null, "the check of all signatures finds nothing wrong");
  none([...(await after(page)), ...faults()], "without an error");
  await context.close();
}

export const tests = { tip, notice, selfCheck, drillDown, releaseProof, fact };
