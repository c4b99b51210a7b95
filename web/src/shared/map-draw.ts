/* A map of the world from rows of country and value: SVG, whose countries with a value can be reached by the keyboard. Names
 * are in the page's language, by the browser's own table. What comes in is text to it and nothing else. */
import { height, shapes, width } from "virtual:world";
import { bounds, classOf } from "./map-scale";

export interface MapRow {
  readonly country: string; /* ISO 3166-1 alpha-2 */
  readonly value: number | null; /* null: known, and not shown because it is small */
}

export interface MapWords {
  readonly label: string; /* what the map shows */
  readonly suppressed: string; /* of a value that is not shown */
  readonly none: string; /* of a country without a row */
  readonly hint: string; /* before a country is looked at */
}

export interface MapOptions {
  readonly words: MapWords;
  readonly language: string;
  readonly chosen?: string;
  readonly onChoose?: (country: string) => void;
}

const SVG = "http://www.w3.org/2000/svg";

function make(name: string, attributes: Record<string, string>, parent?: Element): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

function namesIn(language: string): (country: string) => string {
  const names = "DisplayNames" in Intl ? new Intl.DisplayNames([language, "en"], { type: "region" }) : null;
  return (country) => {
    try {
      return names?.of(country) ?? country;
    } catch {
      return country;
    }
  };
}

/* Lines for what is known and not shown; said by a pattern, because a colour would be a number. */
function pattern(svg: Element): void {
  const defs = make("defs", {}, svg);
  const p = make("pattern", { id: "map-hatch", width: "24", height: "24", patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, defs);
  make("rect", { width: "24", height: "24", class: "hatch-ground" }, p);
  make("path", { d: "M6 0V24", class: "hatch-line" }, p);
}

function legend(limits: readonly number[], any: boolean, hatched: boolean, numbers: Intl.NumberFormat, words: MapWords): HTMLElement {
  const list = document.createElement("ul");
  list.className = "legend";
  const add = (fill: string, text: string): void => {
    const item = document.createElement("li");
    const swatch = make("svg", { viewBox: "0 0 12 8", "aria-hidden": "true" }, item);
    make("rect", { width: "12", height: "8", class: fill }, swatch);
    item.append(text);
    list.append(item);
  };
  add("land", words.none);
  if (hatched) add("hatch", words.suppressed);
  if (!any) return list;
  for (let i = 0; i <= limits.length; i++) {
    const low = i === 0 ? null : (limits[i - 1] ?? null);
    const high = limits[i] ?? null;
    const fill = `seq-${classOf(low ?? (high === null ? 1 : high / 2), limits)}`;
    const text = low === null ? (high === null ? "≥ 1" : `< ${numbers.format(high)}`) : high === null ? `≥ ${numbers.format(low)}` : `${numbers.format(low)} – ${numbers.format(high)}`;
    add(fill, text);
  }
  return list;
}

/* Draws into the element, in place of what an earlier call drew there. */
export function drawMap(target: Element, rows: readonly MapRow[], options: MapOptions): void {
  const { words, language } = options;
  const numbers = new Intl.NumberFormat(language);
  const nameOf = namesIn(language);
  const byCountry = new Map(rows.map((r) => [r.country.toUpperCase(), r.value]));
  const values = rows.map((r) => r.value).filter((v): v is number => v !== null && v > 0);
  const limits = bounds(values);

  const box = document.createElement("div");
  box.className = "worldmap";
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": words.label });
  pattern(svg);
  const now = document.createElement("p");
  now.className = "now";
  now.setAttribute("aria-hidden", "true"); // each country says the same by its name
  now.textContent = words.hint;
  const ring = make("path", { class: "ring", d: "" });

  const drawn: SVGElement[] = [];
  for (const shape of shapes) {
    const value = shape.cc === "" ? undefined : byCountry.get(shape.cc);
    if (value === undefined && shape.path === undefined) continue; // dots are for those that have something to say
    const fill = value === undefined || value === 0 ? "" : value === null ? " hatch" : ` seq-${classOf(value, limits)}`;
    const at: Record<string, string> = shape.path !== undefined ? { d: shape.path } : { cx: String(shape.x), cy: String(shape.y), r: "14" };
    const element = make(shape.path !== undefined ? "path" : "circle", { ...at, class: `land${fill}` }, svg);
    if (value === undefined) {
      element.setAttribute("aria-hidden", "true");
      continue;
    }
    const said = `${nameOf(shape.cc)}: ${value === null ? words.suppressed : numbers.format(value)}`;
    element.setAttribute("aria-label", said);
    element.setAttribute("tabindex", "-1");
    element.setAttribute("role", options.onChoose ? "link" : "img");
    element.dataset.country = shape.cc;
    const show = (): void => {
      now.textContent = said;
      ring.setAttribute("d", shape.path ?? `M${(shape.x ?? 0) - 26} ${shape.y}a26 26 0 1 0 52 0a26 26 0 1 0-52 0`);
    };
    element.addEventListener("focus", show);
    element.addEventListener("mouseenter", show);
    element.addEventListener("blur", () => ring.setAttribute("d", ""));
    element.addEventListener("mouseleave", () => ring.setAttribute("d", ""));
    element.addEventListener("click", () => options.onChoose?.(shape.cc));
    if (options.chosen === shape.cc) show();
    drawn.push(element);
  }
  svg.append(ring);
  walk(svg, drawn, byCountry, options);
  box.append(svg, now, legend(limits, values.length > 0, rows.some((r) => r.value === null), numbers, words));
  target.replaceChildren(box);
}

/* One stop of the tab key; arrows go from country to country, by value: the largest first. */
function walk(svg: Element, drawn: SVGElement[], values: Map<string, number | null>, options: MapOptions): void {
  const valueOf = (e: SVGElement): number => values.get(e.dataset.country ?? "") ?? 0;
  const order = [...drawn].sort((a, b) => valueOf(b) - valueOf(a));
  let at = Math.max(0, order.findIndex((e) => e.dataset.country === options.chosen));
  order[at]?.setAttribute("tabindex", "0");
  svg.addEventListener("keydown", (event) => {
    if (!(event instanceof KeyboardEvent)) return;
    const here = order.findIndex((e) => e === document.activeElement);
    if (here < 0) return;
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" && options.onChoose) options.onChoose(order[here]?.dataset.country ?? "");
    else if (step !== undefined || event.key === "Home" || event.key === "End") {
      order[at]?.setAttribute("tabindex", "-1");
      at = event.key === "Home" ? 0 : event.key === "End" ? order.length - 1 : (here + (step ?? 0) + order.length) % order.length;
      order[at]?.setAttribute("tabindex", "0");
      order[at]?.focus();
    } else return;
    event.preventDefault();
  });
}
