/* Leads: the review board, a column a status; and one lead. Shown are acts; contents are sealed until a reviewer opens them. */
import type { VNode } from "preact";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { num, q, str } from "../lib/q";
import { session } from "../lib/session";
import type { Row, Rows } from "../lib/types";
import { go, href, path, type Place, withQuery } from "../lib/url";
import { Card, Heading, Loaded, Tabs } from "../ui/basics";
import { type Column, Table } from "../ui/table";
import { LeadPage } from "./lead";
import type { PageProps } from "../app";

const OPEN = ["received", "triage", "needs-more", "corroborated"] as const;
const DONE = ["duplicate", "known", "referred", "closed"] as const;
const PER_COLUMN = 60;

function LeadCard({ lead }: { lead: Row }): VNode {
  const tags = Array.isArray(lead.tags) ? (lead.tags as unknown[]).map(String) : [];
  return (
    <li class="lead-card">
      <a href={path("leads", num(lead.lead) ?? 0)} class="num">
        {t("lead.title", { id: num(lead.lead) ?? 0 })}
      </a>
      <span class="soft num">
        {str(lead.received)} · {t("lead.work", { n: num(lead.work) ?? 0 })}
      </span>
      <span>
        {str(lead.assigned) !== "" && <span class="tag who">{str(lead.assigned)}</span>}
        {lead.news === true && <span class="tag new">{t("lead.news")}</span>}
        {lead.four_eyes === true && <span class="tag">{t("lead.fourEyes")}</span>}
        {(num(lead.pending) ?? 0) > 0 && <span class="tag warn">{t("lead.pending", { n: num(lead.pending) ?? 0 })}</span>}
        {(num(lead.claims) ?? 0) > 0 && <span class="tag">{t("lead.claims", { n: num(lead.claims) ?? 0 })}</span>}
        {tags.map((tag) => (
          <span key={tag} class="tag">
            {tag}
          </span>
        ))}
      </span>
    </li>
  );
}

function Board({ rows, all, hint }: { rows: readonly Row[]; all: boolean; hint: string }): VNode {
  const columns = all ? [...OPEN, ...DONE] : OPEN;
  return (
    <div class="board" tabIndex={0} role="region" aria-label={t("leads.board")}>
      {columns.map((status, i) => {
        const mine = rows.filter((r) => r.status === status);
        return (
          <section key={status} aria-labelledby={`col-${status}`}>
            <h2 id={`col-${status}`}>
              {label("status", status)} <span class="soft num">{format.count(mine.length)}</span>
            </h2>
            {mine.length === 0 ? <p class="empty">{rows.length === 0 && i === 0 ? hint : t("leads.columnEmpty")}</p> : <ul>{mine.slice(0, PER_COLUMN).map((r) => <LeadCard key={num(r.lead)} lead={r} />)}</ul>}
            {mine.length > PER_COLUMN && <a href={href("/leads", { view: "list", "leads.find": status })}>{t("table.more", { n: mine.length - PER_COLUMN })}</a>}
          </section>
        );
      })}
    </div>
  );
}

function List({ rows, source }: { rows: readonly Row[]; source: string }): VNode {
  const columns: Column<Row>[] = [
    { key: "rank", kind: "count" },
    { key: "lead", draw: (r) => <a class="num" href={path("leads", num(r.lead) ?? 0)}>{num(r.lead)}</a> },
    { key: "received", kind: "day" },
    { key: "status", draw: (r) => label("status", str(r.status)) },
    { key: "assigned" },
    { key: "tags" },
    { key: "work", kind: "count" },
    { key: "news", kind: "yes" },
    { key: "four_eyes", kind: "yes" },
    { key: "pending", kind: "count" },
    { key: "claims", kind: "count" },
    { key: "of", kind: "entry", hidden: true },
  ];
  return (
    <Card title={t("leads.list")} id="list" wide>
      <Table id="leads" caption={t("leads.list")} rows={rows} columns={columns} source={source} empty={t("leads.none")} />
    </Card>
  );
}

function Filters({ place }: { place: Place }): VNode {
  const mine = session.get()?.account ?? "";
  return (
    <div class="filters">
      <label class="check">
        <input type="checkbox" checked={place.query.assigned === mine} onChange={(e) => go(withQuery(place, { assigned: e.currentTarget.checked ? mine : undefined }))} /> {t("leads.mine")}
      </label>
      <label class="check">
        <input type="checkbox" checked={place.query.all === "true"} onChange={(e) => go(withQuery(place, { all: e.currentTarget.checked ? "true" : undefined }))} /> {t("leads.all")}
      </label>
    </div>
  );
}

export default function Leads({ place }: PageProps): VNode {
  const id = place.parts[1];
  if (id && /^\d+$/.test(id)) return <LeadPage id={Number(id)} key={id} />;
  const view = place.query.view === "list" ? "list" : "board";
  return <Overview place={place} view={view} />;
}

function Overview({ place, view }: { place: Place; view: "list" | "board" }): VNode {
  const all = place.query.all === "true";
  const source = q("lead list", { all, assigned: place.query.assigned, limit: 1000 });
  const data = useData<Rows>(source, 30_000);
  return (
    <>
      <Heading lead={t("leads.lead")}>{t("nav.leads")}</Heading>
      <Tabs name={t("leads.views")} current={view} items={(["board", "list"] as const).map((v) => ({ id: v, label: t(`leads.view.${v}`), href: withQuery(place, { view: v === "board" ? undefined : v }) }))} />
      <Filters place={place} />
      <Loaded data={data} tall>
        {({ rows }) => (view === "board" ? <Board rows={rows} all={all} hint={place.query.assigned ? t("leads.noneMine") : `${t("leads.none")} ${t("leads.noneHint")}`} /> : <List rows={rows} source={source} />)}
      </Loaded>
    </>
  );
}
