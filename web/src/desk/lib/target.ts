/* Where an alarm or a date of the calendar leads. */
import type { Target } from "./types";
import { href, path } from "./url";

export function targetHref({ page, part, id }: Target): string {
  if (page === "overview") return "/";
  if (page === "leads" && id) return path("leads", id);
  if (page === "log" && id && /^\d+$/.test(id)) return path("log", "entry", id);
  if (page === "case" && part === "subjects" && id) return path("case", "subject", id);
  return href(`/${page}`, { tab: part ?? undefined, ...(id ? { [`${part ?? page}.find`]: id } : {}) });
}
