/* The public progress page's map: <figure id="map" data-src="/progress.json">. Words are the page's, in data attributes
 * (data-label, data-suppressed, data-none, data-hint); the table of the page says the same as the map. */
import { drawMap, type MapRow } from "./shared/map-draw";

const ROWS_MAX = 512;

interface ProgressRow {
  readonly country: string;
  readonly value: number | null;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/* Rows of {country, value}: a value that is null or absent was suppressed. */
export function progressRows(document: unknown): ProgressRow[] {
  const rows = record(document).countries;
  if (!Array.isArray(rows)) return [];
  const out: MapRow[] = [];
  for (const row of rows.slice(0, ROWS_MAX)) {
    const { country, value } = record(row);
    if (typeof country !== "string" || !/^[A-Z]{2}$/.test(country)) continue;
    out.push({ country, value: typeof value === "number" && Number.isFinite(value) ? value : null });
  }
  return out;
}

/* The style lies beside the script, and both under the same rule of what a page may load. */
function style(): Promise<void> {
  return new Promise((done) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.href = "/assets/map.css";
    link.addEventListener("load", () => done());
    link.addEventListener("error", () => done());
    document.head.append(link);
  });
}

/* False: there is nothing to draw, and the room that was kept for it is given back. */
async function start(figure: HTMLElement): Promise<boolean> {
  const source = figure.dataset.src ?? "";
  if (!source.startsWith("/")) return false;
  const [answer] = await Promise.all([fetch(source, { credentials: "omit", headers: { Accept: "application/json" } }), style()]);
  if (!answer.ok) return false;
  const rows = progressRows(await answer.json());
  if (rows.length === 0) return false;
  const place = document.createElement("div");
  const { label = "Map", suppressed = "few", none = "none", hint = "" } = figure.dataset;
  drawMap(place, rows, { words: { label, suppressed, none, hint }, language: document.documentElement.lang || "en" });
  figure.prepend(place);
  figure.hidden = false;
  return true;
}

const figure = typeof document === "undefined" ? null : document.getElementById("map");
if (figure)
  start(figure)
    .catch(() => false)
    .then((drawn) => {
      if (!drawn) figure.hidden = true; // the table says it all without
    });
