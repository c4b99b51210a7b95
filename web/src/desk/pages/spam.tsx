/* Spam: how much, of what, which campaigns; one campaign; one mail. */
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { wholeDays } from "../lib/days";
import { num, q, str } from "../lib/q";
import type { Row, Rows } from "../lib/types";
import { go, href, path, type Place, withQuery } from "../lib/url";
import { Card, Empty, Heading, Loaded, Tabs } from "../ui/basics";
import { Chart, dayX } from "../ui/chart";
import { Chips } from "../ui/chips";
import { type Column, Table } from "../ui/table";
import { CampaignPage } from "./campaign";
import { MailPage } from "./mail";
import type { PageProps } from "../app";

const BY = ["topic", "family", "brand", "country", "asn"] as const;

interface Filters {
  readonly family: string;
  readonly topic: string;
  readonly brand: string;
  readonly since: string;
  readonly until: string;
}

function filtersOf({ query }: Place): Filters {
  return { family: query.family ?? "", topic: query.topic ?? "", brand: query.brand ?? "", since: query.since ?? "", until: query.until ?? "" };
}

function Volume({ place, f }: { place: Place; f: Filters }): VNode {
  const source = q("spam", { ...f });
  const data = useData<Rows>(source);
  const changes = useData<Rows>(q("spam changes", { ...f }));
  return (
    <Card title={t("spam.volume")} id="volume" wide>
      <Loaded data={data} tall>
        {({ rows }) => <Days rows={rows} changes={changes.data?.rows ?? []} source={source} place={place} />}
      </Loaded>
    </Card>
  );
}

function Days({ rows, changes, source, place }: { rows: readonly Row[]; changes: readonly Row[]; source: string; place: Place }): VNode {
  const whole = useMemo(() => wholeDays(rows), [rows]);
  const x = useMemo(() => whole.map((r) => dayX(str(r.date))), [whole]);
  const lines = useMemo(() => [{ label: t("col.mails"), values: whole.map((r) => num(r.mails)), colour: 2 as const, step: true }], [whole]);
  const marks = useMemo(() => changes.map((c) => ({ at: dayX(str(c.date)), label: num(c.change) === null ? "" : `${(num(c.change) ?? 0) > 0 ? "+" : ""}${format.percent(num(c.change) ?? 0, 0)}` })), [changes]);
  if (rows.length === 0) return <Empty>{t("overview.spamEmpty")}</Empty>;
  const pick = (from: number, to: number): void => {
    const day = (s: number): string => new Date(s * 1000).toISOString().slice(0, 10);
    go(withQuery(place, { since: day(from), until: day(to + 86_400) }));
  };
  const columns: Column<Row>[] = [
    { key: "date", kind: "counted" },
    { key: "mails", kind: "count" },
    { key: "bytes", kind: "bytes" },
    { key: "campaigns", kind: "count" },
    { key: "index", kind: "number" },
    { key: "index_low", kind: "number", hidden: true },
    { key: "index_high", kind: "number", hidden: true },
  ];
  return <Chart id="mails" summary={t("spam.volumeSummary", { days: whole.length })} x={x} lines={lines} marks={marks} onPick={pick} table={{ rows, columns, source }} />;
}

/* Before and after a day that the reader names. */
function Impact({ place, f }: { place: Place; f: Filters }): VNode {
  const event = place.query.event ?? "";
  const data = useData<Rows>(event === "" ? null : q("spam impact", { event, days: 14, family: f.family, topic: f.topic, brand: f.brand }));
  const row = data.data?.rows[0];
  const signed = (n: number | null): string => (n === null ? "–" : `${n > 0 ? "+" : ""}${format.percent(n)}`);
  return (
    <div class="filters">
      <label>
        <span>{t("spam.event")}</span>
        <input type="date" value={event} onChange={(e) => go(withQuery(place, { event: e.currentTarget.value }))} />
      </label>
      {row && (
        <p class="num">
          {t("spam.impact", { before: format.decimal(num(row.before) ?? 0, 1), after: format.decimal(num(row.after) ?? 0, 1), change: signed(num(row.change)), low: signed(num(row.change_low)), high: signed(num(row.change_high)) })}
        </p>
      )}
      {event !== "" && data.error && <p class="note warn">{data.error.message}</p>}
    </div>
  );
}

