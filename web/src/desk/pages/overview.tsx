/* The overview: what arrives now, how the base falls, what somebody should look at, and where to go next. */
import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { getJson, useData } from "../lib/api";
import { isOver, wholeDays } from "../lib/days";
import * as format from "../lib/format";
import { num, q, str } from "../lib/q";
import { may } from "../lib/session";
import { targetHref } from "../lib/target";
import type { Alarms, EventRow, Live, Row, Rows } from "../lib/types";
import { href, path } from "../lib/url";
import { Card, Empty, Heading, Loaded, Problem, Skeleton, Status, Time } from "../ui/basics";
import { Chart, dayX } from "../ui/chart";
import type { PageProps } from "../app";

const LIVE_MS = 2000;
const FEED_MS = 3000;
const MOVING = 90; /* points of the moving line */
const MOVING_S = 120; /* what of it is seen */
const FEED_ROWS = 8;

interface Pulse {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/* The last minutes of a figure, a point a turn. */
function usePulse(live: Live | undefined): Pulse {
  const [pulse, set] = useState<Pulse>({ x: [], y: [] });
  useEffect(() => {
    if (!live) return;
    const at = Date.parse(live.now) / 1000;
    set((old) => (old.x[old.x.length - 1] === at ? old : { x: [...old.x, at].slice(-MOVING), y: [...old.y, live.events_per_s].slice(-MOVING) }));
  }, [live]);
  return pulse;
}

/* What came last, the newest first; asked for what is behind the newest that is known. */
function useFeed(): { rows: readonly EventRow[]; known: boolean; fresh: number } {
  const [state, set] = useState<{ rows: readonly EventRow[]; known: boolean; fresh: number }>({ rows: [], known: false, fresh: 0 });
  const newest = useRef<number | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    let timer = 0;
    const turn = async (): Promise<void> => {
      try {
        if (!document.hidden) {
          const url = newest.current === null ? `/api/feed?limit=${FEED_ROWS}` : `/api/feed?after=${newest.current}&limit=${FEED_ROWS}`;
          const { rows } = await getJson<Rows<EventRow>>(url, stop.signal);
          const last = rows[rows.length - 1];
          if (last) newest.current = last.index;
          set((old) => ({ rows: [...[...rows].reverse(), ...old.rows].slice(0, FEED_ROWS), known: true, fresh: old.known ? rows.length : 0 }));
        }
      } catch {
        if (stop.signal.aborted) return;
      }
      timer = window.setTimeout(() => void turn(), FEED_MS);
    };
    void turn();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, []);
  return state;
}

export function contactText(e: EventRow): string {
  if (e.dns?.qname) return e.dns.qname;
  if (e.http) return `${e.http.method ?? ""} ${e.http.host ?? ""}${e.http.target ?? ""}`.trim();
  if (e.smtp) return [e.smtp.helo && `HELO ${e.smtp.helo}`, e.smtp.from && `<${e.smtp.from}>`].filter(Boolean).join(" ");
  return "";
}

function Feed(): VNode {
  const { rows, known, fresh } = useFeed();
  if (!known) return <Skeleton lines={8} />;
  if (rows.length === 0) return <Empty>{t("overview.feedEmpty")}</Empty>;
  return (
    <ol class="feed" aria-label={t("overview.feed")}>
      {rows.map((e, i) => (
        <li key={e.index} class={i < fresh ? "fresh" : undefined}>
          <a href={path("log", "entry", e.index)} class="num">
            {format.time(e.time).slice(11) || e.time}
          </a>
          <span class="proto">{label("proto", e.protocol ?? e.kind ?? "")}</span>
          <span class="addr num">
            {e.src_ip ?? "–"}
            {e.country && <span class="soft"> {e.country}</span>}
          </span>
          <span class="what" title={contactText(e)}>
            {e.family && <b>{e.family} </b>}
            {contactText(e)}
          </span>
        </li>
      ))}
    </ol>
  );
}

function LiveCard(): VNode {
  const live = useData<Live>("/api/live", LIVE_MS);
  const pulse = usePulse(live.data);
  const protocols = Object.entries(live.data?.checkins ?? {});
  const lines = useMemo(() => [{ label: t("overview.perSecond"), values: pulse.y, colour: 1 as const }], [pulse]);
  return (
    <Card title={t("overview.live")} id="live">
      {live.error && <Problem error={live.error} retry={live.reload} />}
          {live.data ? (
            <>
              <p class="big">
                <span class="num">{format.decimal(live.data.events_per_s, 1)}</span> <span class="soft">{t("overview.perSecond")}</span>
              </p>
              <p class="soft num">
                {protocols.map(([name, c]) => (
                  <span key={name} class="pair">
                    {label("proto", name)} <b>{format.count(c.total)}</b>
                  </span>
                ))}
                <span class="pair">
                  {t("overview.logSize")} <b>{format.count(live.data.log_size)}</b>
                </span>
              </p>
              {live.data.not_ready.length > 0 && <p class="note warn">{live.data.not_ready.join("; ")}</p>}
            </>
          ) : (
            <Skeleton lines={2} />
          )}
      <Chart id="pulse" summary={t("overview.liveSummary", { n: format.decimal(live.data?.events_per_s ?? 0, 1) })} x={pulse.x} lines={lines} height={120} span={MOVING_S} />
      <Feed />
    </Card>
  );
}

