/* One mail, as text and rendered without anything that could act. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { t } from "../i18n/i18n";
import { useData } from "../lib/api";
import * as format from "../lib/format";
import type { Mail } from "../lib/types";
import { href, path } from "../lib/url";
import { Card, Empty, EntryLink, Facts, Heading, Loaded, Time } from "../ui/basics";
import { SafeHtml } from "../ui/safehtml";
import { Table } from "../ui/table";

function Body({ mail }: { mail: Mail }): VNode {
  const [source, setSource] = useState(false);
  return (
    <>
      {mail.texts.map((part, i) => (
        <section key={i}>
          <h3>{part.type}</h3>
          <pre class="wrap mail" dir="auto" tabIndex={0} aria-label={part.type}>{part.text}</pre>
          {part.cut && <p class="soft">{t("mail.cut")}</p>}
        </section>
      ))}
      {mail.html !== null && (
        <section>
          <h3>{t("mail.rendered")}</h3>
          <p class="soft">{t("mail.renderedText")}</p>
          <SafeHtml html={mail.html} />
          <button type="button" aria-expanded={source} onClick={() => setSource(!source)}>
            {t("mail.source")}
          </button>
          {source && <pre class="wrap mail" tabIndex={0} aria-label={t("mail.source")}>{mail.html}</pre>}
        </section>
      )}
      {mail.texts.length === 0 && mail.html === null && <Empty>{t("mail.nothing")}</Empty>}
    </>
  );
}

export function MailPage({ id }: { id: string }): VNode {
  return (
    <>
      <Heading lead={<a href="/spam">← {t("nav.spam")}</a>}>{t("mail.title", { id })}</Heading>
      <Loaded data={useData<Mail>(path("api", "mail", id))} tall>
        {(m) => (
          <div class="grid">
            <Card title={t("mail.envelope")} id="envelope">
              <Facts
                rows={[
                  [t("col.subject"), <bdi>{m.subject ?? "–"}</bdi>],
                  [t("col.time"), <Time at={m.time} />],
                  [t("col.src_ip"), m.src_ip ? <a class="num" href={href("/census", { network: m.src_ip })}>{m.src_ip}</a> : "–"],
                  [t("col.asn"), m.asn === null ? "–" : `AS${m.asn} ${m.as_name ?? ""}`],
                  [t("col.country"), m.country ? format.country(m.country) : "–"],
                  [t("col.family"), m.family ?? "–"],
                  ["HELO", m.helo ?? "–"],
                  ["MAIL FROM", m.mail_from ?? "–"],
                  ["RCPT TO", m.rcpt_to.join(", ") || "–"],
                  [t("col.campaign"), typeof m.campaign !== "number" ? "–" : <a class="num" href={path("spam", "campaign", m.campaign)}>{m.campaign}</a>],
                  [t("col.index"), <EntryLink index={m.index} />],
                  [t("col.size"), format.bytes(m.size)],
                  ["SHA-256", <code class="break">{m.sha256 ?? "–"}</code>],
                ]}
              />
            </Card>
            <Card title={t("mail.headers")} id="headers">
              <Table id="headers" plain caption={t("mail.headers")} rows={m.headers.map((h) => ({ name: h.name, value: h.value }))} columns={[{ key: "name" }, { key: "value", draw: (r) => <bdi class="break">{String(r.value)}</bdi> }]} />
            </Card>
            <Card title={t("mail.body")} id="body" wide>
              <Body mail={m} />
              {m.cut && <p class="note warn">{t("mail.cut")}</p>}
            </Card>
            {m.attachments.length > 0 && (
              <Card title={t("mail.attachments")} id="attachments" wide>
                <Table id="attachments" plain caption={t("mail.attachments")} rows={m.attachments.map((a) => ({ ...a }))} columns={[{ key: "name" }, { key: "type" }, { key: "size", kind: "bytes" }, { key: "sha256", label: "SHA-256", kind: "hash" }]} />
              </Card>
            )}
          </div>
        )}
      </Loaded>
    </>
  );
}
