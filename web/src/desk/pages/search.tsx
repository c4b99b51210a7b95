/* What the search field finds: facts of subjects, leads' acts, names under orders. Numbers and addresses go to their pages at once. */
import type { VNode } from "preact";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import { num, q, str } from "../lib/q";
import { may } from "../lib/session";
import type { Rows } from "../lib/types";
import { path } from "../lib/url";
import { Card, Empty, EntryLink, Heading, Loaded } from "../ui/basics";
import { Table } from "../ui/table";
import type { PageProps } from "../app";

export default function Search({ place }: PageProps): VNode {
  const text = place.query.q ?? "";
  const facts = useData<Rows>(text === "" ? null : q("case subject search", {}, [text]));
  const assets = useData<Rows>(text === "" ? null : q("case asset list"));
  const leads = useData<Rows>(text === "" || !may("reviewer", "custodian") ? null : q("lead search", {}, [text]));
  if (text === "") return <><Heading>{t("nav.search")}</Heading><Empty>{t("search.nothing")}</Empty></>;
  return (
    <>
      <Heading lead={t("search.for", { text })}>{t("nav.search")}</Heading>
      <div class="grid one">
        <Card title={t("case.facts")} id="facts" wide>
          <Loaded data={facts}>
            {({ rows }) => <Table id="facts" caption={t("case.facts")} rows={rows} columns={[{ key: "subject", draw: (r) => <a href={path("case", "subject", num(r.of) ?? 0)}>{str(r.subject)}</a> }, { key: "type" }, { key: "value", draw: (r) => <bdi>{str(r.value)}</bdi> }, { key: "confidence", kind: "count" }, { key: "index", draw: (r) => <EntryLink index={num(r.index) ?? 0} /> }]} />}
          </Loaded>
        </Card>
        <Card title={t("case.assets")} id="assets" wide>
          <Loaded data={assets}>
            {({ rows }) => <Table id="assets" caption={t("case.assets")} rows={rows.filter((r) => str(r.name).toLowerCase().includes(text.toLowerCase()))} columns={[{ key: "name" }, { key: "kind" }, { key: "order" }, { key: "family" }, { key: "index", kind: "entry" }]} />}
          </Loaded>
        </Card>
        {may("reviewer", "custodian") && (
          <Card title={t("nav.leads")} id="leads" wide>
            <Loaded data={leads}>
              {({ rows }) => <Table id="leads" caption={t("nav.leads")} rows={rows} columns={[{ key: "lead", draw: (r) => <a class="num" href={path("leads", num(r.lead) ?? 0)}>{num(r.lead)}</a> }, { key: "kind", draw: (r) => label("kind", str(r.kind)) }, { key: "what" }, { key: "text", draw: (r) => <bdi>{str(r.text)}</bdi> }]} />}
            </Loaded>
          </Card>
        )}
      </div>
    </>
  );
}
