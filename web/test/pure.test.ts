/* What needs no page: URLs, numbers, tables, templates, the map's classes and borders, rules of the sources. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { worldShapes } from "../build/world.mjs";
import { en } from "../src/desk/i18n/en";
import { ru } from "../src/desk/i18n/ru";
import * as format from "../src/desk/lib/format";
import { q } from "../src/desk/lib/q";
import { findRows, parseSort, sortRows, sortText } from "../src/desk/lib/table";
import { parseTemplate } from "../src/desk/lib/template";
import { fromBase64Url, toBase64Url } from "../src/desk/lib/base64";
import { targetHref } from "../src/desk/lib/target";
import { href, parsePlace, path, withQuery } from "../src/desk/lib/url";
import { bounds, CLASSES, classOf } from "../src/shared/map-scale";

test("a place is its URL, and back", () => {
  const place = parsePlace("/case/subject/John%20Doe%201?tab=x&a.find=50%25+more&tab=y&__proto__=z");
  assert.deepEqual(place.parts, ["case", "subject", "John Doe 1"]);
  assert.equal(place.query.tab, "x");
  assert.equal(place.query["a.find"], "50% more");
  assert.equal(place.query["__proto__"], "z");
  assert.equal(withQuery(parsePlace("/spam?a=1&b=2"), { a: undefined, c: "3" }), "/spam?b=2&c=3");
  assert.equal(href("/x", { a: "", b: 0 }), "/x?b=0");
  assert.equal(path("spam", "a/b?c"), "/spam/a%2Fb%3Fc");
  assert.deepEqual(parsePlace("/%E0%A4%A").parts, ["%E0%A4%A"]);
});

test("routes of the API", () => {
  assert.equal(q("case order list"), "/api/q/case/order/list");
  assert.equal(q("census", { by: "day", estimate: true, family: "", limit: undefined, roles: false }), "/api/q/census?by=day&estimate=true");
  assert.equal(q("census explain", {}, ["10.0.0.0/8", "a b"]), "/api/q/census/explain?arg=10.0.0.0%2F8&arg=a+b");
  assert.equal(targetHref({ page: "case", part: "orders", id: "a&b" }), "/case?tab=orders&orders.find=a%26b");
});

test("numbers and times", () => {
  format.setFormatLanguage("en");
  assert.equal(format.count(1234567), "1,234,567");
  assert.equal(format.bytes(0), "0 B");
  assert.equal(format.bytes(1536), "1.5 KiB");
  assert.equal(format.bytes(1024 ** 6 * 5), "5,120 PiB");
  assert.equal(format.time("2011-03-20T00:00:30.000000Z"), "2011-03-20 00:00:30");
  assert.equal(format.time("2011-03-20"), "2011-03-20");
  assert.equal(format.time("not a time"), "not a time");
  assert.equal(format.relative("2011-03-20T00:00:00Z", Date.parse("2011-03-17T00:00:00Z")), "in 3 days");
  assert.equal(format.country("DE"), "Germany");
  assert.equal(format.country("<b>"), "<b>");
  assert.equal(format.hash("a".repeat(64)), `${"a".repeat(8)}…${"a".repeat(8)}`);
  format.setFormatLanguage("ru");
  assert.equal(format.count(1234567).replace(/\s/g, " "), "1 234 567");
  assert.equal(format.country("DE"), "Германия");
});

test("tables sort with what is not known last, and find every word", () => {
  const rows = [{ a: 2, b: "x10" }, { a: null, b: "x9" }, { a: 10, b: "x1 y" }];
  assert.deepEqual(sortRows(rows, { key: "a", down: false }).map((r) => r.a), [2, 10, null]);
  assert.deepEqual(sortRows(rows, { key: "a", down: true }).map((r) => r.a), [10, 2, null]);
  assert.deepEqual(sortRows(rows, { key: "b", down: false }).map((r) => r.b), ["x1 y", "x9", "x10"]);
  assert.deepEqual(findRows(rows, "Y x", ["b"]).map((r) => r.b), ["x1 y"]);
  assert.equal(sortText(parseSort("-a")), "-a");
  assert.equal(parseSort(""), null);
});

test("a template's slots are told from its text", () => {
  const made = parseTemplate('template of 3 mails, 20 bits\nsubject\n  "a \\"b\\"\\n"\n  <hex 8>\n  "<i>"\nbody\n  "not closed\n');
  assert.equal(made.about, "template of 3 mails, 20 bits");
  assert.deepEqual(made.sections.map((s) => s.name), ["subject", "body"]);
  assert.deepEqual(made.sections[0]?.pieces, [{ slot: false, text: 'a "b"\n' }, { slot: true, text: "hex 8" }, { slot: false, text: "<i>" }]);
  assert.deepEqual(parseTemplate("").sections, []);
});

test("base64 of passkeys", () => {
  for (const n of [0, 1, 2, 3, 32]) {
    const bytes = Uint8Array.from({ length: n }, (_, i) => 255 - i);
    assert.deepEqual(fromBase64Url(toBase64Url(bytes)), bytes);
  }
});

test("classes of the map ascend, and the highest value has the highest", () => {
  for (const values of [[], [0], [7], [1, 1], [1, 2, 3], [10, 1e3, 1e7], [50, 60], Array.from({ length: 200 }, (_, i) => i * i)]) {
    const limits = bounds(values);
    assert.ok(limits.length < CLASSES);
    assert.deepEqual(limits, [...new Set(limits)].sort((a, b) => a - b));
    const classes = values.filter((v) => v > 0).sort((a, b) => a - b).map((v) => classOf(v, limits));
    assert.deepEqual(classes, [...classes].sort((a, b) => a - b));
    assert.ok(classes.every((c) => c >= 1 && c <= CLASSES));
    if (classes.length > 0) assert.equal(classes[classes.length - 1], CLASSES);
  }
});

test("the world has its countries once, the small ones, too", () => {
  const shapes = worldShapes();
  const codes = shapes.map((s) => s.cc).filter((c) => c !== "");
  assert.equal(new Set(codes).size, codes.length);
  for (const cc of ["DE", "US", "RU", "IN", "FR", "NO", "TW", "XK", "SG", "MT", "HK"]) assert.ok(codes.includes(cc), cc);
  assert.ok(codes.length > 220);
});

test("each language has every word, and the same to be filled in", () => {
  const braces = (s: string): string[] => (s.match(/\{\w+\}/g) ?? []).sort();
  for (const [key, words] of Object.entries(en)) {
    const other = ru[key as keyof typeof en];
    assert.ok(other && other.trim() !== "", key);
    assert.deepEqual(braces(other), braces(words), key);
  }
});

/* Text from outside is text: nothing in the sources makes HTML of it. srcdoc is in one file, which cleans what it shows. */
test("nothing writes HTML", () => {
  const files = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((f) => /\.tsx?$/.test(f));
  assert.ok(files.length > 40);
  for (const file of files) {
    const text = readFileSync(join("src", file), "utf8");
    for (const word of ["dangerouslySetInnerHTML", "innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "createContextualFragment", "javascript:"]) assert.ok(!text.includes(word), `${file}: ${word}`);
    if (text.includes("srcdoc")) {
      assert.equal(file.replace(/\\/g, "/"), "desk/ui/safehtml.tsx");
      assert.ok(text.includes('sandbox=""'));
    }
    assert.ok(!/: any\b|as any\b|<any>/.test(text), `${file}: any`);
  }
});
