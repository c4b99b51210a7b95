/* All parts, or those that are named: public speed flows logins desk xss. */
import { start } from "./browser.mjs";
import { relay } from "./relay.mjs";
import { done, note, part, setup } from "./tap.mjs";

const wanted = process.argv.slice(2);
const parts = { public: "./public.mjs", speed: "./speed.mjs", flows: "./flows.mjs", logins: "./logins.mjs", desk: "./desk.mjs", xss: "./xss.mjs" };

const browser = await start();
note(`Chromium ${browser.version()}`);
await relay(setup.infected, setup.public, setup.face);
for (const [name, file] of Object.entries(parts)) {
  if (wanted.length && !wanted.includes(name)) continue;
  const { tests } = await import(file);
  for (const [what, run] of Object.entries(tests)) await part(`${name}: ${what}`, () => run(browser, `http://localhost:${setup.face}`, `http://localhost:${setup.desk}`));
}
await browser.close();
done();
