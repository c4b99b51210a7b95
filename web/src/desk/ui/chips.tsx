/* What is filtered by, each with a way to take it off. */
import type { VNode } from "preact";
import { t } from "../i18n/i18n";
import { type Place, withQuery } from "../lib/url";

export interface Chip {
  readonly key: string; /* the query's parameter */
  readonly label: string;
  readonly value: string;
  readonly text: string;
}

export function Chips({ place, chips }: { place: Place; chips: readonly Chip[] }): VNode | null {
  const on = chips.filter((c) => c.value !== "");
  if (on.length === 0) return null;
  return (
    <ul class="chips" aria-label={t("filter.on")}>
      {on.map((c) => (
        <li key={c.key}>
          <a href={withQuery(place, { [c.key]: undefined })} aria-label={t("filter.remove", { name: `${c.label}: ${c.text}` })}>
            <span class="soft">{c.label}:</span> {c.text} <span aria-hidden="true">✕</span>
          </a>
        </li>
      ))}
      {on.length > 1 && (
        <li>
          <a href={withQuery(place, Object.fromEntries(on.map((c) => [c.key, undefined])))}>{t("filter.removeAll")}</a>
        </li>
      )}
    </ul>
  );
}
