/* Where we are: path and query of the URL are all the state that a page has, so that every view has an address, and back and
 * forward work. Links are plain <a href>: one listener takes those of the desk. */
import { useEffect, useState } from "preact/hooks";

export type Query = Readonly<Record<string, string>>;

export interface Place {
  readonly path: string;
  readonly parts: readonly string[]; /* of the path, decoded */
  readonly query: Query;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/* The first of a parameter's values counts; names that objects have of themselves are only names here. */
export function parsePlace(url: string): Place {
  const { pathname, searchParams } = new URL(url, "http://desk.invalid");
  const query: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [key, value] of searchParams) if (!(key in query)) query[key] = value;
  return { path: pathname, parts: pathname.split("/").filter(Boolean).map(decode), query };
}

/* Path and query as text; what is undefined or "" is left out. Parts of the path are encoded by path(). */
export function href(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) if (value !== undefined && value !== "") search.set(key, String(value));
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

export function path(...parts: readonly (string | number)[]): string {
  return `/${parts.map((p) => encodeURIComponent(String(p))).join("/")}`;
}

/* The place with some of its query's parameters other: undefined or "" takes one away. */
export function withQuery(place: Place, changes: Readonly<Record<string, string | undefined>>): string {
  return href(place.path, { ...place.query, ...changes });
}

const listeners = new Set<() => void>();

export function here(): Place {
  return parsePlace(location.href);
}

let moved = false;

/* Whether somebody went from one page of the desk to another, and did not just come. */
export function hasMoved(): boolean {
  return moved;
}

export function go(to: string, replace = false): void {
  moved = true;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  for (const listener of [...listeners]) listener();
}

export function usePlace(): Place {
  const [place, set] = useState(here);
  useEffect(() => {
    const update = (): void => set(here());
    listeners.add(update);
    update(); // it may have changed between drawing and now
    return () => listeners.delete(update);
  }, []);
  return place;
}

/* Takes clicks on the desk's own links; gives the rest to the browser. */
export function startLinks(): void {
  addEventListener("popstate", () => {
    moved = true;
    for (const listener of [...listeners]) listener();
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || link.target !== "" || link.hasAttribute("download")) return;
    const to = new URL(link.href);
    if (to.origin !== location.origin || to.pathname.startsWith("/api/") || to.pathname.startsWith("/assets/")) return;
    if (to.hash !== "" && to.pathname === location.pathname && to.search === location.search) return;
    event.preventDefault();
    const other = to.pathname !== location.pathname;
    go(to.pathname + to.search);
    if (other) scrollTo(0, 0);
  });
}
