/* One lead. What is sealed is opened in this page with the reviewer's own key, shown as text and nothing but text; its files can
 * be saved, not looked at here. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { openKey, openSealed } from "../crypto/key";
import type { Opened } from "../crypto/unseal";
import { VaultError } from "../crypto/vault";
import { label, t } from "../i18n/i18n";
import { type Data, useData } from "../lib/api";
import { fromBase64 } from "../lib/base64";
import * as format from "../lib/format";
import { num, q, str } from "../lib/q";
import { session } from "../lib/session";
import { useStore } from "../lib/store";
import type { Row, Rows, Sealed, SealedEntry } from "../lib/types";
import { Card, Empty, EntryLink, Facts, Heading, Loaded, Problem, Skeleton, Status, Time } from "../ui/basics";
import { KeyOpener } from "../ui/keyopener";
import { Table } from "../ui/table";
import { LeadActs } from "./lead-acts";

function why(error: unknown): string {
  if (error instanceof VaultError && error.wrong === "not-for-key") return t("sealed.notForKey");
  if (error instanceof VaultError && error.wrong === "too-large") return t("sealed.tooLarge");
  if (error instanceof VaultError && error.wrong === "damaged") return t("sealed.damaged");
  return error instanceof Error && error.message !== "" ? error.message : t("sealed.failed");
}

/* Names come from outside: a save dialog gets none that hides what it is. */
const fileName = (name: string): string => name.replace(/[^\p{L}\p{N}._ -]/gu, "_").replace(/^\.+/, "_").slice(0, 120) || "file";

function save(name: string, data: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(data);
  link.download = fileName(name);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function Contents({ opened }: { opened: Opened }): VNode {
  return (
    <>
      <pre class="wrap mail" dir="auto" tabIndex={0} aria-label={t("sealed.text")} {...(opened.language ? { lang: opened.language } : {})}>{opened.text || t("sealed.noText")}</pre>
      {opened.contact !== "" && <Facts rows={[[t("sealed.contact"), <bdi>{opened.contact}</bdi>]]} />}
      {opened.files.length > 0 && (
        <>
          <h4>{t("sealed.files")}</h4>
          <p class="note warn">{t("sealed.filesWarning")}</p>
          <ul class="plain-list">
            {opened.files.map((f, i) => (
              <li key={i}>
                <button type="button" onClick={() => save(f.name, f.data)}>
                  {t("sealed.save")}
                </button>{" "}
                <bdi>{f.name}</bdi> <span class="soft num">{format.bytes(f.data.size)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

function What({ entry }: { entry: SealedEntry }): string {
  if (entry.kind === "lead") return t("sealed.lead");
  if (entry.kind === "lead_review") return t("sealed.note");
  return label("kind", entry.what ?? "message");
}

function SealedItem({ entry, first }: { entry: SealedEntry; first: boolean }): VNode {
  const key = useStore(openKey);
  const [opened, setOpened] = useState<Opened | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const look = async (): Promise<void> => {
    if (!key) return;
    setBusy(true);
    setProblem("");
    try {
      setOpened(await openSealed(fromBase64(entry.list), entry.wraps.map(fromBase64)));
    } catch (error) {
      setProblem(why(error));
    }
    setBusy(false);
  };
  return (
    <article class="sealed">
      <header>
        <h3>{What({ entry })}</h3>
        <span class="soft">
          {entry.account ?? t("sealed.informant")} · {entry.day?.slice(0, 10) ?? ""} · {format.bytes(entry.size)} · <EntryLink index={entry.entry} />
        </span>
      </header>
      {opened && key ? (
        <>
          <Contents opened={opened} />
          <button type="button" onClick={() => setOpened(null)}>
            {t("sealed.close")}
          </button>
        </>
      ) : key ? (
        <button type="button" class={first ? "primary" : undefined} disabled={busy} onClick={() => void look()}>
          {busy ? t("sealed.opening") : t("sealed.open")}
        </button>
      ) : (
        <p class="soft">{t("sealed.wantsKey")}</p>
      )}
      {problem !== "" && (
        <p class="note bad" role="alert">
          {problem}
        </p>
      )}
    </article>
  );
}

function SealedCard({ data }: { data: Data<Sealed> }): VNode {
  const key = useStore(openKey);
  const account = session.get()?.account ?? "";
  return (
    <Card title={t("sealed.title")} id="sealed" wide>
      {!key && <KeyOpener account={account} />}
      {data.data === undefined ? (
        data.error ? <Problem error={data.error} retry={data.reload} /> : <Skeleton />
      ) : data.data.conflict ? (
        <p class="note warn">{t("sealed.conflict")}</p>
      ) : data.data.entries.length === 0 ? (
        <Empty>{t("sealed.none")}</Empty>
      ) : (
        data.data.entries.map((e, i) => <SealedItem key={e.entry} entry={e} first={i === 0} />)
      )}
    </Card>
  );
}

function History({ rows, source }: { rows: readonly Row[]; source: string }): VNode {
  return (
    <Table
      id="history"
      caption={t("lead.history")}
      rows={rows}
      columns={[{ key: "index", kind: "entry" }, { key: "time", kind: "time" }, { key: "what", draw: (r) => label("kind", str(r.what)) }, { key: "value", draw: (r) => (r.what === "status" ? label("status", str(r.value)) : <bdi>{str(r.value)}</bdi>) }, { key: "account" }, { key: "state", draw: (r) => <Status name={str(r.state)} text={label("status", str(r.state))} /> }, { key: "why", draw: (r) => <bdi>{str(r.why)}</bdi> }, { key: "known", kind: "entries", hidden: true }]}
      source={source}
    />
  );
}

export function LeadPage({ id }: { id: number }): VNode {
  const source = q("lead show", {}, [String(id)]);
  const history = useData<Rows>(source);
  const list = useData<Rows>(q("lead list", { all: true, limit: 1000 }));
  const sealed = useData<Sealed>(`/api/leads/${id}/sealed`);
  const lead = list.data?.rows.find((r) => r.lead === id);
  const reload = (): void => {
    history.reload();
    list.reload();
    sealed.reload();
  };
  return (
    <>
      <Heading lead={<a href="/leads">← {t("nav.leads")}</a>}>{t("lead.title", { id })}</Heading>
      <div class="grid">
        <Card title={t("lead.now")} id="now">
          {lead ? (
            <Facts
              rows={[
                [t("col.status"), label("status", str(lead.status))],
                [t("col.received"), <Time at={str(lead.received)} day />],
                [t("col.assigned"), str(lead.assigned) || "–"],
                [t("col.work"), t("lead.work", { n: num(lead.work) ?? 0 })],
                [t("col.rank"), String(num(lead.rank) ?? "–")],
                [t("col.tags"), Array.isArray(lead.tags) ? (lead.tags as unknown[]).map(String).join(", ") || "–" : "–"],
                [t("lead.fourEyes"), lead.four_eyes === true ? t("table.yes") : t("table.no")],
                [t("col.claims"), String(num(lead.claims) ?? 0)],
              ]}
            />
          ) : list.data ? (
            <Empty>{t("lead.notListed")}</Empty>
          ) : (
            <Skeleton />
          )}
        </Card>
        <LeadActs id={String(id)} done={reload} />
        <SealedCard data={sealed} />
        <Card title={t("lead.history")} id="history" wide>
          <Loaded data={history}>{({ rows }) => <History rows={rows} source={source} />}</Loaded>
        </Card>
      </div>
    </>
  );
}
