/* Cleanup: who is due to be told of what, what became of the reports, and whether telling helps. */
import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { num, q, str } from "../lib/q";
import { may } from "../lib/session";
import type { Row, Rows } from "../lib/types";
import { href, type Place, withQuery } from "../lib/url";
import { ActForm } from "../ui/act";
import { Card, Empty, Heading, Loaded, Status, Tabs } from "../ui/basics";
import { Chart } from "../ui/chart";
import { type Column, Table } from "../ui/table";
import type { PageProps } from "../app";

interface Due {
  readonly position: number;
  readonly rows: readonly Row[];
  readonly draft: string | null;
}

function DueList({ place }: { place: Place }): VNode {
  const contact = place.query.contact ?? "";
  const data = useData<Due>(href("/api/cleanup/due", { all: place.query.all }));
  const draft = useData<Due>(contact === "" ? null : href("/api/cleanup/due", { contact, all: place.query.all }));
  const columns: Column<Row>[] = [
    { key: "contact", draw: (r) => <a href={withQuery(place, { contact: str(r.contact) })}>{str(r.contact)}</a> },
    { key: "state", draw: (r) => <Status name={str(r.state)} text={label("status", str(r.state))} /> },
    { key: "addresses", kind: "count" },
    { key: "new", kind: "count" },
    { key: "returning", kind: "count" },
    { key: "still", kind: "count" },
    { key: "gone", kind: "count" },
    { key: "channel" },
    { key: "format" },
    { key: "arm", hidden: true },
    { key: "told", kind: "time" },
  ];
  return (
    <>
      <Card title={t("cleanup.due")} id="due" wide actions={<a href={withQuery(place, { all: place.query.all ? undefined : "true" })}>{place.query.all ? t("cleanup.dueOnly") : t("cleanup.dueAll")}</a>}>
        <Loaded data={data} tall>{({ rows }) => <Table id="due" caption={t("cleanup.due")} rows={rows} columns={columns} source={href("/api/cleanup/due", { all: place.query.all })} empty={t("cleanup.dueNone")} chosen={(r) => r.contact === contact} />}</Loaded>
      </Card>
      {contact !== "" && (
        <Card title={t("cleanup.draft", { contact })} id="draft" wide>
          <Loaded data={draft}>{({ draft: text }) => (text === null ? <Empty>{t("cleanup.draftNone")}</Empty> : <pre class="wrap mail" tabIndex={0} aria-label={t("cleanup.draft", { contact })}>{text}</pre>)}</Loaded>
        </Card>
      )}
    </>
  );
}

function Reports(): VNode {
  const source = q("cleanup status", { reports: true, limit: 1000 });
  const sum = useData<Rows>(q("cleanup status"));
  const data = useData<Rows>(source);
  return (
    <Card title={t("cleanup.reports")} id="reports" wide>
      <Loaded data={sum} lines={1}>
        {({ rows }) => (
          <p class="num">
            {rows.map((r) => (
              <span class="pair" key={str(r.state)}>
                {label("status", str(r.state))} <b>{format.count(num(r.reports) ?? 0)}</b>
              </span>
            ))}
          </p>
        )}
      </Loaded>
      <Loaded data={data}>
        {({ rows }) => (
          <Table
            id="reports"
            caption={t("cleanup.reports")}
            rows={rows}
            columns={[{ key: "report", kind: "entry" }, { key: "state", draw: (r) => <Status name={str(r.state)} text={label("status", str(r.state))} /> }, { key: "contact" }, { key: "addresses", kind: "count" }, { key: "new", kind: "count" }, { key: "queued", kind: "time" }, { key: "tried", kind: "time" }, { key: "attempts", kind: "count" }, { key: "reply" }, { key: "format", hidden: true }, { key: "trial", hidden: true }]}
            source={source}
            empty={t("cleanup.reportsNone")}
          />
        )}
      </Loaded>
    </Card>
  );
}

function Effect({ place }: { place: Place }): VNode {
  const trials = useData<Rows>(q("cleanup trial"));
  const trial = place.query.trial ?? "";
  const source = q("cleanup effect", { trial });
  const effect = useData<Rows>(trials.data && trials.data.rows.length > 0 ? source : null);
  const curves = useData<Rows>(trials.data && trials.data.rows.length > 0 ? q("cleanup effect", { trial, curves: true }) : null);
  return (
    <>
      <Card title={t("cleanup.trials")} id="trials" wide>
        <Loaded data={trials}>
          {({ rows }) => (
            <Table
              id="trials"
              caption={t("cleanup.trials")}
              rows={rows}
              columns={[{ key: "trial", draw: (r) => <a href={withQuery(place, { trial: str(r.trial) })}>{str(r.trial)}</a> }, { key: "since", kind: "time" }, { key: "until", kind: "time" }, { key: "contacts", kind: "count" }, { key: "controls", kind: "count" }, { key: "percent", kind: "percent" }, { key: "entry", kind: "entry" }]}
              source={q("cleanup trial")}
              empty={t("cleanup.trialsNone")}
            />
          )}
        </Loaded>
        {may("operator") && (
          <details class="do">
            <summary>{t("cleanup.trialNew")}</summary>
            <ActForm title={t("cleanup.trialNew")} command="cleanup trial" fields={[{ name: "arg", label: label("col", "name"), required: true }, { name: "percent", label: t("cleanup.heldBack"), kind: "number", value: "20" }]} done={trials.reload} />
          </details>
        )}
      </Card>
      {trials.data && trials.data.rows.length > 0 && (
        <Card title={t("cleanup.effect")} id="effect" wide>
          <p class="soft">{t("cleanup.effectText")}</p>
          <Loaded data={curves} tall>{({ rows }) => <Curves rows={rows} />}</Loaded>
          <Loaded data={effect}>
            {({ rows }) => (
              <Table
                id="effect"
                caption={t("cleanup.effect")}
                rows={rows}
                columns={[{ key: "arm" }, { key: "contacts", kind: "count" }, { key: "reached", kind: "count" }, { key: "addresses", kind: "count" }, { key: "cleaned", kind: "count" }, { key: "cleaned_percent", kind: "percent" }, { key: "median_days", kind: "number" }, { key: "hazard_ratio", kind: "number" }, { key: "low", kind: "number" }, { key: "high", kind: "number" }, { key: "p", kind: "number" }, { key: "note" }]}
                source={source}
              />
            )}
          </Loaded>
        </Card>
      )}
    </>
  );
}

