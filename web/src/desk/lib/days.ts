/* Days that are counted. The one that is not over has a part of its contacts only: in a curve it would be a fall that is none. */
import { str } from "./q";
import type { Row } from "./types";

/* Of a day or time in UTC. */
export function isOver(day: string, now: number = Date.now()): boolean {
  return day.slice(0, 10) < new Date(now).toISOString().slice(0, 10);
}

/* Rows of days that are over; when there are none yet, what there is. */
export function wholeDays(rows: readonly Row[], now: number = Date.now()): readonly Row[] {
  const over = rows.filter((r) => isOver(str(r.date), now));
  return over.length > 0 ? over : rows;
}
