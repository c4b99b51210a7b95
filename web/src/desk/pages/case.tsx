/* The case: orders, assets, subjects, notices, and what comes when. */
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { num, q, str } from "../lib/q";
import { may } from "../lib/session";
import { targetHref } from "../lib/target";
import type { CalendarItem, Row, Rows } from "../lib/types";
import { href, path, type Place } from "../lib/url";
import { ActForm } from "../ui/act";
import { Card, Empty, EntryLink, Heading, Loaded, Status, Tabs } from "../ui/basics";
import { type Column, Table } from "../ui/table";
import { SubjectGraph } from "./graph";
import { SubjectPage } from "./subject";
import type { PageProps } from "../app";

const state = (r: Row): VNode => <Status name={str(r.state)} text={label("status", str(r.state))} />;

function Orders(): VNode {
  const source = q("case order list");
  const data = useData<Rows>(source);
  const columns: Column<Row>[] = [
    { key: "id", draw: (r) => <a href={href("/case", { tab: "assets", "assets.find": str(r.id) })}>{str(r.id)}</a> },
    { key: "state", draw: state },
    { key: "court" }, { key: "docket" }, { key: "jurisdiction" },
    { key: "from", kind: "time" }, { key: "until", kind: "time" },
    { key: "assets", kind: "count" }, { key: "lists", kind: "count" },
    { key: "index", kind: "entry" },
    { key: "document", hidden: true }, { key: "sha256", label: "SHA-256", kind: "hash", hidden: true }, { key: "scope", hidden: true }, { key: "note", hidden: true },
  ];
  return (
    <Card title={t("case.orders")} id="orders" wide>
      <Loaded data={data}>{({ rows }) => <Table id="orders" caption={t("case.orders")} rows={rows} columns={columns} source={source} empty={t("case.ordersNone")} />}</Loaded>
      {may("operator", "counsel") && (
        <details class="do">
          <summary>{t("case.orderAdd")}</summary>
          <ActForm
            title={t("case.orderAdd")}
            command="case order add"
            fields={[
              { name: "id", label: label("col", "id"), required: true },
              { name: "court", label: label("col", "court"), required: true },
              { name: "docket", label: label("col", "docket") },
              { name: "jurisdiction", label: label("col", "jurisdiction") },
              { name: "from", label: t("filter.since"), kind: "time" },
              { name: "until", label: t("filter.until"), kind: "time" },
              { name: "scope", label: label("col", "scope"), kind: "long" },
            ]}
            done={data.reload}
          />
        </details>
      )}
    </Card>
  );
}

function Assets(): VNode {
  const source = q("case asset list");
  const data = useData<Rows>(source);
  const columns: Column<Row>[] = [
    { key: "name" }, { key: "kind" },
    { key: "state", draw: state },
    { key: "order" }, { key: "family" }, { key: "names", kind: "count" },
    { key: "from", kind: "time" }, { key: "end", kind: "time" },
    { key: "registrar" }, { key: "registered_until", kind: "time" },
    { key: "policy", hidden: true }, { key: "identify", kind: "yes", hidden: true }, { key: "note", hidden: true }, { key: "released", kind: "time", hidden: true },
    { key: "index", kind: "entry" },
  ];
  return (
    <Card title={t("case.assets")} id="assets" wide>
      <Loaded data={data}>{({ rows }) => <Table id="assets" caption={t("case.assets")} rows={rows} columns={columns} source={source} empty={t("case.assetsNone")} />}</Loaded>
      {may("operator", "counsel") && (
        <details class="do">
          <summary>{t("case.assetAdd")}</summary>
          <ActForm
            title={t("case.assetAdd")}
            command="case asset add"
            fields={[
              { name: "arg", label: label("col", "name"), required: true },
              { name: "order", label: label("col", "order"), required: true },
              { name: "family", label: label("col", "family") },
              { name: "registrar", label: label("col", "registrar") },
              { name: "note", label: label("col", "note"), kind: "long" },
            ]}
            done={data.reload}
          />
        </details>
      )}
    </Card>
  );
}

