/* What a table does with rows, without drawing: find, sort, and which columns. */
import type { Cell, Row } from "./types";

export interface Sort {
  readonly key: string;
  readonly down: boolean;
}

export function parseSort(text: string | undefined): Sort | null {
  if (!text) return null;
  return text.startsWith("-") ? { key: text.slice(1), down: true } : { key: text, down: false };
}

export function sortText(sort: Sort | null): string | undefined {
  return sort ? `${sort.down ? "-" : ""}${sort.key}` : undefined;
}

/* A cell as plain text, for finding and for those that nothing draws in a better way. */
export function cellText(cell: Cell | undefined): string {
  if (cell === null || cell === undefined) return "";
  if (typeof cell === "object") return Array.isArray(cell) ? cell.map((c) => cellText(c as Cell)).join(", ") : JSON.stringify(cell);
  return String(cell);
}

function compare(a: Cell | undefined, b: Cell | undefined): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return cellText(a).localeCompare(cellText(b), undefined, { numeric: true });
}

/* Those without a value come last, whichever way; equal ones stay as they were. */
export function sortRows<T extends Row>(rows: readonly T[], sort: Sort | null): readonly T[] {
  if (!sort) return rows;
  const sign = sort.down ? -1 : 1;
  const isNone = (c: Cell | undefined): boolean => c === null || c === undefined || c === "";
  return [...rows].sort((a, b) => {
    const [x, y] = [a[sort.key], b[sort.key]];
    if (isNone(x) || isNone(y)) return Number(isNone(x)) - Number(isNone(y));
    return sign * compare(x, y);
  });
}

/* Rows in which every word of the text is somewhere. */
export function findRows<T extends Row>(rows: readonly T[], text: string, keys: readonly string[]): readonly T[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return rows;
  return rows.filter((row) => {
    const whole = keys.map((k) => cellText(row[k])).join(" ").toLowerCase();
    return words.every((w) => whole.includes(w));
  });
}
