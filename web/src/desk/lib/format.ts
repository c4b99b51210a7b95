/* Numbers and times as people read them. The language is the desk's; times are UTC. */

let language = "en";
let numbers = new Intl.NumberFormat("en");
let short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function setFormatLanguage(tag: string): void {
  language = tag;
  numbers = new Intl.NumberFormat(tag, { maximumFractionDigits: 2 });
  short = new Intl.NumberFormat(tag, { notation: "compact", maximumFractionDigits: 1 });
}

export function count(n: number): string {
  return numbers.format(n);
}

/* With at most so many digits after the point. */
export function decimal(n: number, digits: number): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(n);
}

export function percent(n: number, digits = 1): string {
  return `${decimal(n, digits)} %`;
}

/* For axes: 12K, 1.5M. */
export function compact(n: number): string {
  return short.format(n);
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"] as const;

export function bytes(n: number): string {
  let unit = 0;
  let left = n;
  while (left >= 1024 && unit < UNITS.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${decimal(left, left < 10 && unit > 0 ? 1 : 0)} ${UNITS[unit]}`;
}

/* "2011-03-20T00:00:30.000000Z" as "2011-03-20 00:00:30"; days stay days; what is no time stays what it is. */
export function time(text: string): string {
  const m = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.\d+)?Z$/.exec(text);
  return m ? `${m[1]} ${m[2]}` : text;
}

/* The same in the reader's own time zone, for a hint. */
export function localTime(text: string): string {
  const at = Date.parse(text);
  if (!Number.isFinite(at)) return text;
  return new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "long" }).format(at);
}

/* "in 3 days", "2 hours ago". */
export function relative(text: string, now: number = Date.now()): string {
  const at = Date.parse(text);
  if (!Number.isFinite(at)) return text;
  const seconds = (at - now) / 1000;
  const steps: readonly [Intl.RelativeTimeFormatUnit, number][] = [
    ["year", 31_557_600],
    ["month", 2_629_800],
    ["day", 86_400],
    ["hour", 3600],
    ["minute", 60],
    ["second", 1],
  ];
  const [unit, size] = steps.find(([, s]) => Math.abs(seconds) >= s) ?? ["second", 1];
  return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}

let regions: { of(code: string): string | undefined } | null = null;
let regionsFor = "";

/* "DE" as "Germany"; what is no country's code stays what it is. */
export function country(code: string): string {
  if (!/^[A-Z]{2}$/.test(code)) return code;
  if (!regions || regionsFor !== language) {
    regions = new Intl.DisplayNames([language, "en"], { type: "region" });
    regionsFor = language;
  }
  try {
    return regions.of(code) ?? code;
  } catch {
    return code;
  }
}

/* The middle of a long hexadecimal text is left out. */
export function hash(text: string): string {
  return text.length > 20 ? `${text.slice(0, 8)}…${text.slice(-8)}` : text;
}