function Subjects(): VNode {
  const source = q("case subject list", { limit: 1000 });
  const data = useData<Rows>(source);
  const facts = q("case facts");
  return (
    <>
      <SubjectGraph />
      <Card title={t("case.subjects")} id="subjects" wide>
        <Loaded data={data}>
          {({ rows }) => (
            <Table
              id="subjects"
              caption={t("case.subjects")}
              rows={rows}
              columns={[{ key: "subject", draw: (r) => <a href={path("case", "subject", num(r.index) ?? 0)}>{str(r.subject)}</a> }, { key: "kind", draw: (r) => label("kind", str(r.kind)) }, { key: "facts", kind: "count" }, { key: "links", kind: "count" }, { key: "recorded", kind: "time" }, { key: "account" }, { key: "index", kind: "entry" }, { key: "note", hidden: true }]}
              source={source}
              empty={t("case.subjectsNone")}
            />
          )}
        </Loaded>
        {may("operator", "reviewer", "custodian", "counsel") && (
          <details class="do">
            <summary>{t("case.subjectAdd")}</summary>
            <ActForm title={t("case.subjectAdd")} command="case subject add" fields={[{ name: "arg", label: label("col", "name"), required: true }, { name: "kind", label: label("col", "kind"), kind: "choice", choices: ["person", "group", "organisation", "unknown"], choiceLabel: (k) => label("kind", k) }, { name: "note", label: label("col", "note"), kind: "long" }]} done={data.reload} />
          </details>
        )}
      </Card>
      <Card title={t("case.facts")} id="facts" wide>
        <Loaded data={useData<Rows>(facts)}>
          {({ rows }) => (
            <Table
              id="facts"
              caption={t("case.facts")}
              rows={rows}
              columns={[{ key: "index", kind: "entry" }, { key: "subject", draw: (r) => <a href={path("case", "subject", num(r.subject_entry) ?? 0)}>{str(r.subject)}</a> }, { key: "what", draw: (r) => label("kind", str(r.what)) }, { key: "type" }, { key: "value", draw: (r) => <bdi>{str(r.value)}</bdi> }, { key: "confidence", kind: "count" }, { key: "entries", kind: "entries" }, { key: "document" }, { key: "lead", kind: "entry" }, { key: "recorded", kind: "time" }, { key: "account", hidden: true }]}
              source={facts}
              empty={t("case.factsNone")}
            />
          )}
        </Loaded>
      </Card>
    </>
  );
}

function Notices(): VNode {
  const status = q("notice status");
  const sent = q("notice status", { notices: true });
  const runs = q("notice status", { runs: true });
  const columns: Column<Row>[] = [
    { key: "party" }, { key: "state", draw: state }, { key: "language" },
    { key: "contacts", kind: "count" }, { key: "notices", kind: "count" },
    { key: "deadline", kind: "time" }, { key: "hearing", kind: "time" }, { key: "answer" },
    { key: "next_channel" }, { key: "next_address", hidden: true }, { key: "index", kind: "entry" },
  ];
  return (
    <>
      <Card title={t("case.parties")} id="parties" wide>
        <Loaded data={useData<Rows>(status)}>
          {({ rows, warnings }) => (
            <>
              {warnings?.map((w) => <p key={w} class="note warn">{w}</p>)}
              <Table id="parties" caption={t("case.parties")} rows={rows} columns={columns} source={status} empty={t("case.partiesNone")} />
            </>
          )}
        </Loaded>
      </Card>
      <Card title={t("case.notices")} id="notices" wide>
        <Loaded data={useData<Rows>(sent)}>
          {({ rows }) => <Table id="notices" caption={t("case.notices")} rows={rows} columns={[{ key: "index", kind: "entry" }, { key: "party" }, { key: "channel" }, { key: "address" }, { key: "state", draw: state }, { key: "time", kind: "time" }, { key: "last", kind: "time" }, { key: "language" }, { key: "sha256", label: "SHA-256", kind: "hash" }]} source={sent} empty={t("case.noticesNone")} />}
        </Loaded>
      </Card>
      <Card title={t("case.runs")} id="runs" wide>
        <Loaded data={useData<Rows>(runs)}>
          {({ rows }) => <Table id="runs" caption={t("case.runs")} rows={rows} columns={[{ key: "planned", kind: "day" }, { key: "outlet" }, { key: "place" }, { key: "state", draw: state }, { key: "when", kind: "day" }, { key: "page" }, { key: "run", kind: "entry" }]} source={runs} empty={t("case.runsNone")} />}
        </Loaded>
      </Card>
    </>
  );
}