/* Kaplan-Meier: the share still infected, a step a day, an arm a line. */
function Curves({ rows }: { rows: readonly Row[] }): VNode {
  const made = useMemo(() => {
    const arms = [...new Set(rows.map((r) => str(r.arm)))];
    const days = [...new Set(rows.map((r) => num(r.day) ?? 0))].sort((a, b) => a - b);
    const colours = [1, 2, 3, 4, 5, 6] as const;
    const lines = arms.map((arm, i) => {
      const at = new Map(rows.filter((r) => r.arm === arm).map((r) => [num(r.day) ?? 0, r]));
      const column = (key: string): (number | null)[] => days.map((d) => num(at.get(d)?.[key]));
      return { label: arm, colour: colours[i % 6] ?? 1, step: true, values: column("share"), low: column("low"), high: column("high") };
    });
    return { days, lines };
  }, [rows]);
  if (rows.length === 0) return <Empty>{t("cleanup.curvesNone")}</Empty>;
  return <Chart id="curves" summary={t("cleanup.curvesSummary", { arms: made.lines.map((l) => l.label).join(", ") })} x={made.days} lines={made.lines} plainX table={{ rows, columns: [{ key: "arm" }, { key: "day", kind: "count" }, { key: "at_risk", kind: "count" }, { key: "cleaned", kind: "count" }, { key: "censored", kind: "count" }, { key: "share", kind: "number" }, { key: "low", kind: "number" }, { key: "high", kind: "number" }] }} />;
}

function Contacts(): VNode {
  const source = q("contacts queue", { limit: 500 });
  const list = q("contacts");
  return (
    <>
      <Card title={t("cleanup.queue")} id="queue" wide>
        <p class="soft">{t("cleanup.queueText")}</p>
        <Loaded data={useData<Rows>(source)}>
          {({ rows }) => (
            <Table
              id="queue"
              caption={t("cleanup.queue")}
              rows={rows}
              columns={[{ key: "network", draw: (r) => <a href={href("/census", { network: str(r.network) })}>{str(r.network)}</a> }, { key: "asn", draw: (r) => <a href={href("/census", { asn: String(r.asn ?? "") })}>AS{String(r.asn ?? "")}</a> }, { key: "as_name" }, { key: "country", kind: "country" }, { key: "addresses", kind: "count" }, { key: "last_seen", kind: "time" }, { key: "registry" }, { key: "asked", kind: "time" }]}
              source={source}
              empty={t("cleanup.queueNone")}
            />
          )}
        </Loaded>
      </Card>
      <Card title={t("cleanup.sources")} id="contacts" wide>
        <Loaded data={useData<Rows>(list)}>
          {({ rows }) => <Table id="sources" caption={t("cleanup.sources")} rows={rows} columns={[{ key: "source" }, { key: "file" }, { key: "rows", kind: "count" }, { key: "made", kind: "time" }, { key: "imported", kind: "time" }, { key: "age_days", kind: "count" }, { key: "entry", kind: "entry" }]} source={list} />}
        </Loaded>
      </Card>
    </>
  );
}

export default function Cleanup({ place }: PageProps): VNode {
  const tabs = ["due", "reports", "effect", "contacts"] as const;
  const asked = place.query.tab === "queue" ? "contacts" : place.query.tab;
  const tab = tabs.find((x) => x === asked) ?? "due";
  return (
    <>
      <Heading lead={t("cleanup.lead")}>{t("nav.cleanup")}</Heading>
      <Tabs name={t("nav.cleanup")} current={tab} items={tabs.map((id) => ({ id, label: t(`cleanup.tab.${id}`), href: href("/cleanup", { tab: id }) }))} />
      <div class="grid one">
        {tab === "due" && <DueList place={place} />}
        {tab === "reports" && <Reports />}
        {tab === "effect" && <Effect place={place} />}
        {tab === "contacts" && <Contacts />}
      </div>
    </>
  );
}