function Changes({ place, f }: { place: Place; f: Filters }): VNode {
  const source = q("spam changes", { ...f });
  return (
    <Card title={t("spam.changes")} id="changes">
      <p class="soft">{t("spam.changesText")}</p>
      <Loaded data={useData<Rows>(source)}>
        {({ rows }) => <Table id="changes" caption={t("spam.changes")} rows={rows} columns={[{ key: "date", kind: "day" }, { key: "before", kind: "number" }, { key: "after", kind: "number" }, { key: "change", kind: "percent" }, { key: "confidence", kind: "percent" }]} source={source} empty={t("spam.changesNone")} />}
      </Loaded>
      <Impact place={place} f={f} />
    </Card>
  );
}

function Breakdown({ place, f }: { place: Place; f: Filters }): VNode {
  const by = BY.find((b) => b === place.query.by) ?? "topic";
  const source = q("spam", { by, limit: 200, ...f });
  const data = useData<Rows>(source);
  const value = (r: Row): string => str(r[by]) || (num(r[by]) === null ? "" : String(r[by]));
  const filterable = by === "topic" || by === "family" || by === "brand";
  const columns: Column<Row>[] = [
    {
      key: by,
      draw: (r) => {
        const v = value(r);
        if (v === "") return <span class="none">{t("census.notKnown")}</span>;
        if (filterable) return <a href={withQuery(place, { [by]: v })}>{v}</a>;
        return by === "country" ? format.country(v) : <a href={href("/census", { asn: v })}>AS{v}</a>;
      },
    },
    { key: "mails", kind: "count" },
    { key: "share", kind: "percent" },
    { key: "campaigns", kind: "count" },
    { key: "addresses", kind: "count" },
    { key: "bytes", kind: "bytes", hidden: true },
    { key: "first_seen", kind: "time", hidden: true },
    { key: "last_seen", kind: "time" },
  ];
  return (
    <Card title={t("spam.breakdown")} id="breakdown">
      <Tabs name={t("spam.by")} current={by} items={BY.map((id) => ({ id, label: label("col", id), href: withQuery(place, { by: id }) }))} />
      <Loaded data={data}>{({ rows }) => <Table id="by" caption={t("spam.breakdown")} rows={rows} columns={columns} source={source} empty={t("overview.spamEmpty")} />}</Loaded>
    </Card>
  );
}

function Campaigns({ f }: { f: Filters }): VNode {
  const source = q("campaigns", { limit: 1000, ...f });
  const columns: Column<Row>[] = [
    { key: "campaign", draw: (r) => <a class="num" href={path("spam", "campaign", String(r.campaign))}>{String(r.campaign)}</a> },
    { key: "subject", draw: (r) => <bdi class="cut">{str(r.subject)}</bdi> },
    { key: "mails", kind: "count" },
    { key: "topic" },
    { key: "brands" },
    { key: "families" },
    { key: "domains", hidden: true },
    { key: "first_seen", kind: "time", hidden: true },
    { key: "last_seen", kind: "time" },
  ];
  return (
    <Card title={t("spam.campaigns")} id="campaigns" wide>
      <Loaded data={useData<Rows>(source)} tall>{({ rows }) => <Table id="campaigns" caption={t("spam.campaigns")} rows={rows} columns={columns} source={source} empty={t("overview.spamEmpty")} />}</Loaded>
    </Card>
  );
}

export default function Spam({ place }: PageProps): VNode {
  const [, what, id] = place.parts;
  if (what === "campaign" && id && /^\d+$/.test(id)) return <CampaignPage id={id} place={place} />;
  if (what === "mail" && id && /^\d+$/.test(id)) return <MailPage id={id} />;
  const f = filtersOf(place);
  const chips = (["topic", "family", "brand", "since", "until"] as const).map((key) => ({ key, label: key === "since" || key === "until" ? t(`filter.${key}`) : label("col", key), value: f[key], text: f[key] }));
  return (
    <>
      <Heading lead={t("spam.lead")}>{t("nav.spam")}</Heading>
      <Chips place={place} chips={chips} />
      <div class="grid">
        <Volume place={place} f={f} />
        <Breakdown place={place} f={f} />
        <Changes place={place} f={f} />
        <Campaigns f={f} />
      </div>
    </>
  );
}
