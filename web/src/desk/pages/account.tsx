/* One's own account: the key, passkeys, and who else may act. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { dropKeyFile, forgetKey, keptKeyFile, openKey } from "../crypto/key";
import { label, t } from "../i18n/i18n";
import { ApiError, getJson, post, useData } from "../lib/api";
import { num, q, str } from "../lib/q";
import { may, type Session, session } from "../lib/session";
import { useStore } from "../lib/store";
import type { Row, Rows } from "../lib/types";
import { type CreateOptions, createPasskey } from "../lib/webauthn";
import { act, ActForm } from "../ui/act";
import { Card, EntryLink, Facts, Heading, Loaded, problemText, Status } from "../ui/basics";
import { KeyOpener } from "../ui/keyopener";
import { Table } from "../ui/table";
import type { PageProps } from "../app";

const hex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

function KeyCard({ who }: { who: Session }): VNode {
  const key = useStore(openKey);
  const [kept, setKept] = useState(false);
  const look = (): void => void keptKeyFile(who.account).then((k) => setKept(k !== null));
  useEffect(look, [key, who.account]);
  return (
    <Card title={t("key.title")} id="key">
      {key ? (
        <>
          <p>{t("key.openText")}</p>
          <Facts rows={[[t("col.name"), key.name], [t("account.sign"), <code class="break">{hex(key.sign)}</code>], [t("account.box"), <code class="break">{hex(key.box)}</code>]]} />
          <button type="button" onClick={() => void forgetKey()}>
            {t("key.forget")}
          </button>
        </>
      ) : (
        <KeyOpener account={who.account} />
      )}
      {kept && (
        <p>
          {t("key.keptHere")}{" "}
          <button type="button" onClick={() => void dropKeyFile(who.account).then(look)}>
            {t("key.drop")}
          </button>
        </p>
      )}
    </Card>
  );
}

interface Passkeys {
  readonly passkeys: readonly Row[];
}

function PasskeyCard(): VNode {
  const data = useData<Passkeys>("/api/passkeys");
  const [problem, setProblem] = useState("");
  const add = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const name = String(new FormData(form).get("name") ?? "").trim();
    setProblem("");
    try {
      const made = await createPasskey(await getJson<CreateOptions>("/api/passkeys/options"));
      const checked = await post<{ id: string; key: string; rp_id: string }>("/api/passkeys/check", made);
      act(t("passkey.add"), { command: "passkey add", options: { ...checked, name } }, () => {
        form.reset();
        data.reload();
      });
    } catch (error) {
      setProblem(error instanceof ApiError ? problemText(error) : t("login.passkeyFailed"));
    }
  };
  const withdraw = (entry: number): void => act(t("passkey.withdraw"), { command: "passkey withdraw", args: [String(entry)] }, data.reload);
  return (
    <Card title={t("passkey.title")} id="passkeys">
      <p class="soft">{t("passkey.text")}</p>
      <Loaded data={data}>
        {({ passkeys }) => (
          <Table
            id="passkeys"
            plain
            caption={t("passkey.title")}
            rows={passkeys}
            columns={[{ key: "name" }, { key: "recorded", kind: "time" }, { key: "entry", kind: "entry" }, { key: "do", label: " ", draw: (r) => <button type="button" onClick={() => withdraw(num(r.entry) ?? 0)}>{t("passkey.withdraw")}</button> }]}
            empty={t("passkey.none")}
          />
        )}
      </Loaded>
      {session.get()?.passkeys === true ? (
        <form class="form" onSubmit={(e) => void add(e)}>
          <label>
            <span>{t("passkey.name")}</span>
            <input name="name" required maxLength={64} />
          </label>
          {problem !== "" && (
            <p class="note bad" role="alert">
              {problem}
            </p>
          )}
          <button type="submit">{t("passkey.add")}</button>
        </form>
      ) : (
        <p class="note">{t("passkey.notHere")}</p>
      )}
    </Card>
  );
}

function Accounts(): VNode {
  const source = q("account list");
  const data = useData<Rows>(source);
  return (
    <Card title={t("account.all")} id="accounts" wide>
      <Loaded data={data}>
        {({ rows }) => (
          <Table
            id="accounts"
            caption={t("account.all")}
            rows={rows}
            columns={[{ key: "account" }, { key: "roles" }, { key: "state", draw: (r) => <Status name={str(r.state)} text={label("status", str(r.state))} /> }, { key: "since", kind: "time" }, { key: "until", kind: "time" }, { key: "reads_leads", kind: "yes" }, { key: "index", draw: (r) => <EntryLink index={num(r.index) ?? 0} /> }, { key: "sign", kind: "hash", hidden: true }]}
            source={source}
          />
        )}
      </Loaded>
      {may("custodian") && (
        <details class="do">
          <summary>{t("account.close")}</summary>
          <ActForm title={t("account.close")} command="account close" fields={[{ name: "arg", label: label("col", "account"), required: true }, { name: "why", label: label("col", "why"), required: true }]} done={data.reload} />
        </details>
      )}
    </Card>
  );
}

/* Acts that wait for a second person: yes or no. */
function Approve(): VNode {
  return (
    <Card title={t("approve.title")} id="approve">
      <p class="soft">{t("approve.text")}</p>
      <ActForm title={t("approve.title")} command="approve" fields={[{ name: "arg", label: t("approve.entry"), required: true }, { name: "refuse", label: t("approve.refuse"), kind: "check" }, { name: "why", label: label("col", "why") }]} done={() => undefined} />
    </Card>
  );
}

export default function Account(_: PageProps): VNode {
  const who = useStore(session);
  if (!who) return <></>;
  return (
    <>
      <Heading lead={t("account.lead", { account: who.account, roles: who.roles.map((r) => label("role", r)).join(", ") })}>{t("nav.account")}</Heading>
      <div class="grid three">
        <KeyCard who={who} />
        <PasskeyCard />
        {may("reviewer", "custodian", "counsel") && <Approve />}
        {may("custodian", "reviewer", "auditor") && <Accounts />}
      </div>
    </>
  );
}
