/* One subject: facts with their sources, links, and the same by time. */
import type { VNode } from "preact";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import { num, q, str } from "../lib/q";
import { may } from "../lib/session";
import type { Row, Rows } from "../lib/types";
import { href, path } from "../lib/url";
import { ActForm } from "../ui/act";
import { Card, Empty, EntryLink, EntryList, Heading, Loaded, Status, Time } from "../ui/basics";
import { type Column, Table } from "../ui/table";

const TYPES = ["handle", "name", "address", "domain", "mail", "payment", "messenger", "phone", "other"] as const;

const columns: readonly Column<Row>[] = [
  { key: "index", kind: "entry" },
  { key: "what", draw: (r) => label("kind", str(r.what)) },
  { key: "type" },
  { key: "value", draw: (r) => (num(r.other) === null ? <bdi>{str(r.value)}</bdi> : <a href={path("case", "subject", num(r.other) ?? 0)}>{str(r.value)}</a>) },
  { key: "confidence", kind: "count" },
  { key: "entries", kind: "entries" },
  { key: "document" },
  { key: "lead", draw: (r) => (num(r.lead) === null ? <span class="none">–</span> : <a class="num" href={path("leads", num(r.lead) ?? 0)}>{num(r.lead)}</a>) },
  { key: "observed", kind: "time" },
  { key: "recorded", kind: "time" },
  { key: "account" },
  { key: "note", hidden: true },
  { key: "withdrawn", kind: "yes", hidden: true },
];

function Timeline({ id }: { id: string }): VNode {
  return (
    <Card title={t("subject.timeline")} id="timeline" wide>
      <Loaded data={useData<Rows>(q("case subject timeline", {}, [id]))}>
        {({ rows }) =>
          rows.length === 0 ? (
            <Empty>{t("table.empty")}</Empty>
          ) : (
            <ol class="timeline">
              {rows.map((r) => (
                <li key={num(r.index)}>
                  <Time at={str(r.time)} />
                  <span>
                    <b>{label("kind", str(r.what))}</b> {str(r.type)} <bdi>{str(r.value)}</bdi> {r.withdrawn === true && <Status name="closed" text={t("subject.withdrawn")} />}
                    <br />
                    <span class="soft">
                      {str(r.entries) !== "" && (
                        <>
                          {t("col.entries")}: <EntryList text={str(r.entries)} />{" "}
                        </>
                      )}
                      {str(r.document) !== "" && `${t("col.document")}: ${str(r.document)} `}
                      {str(r.account) !== "" && `${t("col.account")}: ${str(r.account)} `}
                      {num(r.index) !== null && <EntryLink index={num(r.index) ?? 0} />}
                    </span>
                  </span>
                </li>
              ))}
            </ol>
          )
        }
      </Loaded>
    </Card>
  );
}

export function SubjectPage({ id }: { id: string }): VNode {
  const source = q("case subject show", {}, [id]);
  const data = useData<Rows>(source);
  const name = str(data.data?.rows.find((r) => r.what === "subject")?.value) || id;
  return (
    <>
      <Heading lead={<a href={href("/case", { tab: "subjects" })}>← {t("case.subjects")}</a>}>{name}</Heading>
      <div class="grid one">
        <Card title={t("subject.known")} id="known" wide>
          <Loaded data={data}>{({ rows }) => <Table id="known" caption={t("subject.known")} rows={rows.filter((r) => r.what !== "subject")} columns={columns} source={source} empty={t("subject.nothing")} />}</Loaded>
          {may("operator", "reviewer", "custodian", "counsel") && (
            <details class="do">
              <summary>{t("subject.factAdd")}</summary>
              <ActForm
                title={t("subject.factAdd")}
                command="case subject fact"
                args={[id]}
                fields={[
                  { name: "type", label: label("col", "type"), kind: "choice", choices: TYPES, required: true },
                  { name: "value", label: label("col", "value"), required: true },
                  { name: "entries", label: t("subject.entries") },
                  { name: "confidence", label: label("col", "confidence"), kind: "number", value: "50" },
                  { name: "note", label: label("col", "note"), kind: "long" },
                ]}
                done={data.reload}
              />
            </details>
          )}
        </Card>
        <Timeline id={id} />
      </div>
    </>
  );
}
