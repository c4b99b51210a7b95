/* One campaign: what its mails have in common and what is filled in, its domains and families, mails to look at. */
import type { VNode } from "preact";
import { t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { wholeDays } from "../lib/days";
import { num, q, str } from "../lib/q";
import { parseTemplate } from "../lib/template";
import type { Row, Rows, TextAnswer } from "../lib/types";
import { path, type Place } from "../lib/url";
import { Card, Count, Empty, Facts, Heading, Loaded, Time } from "../ui/basics";
import { Chart, dayX } from "../ui/chart";
import { Table } from "../ui/table";

const MEMBERS_MAX = 500;
const strings = (value: unknown): string[] => (Array.isArray(value) ? (value as unknown[]).map(String) : []);

function Template({ id }: { id: string }): VNode {
  return (
    <Card title={t("campaign.template")} id="template" wide>
      <p class="soft">{t("campaign.templateText")}</p>
      <Loaded data={useData<TextAnswer>(q("campaigns template", {}, [id]))} tall>
        {({ text }) => {
          const { about, sections } = parseTemplate(text);
          return (
            <>
              <p class="soft num">{about}</p>
              {sections.map((s, i) => (
                <section key={i} class="template">
                  <h3>{s.name}</h3>
                  <pre class="wrap" dir="auto">
                    {s.pieces.map((p, j) =>
                      p.slot ? (
                        <mark key={j}>
                          <span class="sr">{t("campaign.slot")} </span>
                          {p.text}
                        </mark>
                      ) : (
                        <span key={j}>{p.text}</span>
                      ),
                    )}
                  </pre>
                </section>
              ))}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

function About({ row }: { row: Row }): VNode {
  const exemplars = strings(row.exemplars);
  return (
    <Card title={t("campaign.about")} id="about">
      <Facts
        rows={[
          [t("col.subject"), <bdi>{str(row.subject)}</bdi>],
          [t("col.mails"), <Count n={num(row.mails)} />],
          [t("col.bytes"), format.bytes(num(row.bytes) ?? 0)],
          [t("col.topic"), str(row.topic) || "–"],
          [t("col.first_seen"), <Time at={str(row.first_seen)} />],
          [t("col.last_seen"), <Time at={str(row.last_seen)} />],
          [t("col.families"), strings(row.families).join(", ") || "–"],
          [t("col.brands"), strings(row.brands).join(", ") || "–"],
        ]}
      />
      <h3>{t("col.domains")}</h3>
      {strings(row.domains).length === 0 ? <Empty>{t("campaign.noDomains")}</Empty> : <ul class="plain-list">{strings(row.domains).map((d) => <li key={d}><code>{d}</code></li>)}</ul>}
      <h3>{t("campaign.exemplars")}</h3>
      <ul class="plain-list">
        {exemplars.map((e) => (
          <li key={e}>
            <a class="num" href={path("spam", "mail", e)}>
              {e}
            </a>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function Volume({ id }: { id: string }): VNode {
  const data = useData<Rows>(q("spam", { campaign: id }));
  return (
    <Card title={t("spam.volume")} id="volume">
      <Loaded data={data} tall>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty>{t("overview.spamEmpty")}</Empty>
          ) : (
            <Chart id="mails" summary={t("spam.volumeSummary", { days: wholeDays(rows).length })} x={wholeDays(rows).map((r) => dayX(str(r.date)))} lines={[{ label: t("col.mails"), values: wholeDays(rows).map((r) => num(r.mails)), colour: 2, step: true }]} height={180} table={{ rows, columns: [{ key: "date", kind: "counted" }, { key: "mails", kind: "count" }] }} />
          )
        }
      </Loaded>
    </Card>
  );
}

export function CampaignPage({ id }: { id: string; place: Place }): VNode {
  const data = useData<Rows>(q("campaigns", { campaign: id, "min-mails": 1 }));
  const members = q("campaigns", { members: true, campaign: id, limit: MEMBERS_MAX });
  const list = useData<Rows>(members);
  return (
    <>
      <Heading lead={<a href="/spam">← {t("nav.spam")}</a>}>{t("campaign.title", { id })}</Heading>
      <div class="grid">
        <Loaded data={data}>{({ rows }) => (rows[0] ? <About row={rows[0]} /> : <Empty>{t("campaign.missing")}</Empty>)}</Loaded>
        <Volume id={id} />
        <Template id={id} />
        <Card title={t("campaign.members")} id="members" wide>
          <Loaded data={list}>
            {({ rows }) => (
              <Table
                id="members"
                caption={t("campaign.members")}
                rows={rows}
                columns={[{ key: "index", draw: (r) => <a class="num" href={path("spam", "mail", num(r.index) ?? 0)}>{String(r.index)}</a> }, { key: "time", kind: "time" }, { key: "why" }, { key: "blob", kind: "hash" }]}
                source={members}
              />
            )}
          </Loaded>
        </Card>
      </div>
    </>
  );
}
