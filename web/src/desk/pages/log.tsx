/* The log: does it hold, who has witnessed it, what was done, and one entry with its proof. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { label, t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import { num, q, str } from "../lib/q";
import type { Row, Rows, TextAnswer } from "../lib/types";
import { href, type Place, withQuery, path, go } from "../lib/url";
import { Card, Copy, Empty, Facts, Heading, Loaded, Status, Tabs } from "../ui/basics";
import { Chips } from "../ui/chips";
import { Table } from "../ui/table";
import { EntryPage } from "./entry";
import type { PageProps } from "../app";

const ACTS = 200;

interface Verified {
  readonly holds: boolean;
  readonly entries: number;
  readonly segments: number;
  readonly tiles: number;
  readonly redacted: number;
  readonly root: string;
}

function Verify(): VNode {
  const [asked, setAsked] = useState(false);
  const data = useData<Verified>(asked ? q("log verify") : null);
  return (
    <Card title={t("log.verify")} id="verify">
      <p>{t("log.verifyText")}</p>
      {!asked ? (
        <button type="button" class="primary" onClick={() => setAsked(true)}>
          {t("log.verifyNow")}
        </button>
      ) : (
        <div role="status">
          <Loaded data={data} lines={3}>
            {(v) => (
              <>
                <p class={`verdict ${v.holds ? "good" : "bad"}`}>{v.holds ? t("log.holds") : t("log.broken")}</p>
                <Facts rows={[[t("log.entries"), format.count(v.entries)], [t("log.redacted"), format.count(v.redacted)], [t("log.tiles"), format.count(v.tiles)], [t("log.root"), <code class="break">{v.root}</code>]]} />
              </>
            )}
          </Loaded>
        </div>
      )}
      <Copy text="ebb -C CASE log verify" what={t("log.command")} />
    </Card>
  );
}

function Checkpoint(): VNode {
  return (
    <Card title={t("log.checkpoint")} id="checkpoint">
      <p>{t("log.checkpointText")}</p>
      <Loaded data={useData<TextAnswer>(q("log checkpoint"))}>{({ text }) => <Copy text={text} what={t("log.checkpoint")} />}</Loaded>
      <form
        class="form-row"
        onSubmit={(e) => {
          e.preventDefault();
          const index = String(new FormData(e.currentTarget).get("index") ?? "");
          if (/^\d+$/.test(index)) go(path("log", "entry", index));
        }}
      >
        <label>
          <span>{t("log.byIndex")}</span> <input name="index" inputMode="numeric" pattern="\d+" required />
        </label>
        <button type="submit">{t("log.show")}</button>
      </form>
    </Card>
  );
}

function Stamps(): VNode {
  const source = q("log stamps");
  return (
    <Card title={t("log.stamps")} id="stamps" wide>
      <p class="soft">{t("log.stampsText")}</p>
      <Loaded data={useData<Rows>(source)}>
        {({ rows }) => <Table id="stamps" caption={t("log.stamps")} rows={rows} columns={[{ key: "index", kind: "entry" }, { key: "what", draw: (r) => label("kind", str(r.what)) }, { key: "time", kind: "time" }, { key: "by" }, { key: "size", kind: "count" }, { key: "root", kind: "hash" }, { key: "sha256", label: "SHA-256", kind: "hash", hidden: true }]} source={source} empty={t("log.stampsNone")} />}
      </Loaded>
    </Card>
  );
}

/* Members that say nothing to people. */
const DULL: readonly string[] = ["index", "time", "kind", "account", "sig", "salt", "wraps", "public", "content", "proof", "box", "sign", "key"];

function summary(row: Row): string {
  const parts: string[] = [];
  for (const [key, value] of Object.entries(row)) {
    if (DULL.includes(key) || value === null || value === undefined || value === "") continue;
    const text = typeof value === "object" ? JSON.stringify(value) : String(value);
    parts.push(`${label("col", key)}: ${text.length > 60 ? `${text.slice(0, 59)}…` : text}`);
    if (parts.length === 6) break;
  }
  return parts.join(" · ");
}

function ActList({ place }: { place: Place }): VNode {
  const { kind = "", account = "", before = "" } = place.query;
  const source = href("/api/log/acts", { kind, account, before, limit: ACTS });
  return (
    <Card title={t("log.acts")} id="acts" wide>
      <Chips place={place} chips={[{ key: "kind", label: t("col.kind"), value: kind, text: label("kind", kind) }, { key: "account", label: t("col.account"), value: account, text: account }, { key: "before", label: t("log.before"), value: before, text: before }]} />
      <Loaded data={useData<Rows>(source)} tall>
        {({ rows }) => {
          const last = num(rows[rows.length - 1]?.index);
          return (
            <>
              <Table
                id="acts"
                caption={t("log.acts")}
                rows={rows.map((r): Row => ({ ...r, what: summary(r), signed: typeof r.sig === "string" && r.sig !== "" }))}
                columns={[
                  { key: "index", kind: "entry" },
                  { key: "time", kind: "time" },
                  { key: "kind", draw: (r) => <a href={withQuery(place, { kind: str(r.kind), before: undefined })}>{label("kind", str(r.kind))}</a> },
                  { key: "account", draw: (r) => (str(r.account) ? <a href={withQuery(place, { account: str(r.account), before: undefined })}>{str(r.account)}</a> : <span class="none">–</span>) },
                  { key: "signed", draw: (r) => (r.signed ? <Status name="good" text={t("log.signed")} /> : <span class="none">–</span>) },
                  { key: "what", draw: (r) => <bdi class="break">{str(r.what)}</bdi> },
                ]}
                source={source}
                empty={t("log.actsNone")}
              />
              {rows.length >= ACTS && last !== null && (
                <p>
                  <a href={withQuery(place, { before: String(last) })}>{t("log.older")}</a>
                </p>
              )}
              {rows.length === 0 && before !== "" && <Empty>{t("log.actsNone")}</Empty>}
            </>
          );
        }}
      </Loaded>
    </Card>
  );
}

export default function Log({ place }: PageProps): VNode {
  if (place.parts[1] === "entry" && /^\d+$/.test(place.parts[2] ?? "")) return <EntryPage index={place.parts[2] ?? ""} />;
  const tabs = ["checkpoint", "acts", "stamps"] as const;
  const tab = tabs.find((x) => x === place.query.tab) ?? "checkpoint";
  return (
    <>
      <Heading lead={t("log.lead")}>{t("nav.log")}</Heading>
      <Tabs name={t("nav.log")} current={tab} items={tabs.map((id) => ({ id, label: t(`log.tab.${id}`), href: href("/log", { tab: id }) }))} />
      <div class="grid">
        {tab === "checkpoint" && (
          <>
            <Verify />
            <Checkpoint />
          </>
        )}
        {tab === "acts" && <ActList place={place} />}
        {tab === "stamps" && <Stamps />}
      </div>
    </>
  );
}
