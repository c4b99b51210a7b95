/* The census: where the infected are, and from every number down to single events and their proofs. Country, AS, network, family
 * and time are in the URL. */
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { wholeDays } from "../lib/days";
import { num, q, str } from "../lib/q";
import type { Row, Rows } from "../lib/types";
import { go, href, type Place, withQuery } from "../lib/url";
import { Card, Empty, Heading, Loaded, Tabs } from "../ui/basics";
import { Chart, dayX } from "../ui/chart";
import { Chips, type Chip } from "../ui/chips";
import { type Column, Table } from "../ui/table";
import { WorldMap } from "../ui/worldmap";
import { AddressCard, EventsCard } from "./census-network";
import type { PageProps } from "../app";

const NETWORKS_MAX = 20_000; /* rows that are asked for when AS and country are chosen */

interface Filters {
  readonly family: string;
  readonly country: string;
  readonly asn: string;
  readonly network: string;
  readonly since: string;
  readonly until: string;
}

const filtersOf = ({ query }: Place): Filters => ({
  family: query.family ?? "",
  country: query.country ?? "",
  asn: query.asn ?? "",
  network: query.network ?? "",
  since: query.since ?? "",
  until: query.until ?? "",
});

const range = (f: Filters): { family: string; since: string; until: string } => ({ family: f.family, since: f.since, until: f.until });

