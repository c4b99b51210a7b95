/* The one table: sorted and searched in place, columns to choose, CSV and JSON of the same rows, all of it in the URL. Arrow
 * keys go from row to row; a row's first link is where Enter leads. */
import type { ComponentChildren, VNode } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import * as format from "../lib/format";
import { isOver } from "../lib/days";
import { cellText, findRows, parseSort, sortRows, sortText } from "../lib/table";
import type { Row } from "../lib/types";
import { go, usePlace, withQuery } from "../lib/url";
import { Count, Empty, EntryLink, EntryList, Time } from "./basics";

export type ColumnKind = "text" | "count" | "number" | "time" | "day" | "counted" | "entry" | "entries" | "hash" | "country" | "bytes" | "percent" | "yes";

export interface Column<T extends Row> {
  readonly key: string;
  readonly label?: string;
  readonly kind?: ColumnKind;
  readonly hidden?: boolean; /* unless chosen */
  readonly draw?: (row: T) => ComponentChildren;
}

interface TableProps<T extends Row> {
  readonly id: string; /* what its parameters in the URL begin with */
  readonly caption: string;
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
  readonly source?: string; /* the API's URL that the rows are from: offered as CSV and JSON */
  readonly empty?: string;
  readonly plain?: boolean; /* without tools: short lists */
  readonly chosen?: (row: T) => boolean;
}

const PAGE = 100;
const NUMERIC: readonly ColumnKind[] = ["count", "number", "bytes", "percent", "entry"];

function draw<T extends Row>(column: Column<T>, row: T): ComponentChildren {
  if (column.draw) return column.draw(row);
  const value = row[column.key];
  if (value === null || value === undefined || value === "" || (Array.isArray(value) && value.length === 0)) return <span class="none">–</span>;
  switch (column.kind) {
    case "count":
      return typeof value === "number" ? <Count n={value} /> : cellText(value);
    case "number":
      return typeof value === "number" ? <span class="num">{format.decimal(value, 3)}</span> : cellText(value);
    case "percent":
      return typeof value === "number" ? <span class="num">{format.percent(value)}</span> : cellText(value);
    case "bytes":
      return typeof value === "number" ? <span class="num">{format.bytes(value)}</span> : cellText(value);
    case "time":
      return <Time at={cellText(value)} />;
    case "day":
      return <Time at={cellText(value)} day />;
    case "counted" /* a day whose count grows until it is over */:
      return (
        <>
          <Time at={cellText(value)} day />
          {!isOver(cellText(value)) && <span class="soft"> {t("state.soFar")}</span>}
        </>
      );
    case "entry":
      return typeof value === "number" ? <EntryLink index={value} /> : cellText(value);
    case "entries":
      return <EntryList text={cellText(value)} />;
    case "hash":
      return (
        <code class="num" title={cellText(value)}>
          {format.hash(cellText(value))}
        </code>
      );
    case "country":
      return <span title={cellText(value)}>{format.country(cellText(value))}</span>;
    case "yes":
      return value === true ? t("table.yes") : value === false ? t("table.no") : cellText(value);
    default:
      return cellText(value);
  }
}

/* The same route as a file. */
export function exportHref(source: string, as: "csv" | "json"): string {
  if (as === "json") return source;
  return `${source}${source.includes("?") ? "&" : "?"}format=csv`;
}

function moveRow(event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0 || !(event.target instanceof HTMLElement) || event.target.tagName === "INPUT") return;
  const row = event.target.closest("tr");
  const next = step > 0 ? row?.nextElementSibling : row?.previousElementSibling;
  const column = event.target.closest("td,th");
  if (!row || !(next instanceof HTMLTableRowElement)) return;
  const cell = column instanceof HTMLTableCellElement ? next.cells[column.cellIndex] : undefined;
  const aim = cell?.querySelector<HTMLElement>("a,button") ?? next.querySelector<HTMLElement>("a,button");
  if (!aim) return;
  event.preventDefault();
  aim.focus();
}