/* ---- what comes when ---- */

interface Calendar {
  readonly items: readonly CalendarItem[];
}

function Dates({ items }: { items: readonly CalendarItem[] }): VNode {
  const now = new Date().toISOString();
  const months = useMemo(() => {
    const out = new Map<string, CalendarItem[]>();
    for (const item of [...items].sort((a, b) => a.date.localeCompare(b.date))) {
      const month = item.date.slice(0, 7);
      out.set(month, [...(out.get(month) ?? []), item]);
    }
    return [...out];
  }, [items]);
  if (items.length === 0) return <Empty>{t("case.calendarNone")}</Empty>;
  return (
    <div class="calendar">
      {months.map(([month, list]) => (
        <section key={month}>
          <h3>{new Intl.DateTimeFormat(document.documentElement.lang, { month: "long", year: "numeric", timeZone: "UTC" }).format(Date.parse(`${month}-01T00:00:00Z`))}</h3>
          <ol>
            {list.map((item, i) => (
              <li key={i} class={item.date < now ? "past" : undefined}>
                <time dateTime={item.date} title={format.localTime(item.date)} class="num">
                  {format.time(item.date).replace(" 00:00:00", "")}
                </time>
                <Status name={item.what} text={label("cal", item.what)} />
                <a href={targetHref(item.target)}>
                  {item.text}
                  {item.count !== null && item.count > 1 && ` (${format.count(item.count)})`}
                </a>
                <span class="soft">{format.relative(item.date)}</span>
                {item.entry !== null && <EntryLink index={item.entry} />}
              </li>
            ))}
          </ol>
        </section>
      ))}
    </div>
  );
}

function CalendarCard(): VNode {
  return (
    <Card title={t("case.calendar")} id="calendar" wide>
      <Loaded data={useData<Calendar>("/api/calendar")} tall>{({ items }) => <Dates items={items} />}</Loaded>
    </Card>
  );
}

function Handed(): VNode {
  return (
    <>
      {(["referrals", "exhibits"] as const).map((what) => (
        <HandedTable key={what} what={what} />
      ))}
    </>
  );
}

function HandedTable({ what }: { what: "referrals" | "exhibits" }): VNode {
  const columns: Column<Row>[] = what === "referrals" ? [{ key: "entry", kind: "entry" }, { key: "name" }, { key: "agency" }, { key: "recorded", kind: "time" }, { key: "account" }, { key: "files", kind: "count" }, { key: "sha256", label: "SHA-256", kind: "hash" }] : [{ key: "entry", kind: "entry" }, { key: "name" }, { key: "recorded", kind: "time" }, { key: "account" }, { key: "files", kind: "count" }, { key: "size", kind: "bytes" }, { key: "query" }, { key: "sha256", label: "SHA-256", kind: "hash" }];
  return (
    <Card title={t(`case.${what}`)} id={what} wide>
      <Loaded data={useData<Rows>(`/api/${what}`)}>{({ rows }) => <Table id={what} caption={t(`case.${what}`)} rows={rows} columns={columns} source={`/api/${what}`} empty={t("table.empty")} />}</Loaded>
    </Card>
  );
}

export default function Case({ place }: { place: Place } & PageProps): VNode {
  if (place.parts[1] === "subject" && place.parts[2]) return <SubjectPage id={place.parts[2]} />;
  const tabs = ["orders", "assets", "subjects", "notices", "calendar", ...(may("operator", "counsel", "custodian", "auditor") ? (["handed"] as const) : [])] as const;
  const tab = tabs.find((x) => x === place.query.tab) ?? "orders";
  return (
    <>
      <Heading lead={t("case.lead")}>{t("nav.case")}</Heading>
      <Tabs name={t("nav.case")} current={tab} items={tabs.map((id) => ({ id, label: t(`case.tab.${id}`), href: href("/case", { tab: id }) }))} />
      <div class="grid one">
        {tab === "orders" && <Orders />}
        {tab === "assets" && <Assets />}
        {tab === "subjects" && <Subjects />}
        {tab === "notices" && <Notices />}
        {tab === "calendar" && <CalendarCard />}
        {tab === "handed" && <Handed />}
      </div>
    </>
  );
}
