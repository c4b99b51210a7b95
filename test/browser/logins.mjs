/* Logging in, in every way; and out. */
import { open } from "./browser.mjs";
import { acts, code, inside, link, logIn, openKey, sign } from "./login.mjs";
import { axe, picture } from "./look.mjs";
import { equal, none, ok, setup, until } from "./tap.mjs";

const statusOf = (page, path) => page.evaluate((p) => fetch(p).then((a) => a.status), path);
const EXPECT = ["401 /api/"];

async function out(page) {
  await page.getByRole("button", { name: "Log out" }).click();
  await page.locator("input[name=password]").waitFor();
  return statusOf(page, "/api/session");
}

export async function password(browser, _, desk) {
  const { page, context, faults } = await open(browser, { origin: desk, expect: EXPECT });
  await page.goto(`${desk}/census`);
  await page.locator("input[name=account]").waitFor();
  none(await axe(page), "the page to log in: axe-core finds nothing");
  await picture(page, "desk-login");
  const { account, password: word, totp } = setup.login;
  const enter = async (p, c) => {
    await page.locator("input[name=account]").fill(account);
    await page.locator("input[name=password]").fill(p);
    await page.locator("input[name=code]").fill(c);
    await page.getByRole("button", { name: "Log in", exact: true }).click();
  };
  await enter("not the password", code(totp));
  await page.locator("[role=alert]").waitFor();
  ok(/wrong/i.test(await page.locator("[role=alert]").innerText()), "a wrong password is refused, in words");
  await page.waitForTimeout(1200); /* who was wrong waits */
  const used = code(totp);
  await enter(word, used);
  await inside(page, account);
  ok(page.url() === `${desk}/census`, "password and code: inside, at the page that was asked for", page.url());
  const cookies = await context.cookies();
  ok(cookies.length === 1 && cookies[0].httpOnly && cookies[0].sameSite === "Strict", "one cookie, which scripts do not see", JSON.stringify(cookies));
  equal(await out(page), 401, "logged out");
  await context.addCookies(cookies);
  await page.reload();
  await page.locator("input[name=password]").waitFor();
  equal(await statusOf(page, "/api/q/census"), 401, "the old cookie is worth nothing");
  await enter(word, used);
  await page.locator("[role=alert]").waitFor();
  ok(true, "a code is good once");
  none(faults(), "without an error");
  await context.close();
}

export async function byLink(browser, _, desk) {
  const { page, context, faults } = await open(browser, { origin: desk, expect: EXPECT });
  const to = link("audrey");
  await page.goto(to);
  await inside(page, "audrey");
  ok(!page.url().includes("link="), "a one-time link: inside, and the link is out of the address line", page.url());
  const other = await open(browser, { origin: desk, expect: EXPECT });
  await other.page.goto(to);
  await other.page.locator("[role=alert]").waitFor();
  ok(true, "it is good once");
  equal(await out(page), 401, "logged out");
  none([...faults(), ...other.faults()], "without an error");
  await context.close();
  await other.context.close();
}

export async function passkey(browser, _, desk) {
  const { page, context, faults } = await logIn(browser, desk, "olaf", { expect: EXPECT });
  const devtools = await context.newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
  });
  await page.goto(`${desk}/account`);
  await openKey(page, "olaf");
  await page.locator("#passkeys input[name=name]").fill("the test's key");
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await sign(page, "olaf");
  const kept = acts("passkey");
  equal([kept.length, kept[0]?.account, kept[0]?.name], [1, "olaf", "the test's key"], "a passkey is an act, signed by who has it");
  equal(await out(page), 401, "logged out");
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await inside(page, "olaf");
  ok(true, "a passkey logs in");
  await page.goto(`${desk}/account`);
  await openKey(page, "olaf");
  await page.locator("#passkeys").getByRole("button", { name: "Withdraw" }).click();
  await sign(page, "olaf");
  await out(page);
  await page.reload();
  const button = page.getByRole("button", { name: "Log in with a passkey" });
  const again = await until(async () => (await page.locator("input[name=password]").count()) > 0);
  if (again && (await button.count())) {
    await button.click();
    await page.locator("[role=alert]").waitFor();
  }
  equal(await statusOf(page, "/api/session"), 401, "withdrawn, it does not");
  none(faults(), "without an error");
  await context.close();
}

/* The public listener has nothing of the desk, nor the desk of the public's forms. */
export async function apart(browser, face, desk) {
  const { page, context } = await open(browser, { origin: face, expect: [404, 405, 403, 401] });
  await page.goto(`${face}/`);
  const statuses = await page.evaluate(async () => {
    const got = [];
    for (const p of ["/api/session", "/api/q/census", "/api/login", "/assets/desk.js", "/desk.html", "/metrics", "/census", "/leads"]) got.push(`${p} ${(await fetch(p)).status}`);
    return got;
  });
  none(statuses.filter((s) => !s.endsWith(" 404") && !s.endsWith(" 405")), "the desk cannot be reached from the public listener");
  /* From a page of another origin: nothing is given, and no act is taken. */
  const from = await logIn(browser, desk, "olaf", { origin: undefined });
  await from.page.goto(`${face}/`);
  const got = await from.page.evaluate(async (to) => {
    const results = [];
    for (const init of [{}, { credentials: "include" }, { method: "POST", credentials: "include", mode: "no-cors", body: "{}" }]) {
      try {
        const a = await fetch(`${to}/api/acts/prepare`, init);
        results.push(`${a.type} ${a.status}`);
      } catch (e) {
        results.push("refused");
      }
    }
    return results;
  }, desk);
  none(got.filter((g) => g !== "refused" && !g.startsWith("opaque")), "another site's page gets nothing from the desk");
  await context.close();
  await from.context.close();
}

export const tests = { password, byLink, passkey, apart };
