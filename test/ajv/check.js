// Checks documents (JSON Lines on standard input) against published schemas with ajv.
// node check.js xarf|stix FOLDER: prints a line for each document, "ok" or what is wrong with it.
"use strict";
const fs = require("fs");
const path = require("path");
const Ajv = require("ajv/dist/2020").default;
const formats = require("ajv-formats").default;

const [kind, folder] = process.argv.slice(2);
// STIX escapes hyphens in patterns, which Unicode mode does not take.
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: true, unicodeRegExp: false });
formats(ajv);

function load(at) {
  for (const entry of fs.readdirSync(at, { withFileTypes: true })) {
    const name = path.join(at, entry.name);
    if (entry.isDirectory()) load(name);
    else if (entry.name.endsWith(".json")) ajv.addSchema(JSON.parse(fs.readFileSync(name, "utf8")));
  }
}
load(folder);

const stix = "http://raw.githubusercontent.com/oasis-open/cti-stix2-json-schemas/stix2.1/schemas/";
const folders = ["common", "sdos", "sros", "observables"];

function errors(id, document) {
  const validate = ajv.getSchema(id);
  if (!validate) return [`no schema ${id}`];
  return validate(document) ? [] : validate.errors.map((e) => `${id}${e.instancePath}: ${e.message}`);
}

function check_xarf(d) {
  const base = "https://xarf.org/schemas/v4/";
  return [...errors(base + "xarf-v4-master.json", d),
          ...errors(`${base}types/${d.category}-${String(d.type).replace(/_/g, "-")}.json`, d)];
}

// The bundle as a whole, and each object by its own schema: the bundle's says only "none of them".
function check_stix(bundle) {
  const found = errors(stix + "common/bundle.json", bundle);
  for (const o of bundle.objects || []) {
    const ids = folders.map((f) => `${stix}${f}/${o.type}.json`).filter((id) => ajv.getSchema(id));
    if (ids.length !== 1) found.push(`no schema for ${o.type}`);
    else found.push(...errors(ids[0], o));
  }
  return found;
}

for (const line of fs.readFileSync(0, "utf8").split("\n")) {
  if (!line) continue;
  const found = (kind === "xarf" ? check_xarf : check_stix)(JSON.parse(line));
  console.log(found.length ? found.slice(0, 5).join("; ") : "ok");
}
