/* An act in two steps: the server makes its exact bytes; this page reads them, shows them, signs them with the person's own key and
 * sends the signature. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { type DecodedAct, decodeAct, KINDS } from "../crypto/act";
import { openKey, signBytes } from "../crypto/key";
import { label, t } from "../i18n/i18n";
import { ApiError, post } from "../lib/api";
import { fromBase64, toBase64 } from "../lib/base64";
import { store, useStore } from "../lib/store";
import { session } from "../lib/session";
import type { ActRequest, Committed, Prepared } from "../lib/types";
import { announce, Facts, problemText, Skeleton } from "./basics";
import { Dialog } from "./dialog";
import { KeyOpener } from "./keyopener";

interface Asked {
  readonly request: ActRequest;
  readonly title: string;
  readonly done: (entries: readonly number[]) => void;
}

const asked = store<Asked | null>(null);

/* Asks the person to look at an act and to sign it. done: it is on the log. */
export function act(title: string, request: ActRequest, done: (entries: readonly number[]) => void): void {
  asked.set({ title, request, done });
}

interface Look {
  readonly prepared: Prepared;
  readonly acts: readonly { readonly bytes: Uint8Array; readonly decoded: DecodedAct }[];
}

/* The bytes say who signs and what; a server that shows one thing and has another signed is found out here. */
function look(prepared: Prepared, account: string): Look {
  const acts = prepared.acts.map((a) => {
    const bytes = fromBase64(a.sign);
    const decoded = decodeAct(bytes);
    if (decoded.account !== account || decoded.kind !== a.kind) throw new Error(t("act.notAsSaid"));
    return { bytes, decoded };
  });
  if (acts.length === 0) throw new Error(t("act.nothing"));
  return { prepared, acts };
}

async function signAll(what: Look): Promise<Committed> {
  const signatures = (await signBytes(what.acts.map((a) => a.bytes))).map(toBase64);
  return post<Committed>("/api/acts/commit", { id: what.prepared.id, signatures });
}

const errorText = (error: unknown): string => (error instanceof ApiError ? problemText(error) : error instanceof Error ? error.message : String(error));

function Signing({ what, onSigned, onError }: { what: Look; onSigned: (c: Committed) => void; onError: (text: string) => void }): VNode {
  const key = useStore(openKey);
  const [busy, setBusy] = useState(false);
  const sign = async (): Promise<void> => {
    setBusy(true);
    try {
      onSigned(await signAll(what));
    } catch (error) {
      onError(errorText(error));
      setBusy(false);
    }
  };
  return (
    <>
      <p>{t("act.read")}</p>
      {what.acts.map(({ decoded, bytes }, i) => (
        <section key={i} class="act">
          <h3>{label("kind", KINDS[decoded.kind] ?? String(decoded.kind))}</h3>
          <Facts rows={[...decoded.members.map(([k, v]) => [label("col", k), v] as const), [t("act.by"), decoded.account], [t("act.case"), decoded.origin]]} />
          <details>
            <summary>{t("act.bytes", { n: bytes.length })}</summary>
            <pre class="wrap">{Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("")}</pre>
          </details>
        </section>
      ))}
      {what.prepared.warnings?.map((w) => (
        <p key={w} class="note warn">
          {w}
        </p>
      ))}
      {key ? (
        <button type="button" class="primary" disabled={busy} onClick={() => void sign()}>
          {busy ? t("act.signing") : t("act.sign", { name: key.name })}
        </button>
      ) : (
        <KeyOpener account={what.prepared.account} />
      )}
    </>
  );
}

function ActDialog({ asked: { request, title, done } }: { asked: Asked }): VNode {
  const [what, setWhat] = useState<Look | null>(null);
  const [problem, setProblem] = useState("");
  const who = session.get();
  useEffect(() => {
    post<Prepared>("/api/acts/prepare", request)
      .then((p) => setWhat(look(p, who?.account ?? "")))
      .catch((error: unknown) => setProblem(errorText(error)));
  }, []);
  const signed = (c: Committed): void => {
    announce(t("act.done", { entries: c.entries.join(", ") }));
    asked.set(null);
    done(c.entries);
  };
  return (
    <Dialog title={title} onClose={() => asked.set(null)} wide>
      {problem && (
        <p class="note bad" role="alert">
          {problem}
        </p>
      )}
      {what ? <Signing what={what} onSigned={signed} onError={setProblem} /> : problem === "" && <Skeleton lines={4} />}
    </Dialog>
  );
}

export function Acts(): VNode | null {
  const what = useStore(asked);
  return what ? <ActDialog key={what.title} asked={what} /> : null;
}

/* ---- forms that make acts ---- */

export interface Field {
  readonly name: string; /* of the option; "arg" for an argument; a file's content when text is sent as one */
  readonly label: string;
  readonly kind?: "text" | "long" | "time" | "number" | "choice" | "check";
  readonly choices?: readonly string[];
  readonly choiceLabel?: (choice: string) => string;
  readonly required?: boolean;
  readonly asFile?: boolean;
  readonly value?: string;
}

export function ActForm({ title, command, args = [], fields, done, submit }: { title: string; command: string; args?: readonly string[]; fields: readonly Field[]; done: () => void; submit?: string }): VNode {
  const send = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget;
    if (!(form instanceof HTMLFormElement)) return;
    const values = new FormData(form);
    const allArgs = [...args];
    const options: Record<string, string | number | boolean> = {};
    const files: Record<string, { name: string; data: string }> = {};
    for (const field of fields) {
      const value = String(values.get(field.name) ?? "").trim();
      if (value === "") continue;
      if (field.name === "arg") allArgs.push(value);
      else if (field.asFile) files[field.name] = { name: "text", data: toBase64(new TextEncoder().encode(value)) };
      else if (field.kind === "check") options[field.name] = true;
      else if (field.kind === "number") options[field.name] = Number(value);
      else if (field.kind === "time") options[field.name] = value.length === 10 ? value : `${value}:00Z`;
      else options[field.name] = value;
    }
    act(title, { command, args: allArgs, options, ...(Object.keys(files).length > 0 ? { files } : {}) }, () => {
      form.reset();
      done();
    });
  };
  return (
    <form class="form" onSubmit={send} aria-label={title}>
      {fields.map((f) => (
        <label key={f.name} class={f.kind === "check" ? "check" : undefined}>
          {f.kind !== "check" && <span>{f.label}</span>}
          {f.kind === "choice" ? (
            <select name={f.name} required={f.required} defaultValue={f.value}>
              {!f.required && <option value="" />}
              {f.choices?.map((c) => (
                <option key={c} value={c} selected={c === f.value}>
                  {f.choiceLabel?.(c) ?? c}
                </option>
              ))}
            </select>
          ) : f.kind === "long" ? (
            <textarea name={f.name} rows={4} required={f.required} dir="auto" />
          ) : f.kind === "check" ? (
            <>
              <input type="checkbox" name={f.name} value="on" /> {f.label}
            </>
          ) : (
            <input type={f.kind === "time" ? "datetime-local" : f.kind === "number" ? "number" : "text"} name={f.name} required={f.required} defaultValue={f.value} dir="auto" />
          )}
        </label>
      ))}
      <button type="submit">{submit ?? t("act.look")}</button>
    </form>
  );
}
