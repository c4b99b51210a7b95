/* The map's classes: bounds that are round numbers, a factor of about equal size apart, because counts by country differ by
 * orders of magnitude. */

export const CLASSES = 6;

/* The nearest of 1, 2, 5 times a power of ten. */
function round(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = value / power;
  return (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10) * power;
}

/* Upper bounds (not included) of all classes but the last, ascending, without repetitions. */
export function bounds(values: readonly number[]): number[] {
  const good = values.filter((v) => Number.isFinite(v) && v > 0);
  if (good.length === 0) return [];
  const low = Math.min(...good);
  const high = Math.max(...good);
  if (low === high) return [];
  const step = (high / low) ** (1 / CLASSES);
  const out: number[] = [];
  for (let i = 1; i < CLASSES; i++) {
    const bound = round(low * step ** i);
    if (bound > low && bound <= high && bound !== out[out.length - 1]) out.push(bound);
  }
  return out;
}

/* 1 to CLASSES; fewer classes are spread over the scale, so that the highest is always the strongest. */
export function classOf(value: number, limits: readonly number[]): number {
  const at = limits.filter((l) => value >= l).length;
  return limits.length === 0 ? CLASSES : 1 + Math.round((at * (CLASSES - 1)) / limits.length);
}