function FilterBar({ place, f }: { place: Place; f: Filters }): VNode {
  const families = useData<Rows>(q("census", { by: "family" }));
  const chips: Chip[] = [
    { key: "country", label: label("col", "country"), value: f.country, text: format.country(f.country) },
    { key: "asn", label: "AS", value: f.asn, text: `AS${f.asn}` },
    { key: "network", label: label("col", "network"), value: f.network, text: f.network },
    { key: "family", label: label("col", "family"), value: f.family, text: f.family },
    { key: "since", label: t("filter.since"), value: f.since, text: f.since },
    { key: "until", label: t("filter.until"), value: f.until, text: f.until },
  ];
  const names = [...new Set((families.data?.rows ?? []).map((r) => str(r.family)).filter(Boolean))];
  const set = (key: string, value: string): void => go(withQuery(place, { [key]: value }));
  return (
    <div class="filters">
      <label>
        <span>{label("col", "family")}</span>
        <select value={f.family} onChange={(e) => set("family", e.currentTarget.value)}>
          <option value="">{t("filter.all")}</option>
          {names.map((n) => (
            <option key={n} value={n}>
              {n}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("filter.since")}</span>
        <input type="date" value={f.since.slice(0, 10)} onChange={(e) => set("since", e.currentTarget.value)} />
      </label>
      <label>
        <span>{t("filter.until")}</span>
        <input type="date" value={f.until.slice(0, 10)} onChange={(e) => set("until", e.currentTarget.value)} />
      </label>
      <Chips place={place} chips={chips} />
    </div>
  );
}

function DayChart({ place, f, estimate }: { place: Place; f: Filters; estimate: boolean }): VNode {
  const source = q("census", { by: "day", estimate, ...range(f) });
  const data = useData<Rows>(source);
  const pick = (from: number, to: number): void => {
    const day = (s: number): string => new Date(s * 1000).toISOString().slice(0, 10);
    go(withQuery(place, { since: day(from), until: day(to + 86_400) }));
  };
  return (
    <Loaded data={data} tall>
      {({ rows }) => <Days rows={rows.filter((r) => r.date !== undefined)} estimate={estimate} source={source} onPick={pick} />}
    </Loaded>
  );
}

function Days({ rows, estimate, source, onPick }: { rows: readonly Row[]; estimate: boolean; source: string; onPick: (a: number, b: number) => void }): VNode {
  const made = useMemo(() => {
    const days = [...new Set(wholeDays(rows).map((r) => str(r.date)))].sort();
    const families = [...new Set(wholeDays(rows).map((r) => str(r.family)))].slice(0, 6);
    const at = new Map(rows.map((r) => [`${str(r.date)} ${str(r.family)}`, r]));
    const column = (family: string, key: string): (number | null)[] => days.map((d) => num(at.get(`${d} ${family}`)?.[key]));
    const colours = [1, 2, 3, 4, 5, 6] as const;
    const lines = families.map((family, i) => ({
      label: family || t("census.noFamily"),
      colour: colours[i] ?? 1,
      values: column(family, estimate ? "alive" : "addresses"),
      ...(estimate ? { low: column(family, "alive_low"), high: column(family, "alive_high") } : {}),
    }));
    return { days, x: days.map(dayX), lines };
  }, [rows, estimate]);
  if (made.days.length === 0) return <Empty>{t("census.empty")}</Empty>;
  const columns: Column<Row>[] = estimate
    ? [{ key: "date", kind: "counted" }, { key: "family" }, { key: "hosts", kind: "count" }, { key: "hosts_low", kind: "count" }, { key: "hosts_high", kind: "count" }, { key: "alive", kind: "count" }, { key: "alive_low", kind: "count" }, { key: "alive_high", kind: "count" }]
    : [{ key: "date", kind: "counted" }, { key: "family" }, { key: "addresses", kind: "count" }, { key: "new", kind: "count" }, { key: "returning", kind: "count" }, { key: "gone", kind: "count" }];
  return (
    <>
      <Chart id="days" summary={t("census.daysSummary", { from: made.days[0] ?? "", to: made.days[made.days.length - 1] ?? "" })} x={made.x} lines={made.lines} onPick={onPick} table={{ rows, columns, source }} />
      <p class="soft hint">{t("census.pick")}</p>
    </>
  );
}

/* ---- countries ---- */

function sumBy(rows: readonly Row[], keyOf: (r: Row) => string, first: (r: Row) => Row): Row[] {
  const out = new Map<string, Row & { addresses: number }>();
  for (const row of rows) {
    const key = keyOf(row);
    const old = out.get(key);
    const addresses = num(row.addresses) ?? 0;
    out.set(key, { ...(old ?? first(row)), addresses: (old?.addresses ?? 0) + addresses });
  }
  return [...out.values()].sort((a, b) => b.addresses - a.addresses);
}

function Countries({ place, f }: { place: Place; f: Filters }): VNode {
  const source = q("census", { by: "country", ...range(f) });
  const data = useData<Rows>(source);
  return (
    <Card title={t("census.countries")} id="countries" wide>
      <Loaded data={data} tall>{({ rows }) => <CountryMap rows={rows} place={place} source={source} />}</Loaded>
    </Card>
  );
}

function CountryMap({ rows, place, source }: { rows: readonly Row[]; place: Place; source: string }): VNode {
  const map = useMemo(() => sumBy(rows, (r) => str(r.country), (r) => ({ country: r.country })).map((r) => ({ country: str(r.country), value: num(r.addresses) ?? 0 })), [rows]);
  const choose = (country: string): void => go(withQuery(place, { country, tab: undefined }));
  const columns: Column<Row>[] = [
    { key: "country", draw: (r) => (str(r.country) ? <a href={withQuery(place, { country: str(r.country) })}>{format.country(str(r.country))}</a> : <span class="none">{t("census.notKnown")}</span>) },
    { key: "family" },
    { key: "addresses", kind: "count" },
    { key: "first_seen", kind: "day" },
    { key: "last_seen", kind: "day" },
    { key: "ipv6", kind: "count", hidden: true },
  ];
  if (rows.length === 0) return <Empty>{t("census.empty")}</Empty>;
  return (
    <div class="split map-split">
      <WorldMap rows={map} name={t("census.mapName")} onChoose={choose} />
      <Table id="countries" caption={t("census.countries")} rows={rows} columns={columns} source={source} />
    </div>
  );
}

/* ---- networks: of a country, of an AS ---- */

function Networks({ place, f }: { place: Place; f: Filters }): VNode {
  const source = q("census", { by: "network", limit: NETWORKS_MAX, ...range(f) });
  const data = useData<Rows>(source);
  const title = f.asn ? t("census.networksOf", { as: f.asn }) : t("census.systemsOf", { country: format.country(f.country) });
  return (
    <Card title={title} id="networks" wide>
      <Loaded data={data} tall>
        {({ rows }) => {
          const mine = rows.filter((r) => (!f.country || r.country === f.country) && (!f.asn || String(r.asn) === f.asn));
          if (mine.length === 0) return <Empty>{t("census.empty")}</Empty>;
          return f.asn ? <NetworkTable rows={mine} place={place} source={source} /> : <SystemTable rows={mine} place={place} source={q("census", { by: "asn", ...range(f) })} />;
        }}
      </Loaded>
    </Card>
  );
}

function SystemTable({ rows, place, source }: { rows: readonly Row[]; place: Place; source: string }): VNode {
  const systems = useMemo(() => sumBy(rows, (r) => `${r.asn} ${str(r.family)}`, (r) => ({ asn: r.asn, as_name: r.as_name, family: r.family, networks: 0 })), [rows]);
  const columns: Column<Row>[] = [
    { key: "asn", label: "AS", draw: (r) => (r.asn ? <a href={withQuery(place, { asn: String(r.asn) })}>AS{String(r.asn)}</a> : <span class="none">{t("census.notKnown")}</span>) },
    { key: "as_name" },
    { key: "family" },
    { key: "addresses", kind: "count" },
  ];
  return <Table id="systems" caption={t("census.systems")} rows={systems} columns={columns} source={source} />;
}

function NetworkTable({ rows, place, source }: { rows: readonly Row[]; place: Place; source: string }): VNode {
  const columns: Column<Row>[] = [
    { key: "network", draw: (r) => <a href={withQuery(place, { network: str(r.network) })}>{str(r.network)}</a> },
    { key: "as_name" },
    { key: "country", kind: "country" },
    { key: "family" },
    { key: "addresses", kind: "count" },
    { key: "first_seen", kind: "day" },
    { key: "last_seen", kind: "day" },
  ];
  return <Table id="networks" caption={t("census.networks")} rows={rows} columns={columns} source={source} />;
}

/* ---- other views ---- */

function Roles({ f }: { f: Filters }): VNode {
  const source = q("census", { roles: true, ...range(f) });
  return (
    <Card title={t("census.roles")} id="roles" wide>
      <p class="soft">{t("census.rolesText")}</p>
      <Loaded data={useData<Rows>(source)}>
        {({ rows }) => (
          <Table
            id="roles"
            caption={t("census.roles")}
            rows={rows}
            columns={[{ key: "role", draw: (r) => label("role", str(r.role)) }, { key: "counts", kind: "yes" }, { key: "addresses", kind: "count" }, { key: "contacts", kind: "count" }, { key: "families", kind: "count" }, { key: "overruled", kind: "count" }]}
            source={source}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Estimate({ f }: { f: Filters }): VNode {
  const source = q("census", { by: "family", estimate: true, ...range(f) });
  const columns: Column<Row>[] = [
    { key: "family" },
    { key: "hosts", kind: "count" }, { key: "hosts_low", kind: "count" }, { key: "hosts_high", kind: "count" },
    { key: "alive_first", kind: "count" }, { key: "alive", kind: "count" }, { key: "alive_low", kind: "count" }, { key: "alive_high", kind: "count" },
    { key: "half_life_days", kind: "number" }, { key: "half_life_low", kind: "number" }, { key: "half_life_high", kind: "number" },
    { key: "days_to_90", kind: "number" }, { key: "curve" }, { key: "method" },
    { key: "renumbering_days", kind: "number", hidden: true }, { key: "nat_multiplicity", kind: "number", hidden: true },
  ];
  return (
    <Card title={t("census.estimate")} id="estimate" wide>
      <p class="soft">{t("census.estimateText")}</p>
      <Loaded data={useData<Rows>(source)}>
        {({ rows }) => (
          <>
            <Table id="estimate" caption={t("census.estimate")} rows={rows} columns={columns} source={source} />
            {[...new Set(rows.flatMap((r) => (Array.isArray(r.assumptions) ? (r.assumptions as unknown[]).map(String) : [])))].length > 0 && (
              <>
                <h3>{t("census.assumptions")}</h3>
                <ul>
                  {[...new Set(rows.flatMap((r) => (Array.isArray(r.assumptions) ? (r.assumptions as unknown[]).map(String) : [])))].map((a) => (
                    <li key={a}>{a}</li>
                  ))}
                </ul>
              </>
            )}
          </>
        )}
      </Loaded>
    </Card>
  );
}

/* "10.0.0.0/8" is a network; an address alone, or with the longest prefix, is an address. */
const isAddress = (network: string): boolean => !network.includes("/") || /\/(32|128)$/.test(network);

export default function Census({ place }: PageProps): VNode {
  const f = filtersOf(place);
  const view = place.query.view ?? "where";
  const views = ["where", "estimate", "roles"] as const;
  const below = f.network ? "network" : f.country || f.asn ? "part" : "all";
  return (
    <>
      <Heading lead={t("census.lead")}>{t("nav.census")}</Heading>
      <Tabs name={t("census.views")} current={view} items={views.map((id) => ({ id, label: t(`census.view.${id}`), href: href("/census", { ...place.query, view: id === "where" ? undefined : id }) }))} />
      <FilterBar place={place} f={f} />
      <div class="grid one">
        {below === "all" && view !== "roles" && (
          <Card title={view === "estimate" ? t("census.hostsByDay") : t("census.byDay")} id="by-day" wide>
            <DayChart place={place} f={f} estimate={view === "estimate"} />
          </Card>
        )}
        {view === "roles" && <Roles f={f} />}
        {view === "estimate" && <Estimate f={f} />}
        {view === "where" && below === "all" && <Countries place={place} f={f} />}
        {view === "where" && below === "part" && <Networks place={place} f={f} />}
        {view === "where" && below === "network" && isAddress(f.network) && <AddressCard address={f.network.split("/")[0] ?? ""} />}
        {view === "where" && below !== "all" && <EventsCard place={place} query={{ src: f.network, country: f.country, asn: f.asn, family: f.family, since: f.since, until: f.until }} addresses={below === "network" && !isAddress(f.network)} />}
      </div>
    </>
  );
}
