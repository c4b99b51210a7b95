/* The world's countries as SVG paths, made at build time, so that no page carries a projection or a topology:
 * `import { shapes } from "virtual:world"`. Natural Earth's borders (public domain) by way of world-atlas, in the Equal
 * Earth projection (Savric, Patterson, Jenny, 2018), which keeps areas. What is too small for the map of 110 million to
 * one, and still a country that addresses are of, is a dot at its place. */
import { createRequire } from "node:module";
import { geoCentroid, geoEqualEarth, geoPath } from "d3-geo";
import { iso31661 } from "iso-3166";
import { feature } from "topojson-client";

/* In whole units, which need no decimal points. */
const WIDTH = 4800;
const HEIGHT = 2340;
const id = "virtual:world";

/* ISO 3166-1 numeric to alpha-2. Kosovo has no number; its code is the one that registries use. */
const alpha2 = new Map(iso31661.map((c) => [c.numeric, c.alpha2]));
const code = (f) => (f.properties.name === "Kosovo" ? "XK" : alpha2.get(f.id));

function countries(file) {
  const topology = createRequire(import.meta.url)(`world-atlas/${file}`);
  return feature(topology, topology.objects.countries).features;
}

/* A path's corners as steps from one to the next: half the length of places. */
function steps(absolute) {
  let out = "";
  let x = 0;
  let y = 0;
  for (const ring of (absolute ?? "").split("Z").filter(Boolean)) {
    const corners = ring.slice(1).split("L").map((c) => c.split(",").map(Number));
    corners.forEach(([toX, toY], i) => {
      const [dx, dy] = [toX - x, toY - y];
      if (i > 0 && dx === 0 && dy === 0) return;
      out += `${i === 0 ? "m" : i === 1 ? "l" : dx < 0 ? "" : " "}${dx}${dy < 0 ? "" : " "}${dy}`;
      [x, y] = [toX, toY];
    });
    out += "z";
    [x, y] = corners[0];
  }
  return out;
}

export function worldShapes() {
  const coarse = countries("countries-110m.json").filter((f) => f.id !== "010"); // without Antarctica
  const projection = geoEqualEarth().fitSize([WIDTH, HEIGHT], { type: "FeatureCollection", features: coarse });
  const path = geoPath(projection).digits(0);
  const shapes = new Map();
  for (const f of coarse) {
    const cc = code(f) ?? "";
    shapes.set(cc || f.properties.name, { cc, path: steps(path(f)) });
  }
  for (const f of countries("countries-50m.json")) {
    const cc = code(f);
    if (!cc || cc === "AQ" || shapes.has(cc)) continue;
    const at = projection(geoCentroid(f));
    if (at) shapes.set(cc, { cc, x: Math.round(at[0]), y: Math.round(at[1]) });
  }
  return [...shapes.values()];
}

export function world() {
  return {
    name: "ebb-world",
    resolveId: (source) => (source === id ? `\0${id}` : null),
    load: (source) =>
      source === `\0${id}`
        ? `export const width = ${WIDTH}, height = ${HEIGHT};\nexport const shapes = JSON.parse(${JSON.stringify(JSON.stringify(worldShapes()))});`
        : null,
  };
}
