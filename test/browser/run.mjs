/* All parts, or those that are named: public speed flows logins desk xss. */
import { start } from "./browser.mjs";
import { relay } from "./relay.mjs";
import { done, note, part, setup } from "./tap.mjs";

const wanted = process.argv.slice(2);
/* One after the other within a lane; lanes go beside each other. What is measured has the browser to itself. */
const lanes = [[["speed"]], [["public"], ["flows", "logins", "desk", "xss"]]];

const browser = await start();
note(`Chromium ${browser.version()}`);
await relay(setup.infected, setup.public, setup.face);

async function lane(names) {
  for (const name of names) {
    if (wanted.length && !wanted.includes(name)) continue;
    const { tests } = await import(`./${name}.mjs`);
    for (const [what, run] of Object.entries(tests)) await part(`${name}: ${what}`, () => run(browser, `http://localhost:${setup.face}`, `http://localhost:${setup.desk}`));
  }
}

for (const beside of lanes) await Promise.all(beside.map(lane));
await browser.close();
done();
