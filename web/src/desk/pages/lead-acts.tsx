/* What a reviewer can do with a lead. Each is an act: shown, signed, logged. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import { q, str } from "../lib/q";
import { session } from "../lib/session";
import type { Rows } from "../lib/types";
import { ActForm, type Field } from "../ui/act";
import { Card } from "../ui/basics";

const STATUSES = ["triage", "needs-more", "corroborated", "duplicate", "known", "referred", "closed"] as const;
const ACTS = ["mark", "assign", "answer", "note", "tag", "four-eyes", "conflict"] as const;
type ActName = (typeof ACTS)[number];

export function LeadActs({ id, done }: { id: string; done: () => void }): VNode {
  const [what, setWhat] = useState<ActName>("mark");
  const accounts = useData<Rows>(q("account list"));
  const reviewers = (accounts.data?.rows ?? []).filter((r) => r.reads_leads === true && r.state === "open").map((r) => str(r.account));
  const why: Field = { name: "why", label: label("col", "why"), kind: "text" };
  const fields: Readonly<Record<ActName, readonly Field[]>> = {
    mark: [{ name: "status", label: label("col", "status"), kind: "choice", choices: STATUSES, choiceLabel: (s) => label("status", s), required: true, value: "triage" }, { name: "of", label: t("lead.duplicateOf") }, { ...why, required: true }],
    assign: [{ name: "to", label: t("lead.to"), kind: "choice", choices: reviewers.length > 0 ? reviewers : [session.get()?.account ?? ""], required: true, value: session.get()?.account ?? "" }, why],
    answer: [{ name: "text", label: t("lead.answerText"), kind: "long", asFile: true, required: true }, { name: "payment", label: t("lead.payment"), kind: "check" }],
    note: [{ name: "text", label: t("lead.noteText"), kind: "long", asFile: true, required: true }],
    tag: [{ name: "arg", label: label("col", "tags"), required: true }, { name: "remove", label: t("lead.tagRemove"), kind: "check" }],
    "four-eyes": [{ name: "off", label: t("lead.off"), kind: "check" }, why],
    conflict: [why],
  };
  return (
    <Card title={t("lead.do")} id="do">
      <label class="form-row">
        <span>{t("lead.act")}</span>
        <select value={what} onChange={(e) => setWhat(ACTS.find((a) => a === e.currentTarget.value) ?? "mark")}>
          {ACTS.map((a) => (
            <option key={a} value={a}>
              {t(`lead.do.${a}`)}
            </option>
          ))}
        </select>
      </label>
      <ActForm key={what} title={t(`lead.do.${what}`)} command={`lead ${what}`} args={[id]} fields={fields[what]} done={done} />
      {(what === "answer" || what === "note") && <p class="soft">{t("lead.sealedByServer")}</p>}
    </Card>
  );
}