export function Table<T extends Row>(props: TableProps<T>): VNode {
  const { id, caption, rows, columns, source, plain } = props;
  const place = usePlace();
  const [shown, setShown] = useState(PAGE);
  const name = (what: string): string => `${id}.${what}`;
  const sort = parseSort(place.query[name("sort")]);
  const find = plain ? "" : (place.query[name("find")] ?? "");
  const wanted = place.query[name("cols")]?.split(" ");
  const visible = columns.filter((c) => (wanted ? wanted.includes(c.key) : !c.hidden));
  const timer = useRef(0);
  const keys = columns.map((c) => c.key);
  const good = useMemo(() => sortRows(findRows(rows, find, keys), sort), [rows, find, sort?.key, sort?.down, keys.join(" ")]);

  const sortBy = (key: string, first: boolean): void => {
    const down = sort?.key === key ? !sort.down : first;
    go(withQuery(place, { [name("sort")]: sortText({ key, down }) }), true);
  };
  const findBy = (text: string): void => {
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => go(withQuery(place, { [name("find")]: text }), true), 150);
  };
  const choose = (key: string, on: boolean): void => {
    const next = columns.map((c) => c.key).filter((k) => (k === key ? on : visible.some((v) => v.key === k)));
    if (next.length > 0) go(withQuery(place, { [name("cols")]: next.join(" ") }), true);
  };

  return (
    <div class="table">
      {!plain && (
        <div class="tools">
          <input type="search" value={find} placeholder={t("table.find")} aria-label={`${t("table.find")}: ${caption}`} onInput={(e) => findBy(e.currentTarget.value)} />
          <span class="soft num">{find === "" ? t("table.rows", { n: format.count(rows.length), count: rows.length }) : t("table.found", { n: format.count(good.length), all: format.count(rows.length), count: rows.length })}</span>
          <details class="columns">
            <summary>{t("table.columns")}</summary>
            <fieldset>
              <legend class="sr">{t("table.columns")}</legend>
              {columns.map((c) => (
                <label key={c.key}>
                  <input type="checkbox" checked={visible.includes(c)} onChange={(e) => choose(c.key, e.currentTarget.checked)} /> {c.label ?? label("col", c.key)}
                </label>
              ))}
            </fieldset>
          </details>
          {source && (
            <span class="exports">
              <a href={exportHref(source, "csv")} download>
                CSV
              </a>
              <a href={exportHref(source, "json")} download>
                JSON
              </a>
            </span>
          )}
        </div>
      )}
      {good.length === 0 ? (
        <Empty>{find !== "" ? t("table.nothing", { text: find }) : (props.empty ?? t("table.empty"))}</Empty>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={t("table.region", { name: caption })}>
          <table onKeyDown={moveRow}>
            <caption class="sr">{caption}</caption>
            <thead>
              <tr>
                {visible.map((c) => {
                  const number = NUMERIC.includes(c.kind ?? "text");
                  const here = sort?.key === c.key;
                  return (
                    <th key={c.key} scope="col" class={number ? "right" : undefined} aria-sort={here ? (sort.down ? "descending" : "ascending") : undefined}>
                      {plain ? (
                        (c.label ?? label("col", c.key))
                      ) : (
                        <button type="button" onClick={() => sortBy(c.key, number)}>
                          {c.label ?? label("col", c.key)}
                          <span aria-hidden="true" class="arrow">
                            {here ? (sort.down ? "▼" : "▲") : ""}
                          </span>
                        </button>
                      )}
                    </th>
                  );
                })}
              </tr>
            </thead>
            <tbody>
              {good.slice(0, shown).map((row, i) => (
                <tr key={i} class={props.chosen?.(row) ? "chosen" : undefined}>
                  {visible.map((c, j) =>
                    j === 0 ? (
                      <th key={c.key} scope="row" class={NUMERIC.includes(c.kind ?? "text") ? "right" : undefined}>
                        {draw(c, row)}
                      </th>
                    ) : (
                      <td key={c.key} class={NUMERIC.includes(c.kind ?? "text") ? "right" : undefined}>
                        {draw(c, row)}
                      </td>
                    ),
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {good.length > shown && (
        <button type="button" class="more" onClick={() => setShown(shown + PAGE * 5)}>
          {t("table.more", { n: format.count(good.length - shown) })}
        </button>
      )}
    </div>
  );
}