/* ---- the base ---- */

/* The family with the most contacts: the base that the case is about. */
function mainFamily(rows: readonly Row[]): string {
  const sums = new Map<string, number>();
  for (const row of rows) sums.set(str(row.family), (sums.get(str(row.family)) ?? 0) + (num(row.addresses) ?? 0));
  return [...sums].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

const ofFamily = (rows: readonly Row[], family: string): readonly Row[] => rows.filter((r) => str(r.family) === family);

function byDay(rows: readonly Row[], key: string): Map<string, number> {
  const out = new Map<string, number>();
  for (const row of rows) {
    const day = str(row.date);
    const value = num(row[key]);
    if (day !== "" && value !== null) out.set(day, (out.get(day) ?? 0) + value);
  }
  return out;
}

/* Days between that are not known stay so: no line goes over them. */
function everyDay(days: readonly string[]): string[] {
  const out: string[] = [];
  for (const [i, day] of days.entries()) {
    const before = days[i - 1];
    if (before !== undefined && dayX(day) - dayX(before) > 86_400) out.push(new Date((dayX(before) + 86_400) * 1000).toISOString().slice(0, 10));
    out.push(day);
  }
  return out;
}

interface Whole {
  readonly family: string;
  readonly alive: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly first: number | null;
  readonly half: number | null;
  readonly halfLow: number | null;
  readonly halfHigh: number | null;
}

function wholeOf(rows: readonly Row[]): Whole | null {
  const whole = rows.find((r) => r.since !== undefined && r.date === undefined);
  if (!whole) return null;
  return { family: str(whole.family), alive: num(whole.alive), low: num(whole.alive_low), high: num(whole.alive_high), first: num(whole.alive_first), half: num(whole.half_life_days), halfLow: num(whole.half_life_low), halfHigh: num(whole.half_life_high) };
}

/* Without a value yet, it has the room of one; waiting says what takes so long. */
function Tile({ name, value, below, to, waiting }: { name: string; value: string | null; below?: string; to: string; waiting?: string }): VNode {
  return (
    <a class="tile" href={to}>
      <span class="name">{name}</span>
      <span class="value num">{value ?? <span class="skeleton inline" aria-hidden="true"><span class="bar" /></span>}</span>
      <span class="below num">{(value === null ? (waiting ?? t("state.loading")) : below) || "\u00a0"}</span>
    </a>
  );
}

function Tiles({ census, estimate, spam }: { census: readonly Row[] | undefined; estimate: readonly Row[] | undefined; spam: readonly Row[] | undefined }): VNode {
  const addresses = [...byDay(wholeDays(census ?? []), "addresses")].sort();
  const [day, today] = addresses[addresses.length - 1] ?? ["", null];
  const whole = wholeOf(estimate ?? []);
  const mails = [...byDay(wholeDays(spam ?? []), "mails")].sort();
  const [mailDay, mailCount] = mails[mails.length - 1] ?? ["", null];
  const dayText = (d: string): string => (d === "" || isOver(d) ? d : `${d}, ${t("state.soFar")}`);
  const interval = (low: number | null, high: number | null): string => (low === null || high === null ? "" : `${format.count(low)} – ${format.count(high)}`);
  return (
    <div class="tiles">
      <Tile name={t("overview.addressesDay")} value={census ? (today === null ? "–" : format.count(today)) : null} below={dayText(day)} to="/census" />
      <Tile name={t("overview.alive")} value={estimate ? (whole?.alive == null ? "–" : format.count(whole.alive)) : null} waiting={t("overview.estimating")} below={whole ? interval(whole.low, whole.high) : ""} to="/census?view=estimate" />
      <Tile name={t("overview.halfLife")} value={estimate ? (whole?.half == null ? "–" : t("unit.days", { n: format.decimal(whole.half, 1), count: Math.round(whole.half * 10) / 10 })) : null} waiting={t("overview.estimating")} below={whole?.halfLow != null && whole.halfHigh != null ? `${format.decimal(whole.halfLow, 1)} – ${format.decimal(whole.halfHigh, 1)}` : ""} to="/census?view=estimate" />
      <Tile name={t("overview.mailsDay")} value={spam ? (mailCount === null ? "–" : format.count(mailCount)) : null} below={dayText(mailDay)} to="/spam" />
    </div>
  );
}

function BaseChart({ census, estimate }: { census: readonly Row[]; estimate: readonly Row[] }): VNode {
  const days = useMemo(() => {
    const addresses = byDay(census, "addresses");
    const alive = byDay(estimate, "alive");
    const low = byDay(estimate, "alive_low");
    const high = byDay(estimate, "alive_high");
    const all = everyDay([...new Set([...addresses.keys(), ...alive.keys()])].sort());
    const table: Row[] = all.map((date) => ({ date, addresses: addresses.get(date) ?? null, alive: alive.get(date) ?? null, alive_low: low.get(date) ?? null, alive_high: high.get(date) ?? null }));
    const rows = wholeDays(table);
    const column = (key: string): (number | null)[] => rows.map((r) => num(r[key]));
    return { table, rows, x: rows.map((r) => dayX(str(r.date))), lines: [{ label: t("overview.aliveLine"), values: column("alive"), low: column("alive_low"), high: column("alive_high"), colour: 1 as const }, { label: t("overview.addressesLine"), values: column("addresses"), colour: 2 as const }] };
  }, [census, estimate]);
  if (days.rows.length === 0) return <Empty>{t("overview.baseEmpty")}</Empty>;
  const [first, last] = [days.rows[0], days.rows[days.rows.length - 1]];
  return (
    <Chart
      id="base"
      summary={t("overview.baseSummary", { from: str(first?.date), to: str(last?.date), first: format.count(num(first?.addresses) ?? 0), last: format.count(num(last?.addresses) ?? 0) })}
      x={days.x}
      lines={days.lines}
      height={400}
      table={{
        rows: days.table.filter((r) => r.addresses !== null || r.alive !== null),
        columns: [
          { key: "date", kind: "counted" },
          { key: "addresses", kind: "count" },
          { key: "alive", kind: "count" },
          { key: "alive_low", kind: "count" },
          { key: "alive_high", kind: "count" },
        ],
      }}
    />
  );
}

function SpamChart({ rows }: { rows: readonly Row[] }): VNode {
  const whole = useMemo(() => wholeDays(rows), [rows]);
  const x = useMemo(() => whole.map((r) => dayX(str(r.date))), [whole]);
  const lines = useMemo(() => [{ label: t("col.mails"), values: whole.map((r) => num(r.mails)), colour: 2 as const, step: true }], [whole]);
  if (rows.length === 0) return <Empty>{t("overview.spamEmpty")}</Empty>;
  return <Chart id="volume" summary={t("spam.volumeSummary", { days: whole.length })} x={x} lines={lines} height={180} table={{ rows, columns: [{ key: "date", kind: "counted" }, { key: "mails", kind: "count" }, { key: "campaigns", kind: "count" }], source: q("spam") }} />;
}

function AlarmList(): VNode {
  const alarms = useData<Alarms>("/api/alarms", 30_000);
  return (
    <Card title={t("overview.alarms")} id="alarms">
      <Loaded data={alarms}>
        {({ alarms: list }) =>
          list.length === 0 ? (
            <Empty>{t("overview.alarmsNone")}</Empty>
          ) : (
            <ul class="alarms">
              {list.map((a, i) => (
                <li key={i}>
                  <Status name={a.severity} text={t(`severity.${a.severity}`)} />
                  <a href={targetHref(a.target)}>{a.text}</a>
                  {a.since && (
                    <span class="soft">
                      <Time at={a.since} />
                    </span>
                  )}
                </li>
              ))}
            </ul>
          )
        }
      </Loaded>
    </Card>
  );
}

function Next(): VNode {
  const items: readonly (readonly [string, string, string])[] = [
    [t("next.where"), t("next.whereText"), href("/census")],
    [t("next.spam"), t("next.spamText"), href("/spam")],
    may("reviewer", "custodian") ? [t("next.leads"), t("next.leadsText"), "/leads"] : [t("next.log"), t("next.logText"), "/log"],
  ];
  return (
    <section class="next" aria-labelledby="h-next">
      <h2 id="h-next">{t("next.title")}</h2>
      <ul>
        {items.map(([name, text, to]) => (
          <li key={to}>
            <a href={to}>
              <b>{name}</b>
              <span>{text}</span>
            </a>
          </li>
        ))}
      </ul>
    </section>
  );
}

export default function Overview(_: PageProps): VNode {
  const census = useData<Rows>(q("census", { by: "day" }), 60_000);
  const family = mainFamily(census.data?.rows ?? []);
  const estimate = useData<Rows>(census.data ? q("census", { by: "day", estimate: true, family }) : null);
  const base = useMemo(() => ofFamily(census.data?.rows ?? [], family), [census.data, family]);
  const spam = useData<Rows>(q("spam"), 60_000);
  return (
    <>
      <Heading lead={t("overview.lead")}>{t("nav.overview")}</Heading>
      <Tiles census={census.data ? base : undefined} estimate={estimate.data?.rows ?? (estimate.error ? [] : undefined)} spam={spam.data?.rows ?? (spam.error ? [] : undefined)} />
      <Next />
      <div class="grid lopsided">
        <Card title={family === "" ? t("overview.base") : t("overview.baseOf", { family })} id="base-card" actions={<a href="/census">{t("nav.census")} →</a>}>
          <Loaded data={census} tall>{() => <BaseChart census={base} estimate={estimate.data?.rows ?? []} />}</Loaded>
        </Card>
        <LiveCard />
        <Card title={t("overview.spam")} id="spam-card" actions={<a href="/spam">{t("nav.spam")} →</a>}>
          <Loaded data={spam} tall>{(s) => <SpamChart rows={s.rows} />}</Loaded>
        </Card>
        <AlarmList />
      </div>
    </>
  );
}
