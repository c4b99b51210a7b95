/* One entry of the log: what it says, its exact bytes, and the proof that it is in the log. */
import type { VNode } from "preact";
import { t, label } from "../i18n/i18n";
import { ApiError, useData } from "../lib/api";
import { fromBase64 } from "../lib/base64";
import * as format from "../lib/format";
import { str } from "../lib/q";
import type { Entry } from "../lib/types";
import { href, path } from "../lib/url";
import { Card, Copy, Empty, Facts, Heading, Loaded, Problem, Time } from "../ui/basics";
import { Members } from "./census-network";

function Links({ e }: { e: Entry }): VNode | null {
  const src = str(e.entry?.src_ip);
  const network = str(e.entry?.network);
  if (!e.is_event || src === "") return null;
  return (
    <p class="linkrow">
      <a href={href("/census", { network: src })}>{src}</a>
      {network !== "" && <a href={href("/census", { network })}>{network}</a>}
      {e.kind === "smtp" && <a href={path("spam", "mail", e.index)}>{t("entry.mail")}</a>}
    </p>
  );
}

function Proof({ e }: { e: Entry }): VNode {
  const command = `ebb -C CASE log prove ${e.index}`;
  return (
    <Card title={t("entry.proof")} id="proof" wide>
      <p>{t("entry.proofText")}</p>
      {e.proof === null ? <Empty>{t("entry.noProof")}</Empty> : <Copy text={e.proof} what={t("entry.proof")} />}
      <h3>{t("entry.verify")}</h3>
      <Copy text={command} what={t("log.command")} />
    </Card>
  );
}

function Exact({ e }: { e: Entry }): VNode | null {
  if (e.exact === null) return null;
  const bytes = fromBase64(e.exact);
  return (
    <Card title={t("entry.exact")} id="exact" wide>
      <details>
        <summary>{t("act.bytes", { n: format.count(bytes.length) })}</summary>
        <pre class="wrap">{Array.from(bytes.subarray(0, 16_384), (b) => b.toString(16).padStart(2, "0")).join("")}</pre>
      </details>
    </Card>
  );
}

export function EntryPage({ index }: { index: string }): VNode {
  const n = Number(index);
  const data = useData<Entry>(path("api", "log", "entry", index));
  return (
    <>
      <Heading lead={<a href="/log">← {t("nav.log")}</a>}>{t("entry.title", { index })}</Heading>
      <nav class="linkrow" aria-label={t("entry.near")}>
        {n > 0 && <a href={path("log", "entry", n - 1)}>← {n - 1}</a>}
        <a href={path("log", "entry", n + 1)}>{n + 1} →</a>
      </nav>
      {data.error instanceof ApiError && data.error.status === 404 ? (
        <Problem error={data.error} />
      ) : (
        <Loaded data={data} tall>
          {(e) => (
            <div class="grid one">
              <Card title={label("kind", e.kind)} id="says" wide>
                <Facts rows={[[t("col.time"), <Time at={e.time} />], [t("col.index"), <span class="num">{e.index}</span>]]} />
                <Links e={e} />
                {e.redacted ? <p class="note warn">{t("entry.redacted")}</p> : e.entry ? <Members of={e.entry} without={["index", "time", "kind"]} /> : <Empty>{t("entry.nothing")}</Empty>}
              </Card>
              <Proof e={e} />
              <Exact e={e} />
            </div>
          )}
        </Loaded>
      )}
    </>
  );
}
