/* Logging in: password and code, a passkey, or a link that the operator made on the machine. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Announcer, Heading, problemText } from "../ui/basics";
import { type Key, language, t } from "../i18n/i18n";
import { ApiError, post } from "../lib/api";
import { passkeysOffered, type Session, setSession } from "../lib/session";
import { useStore } from "../lib/store";
import { getPasskey } from "../lib/webauthn";
import { LanguageSelect } from "../ui/language";

function errorText(error: unknown): string {
  if (error instanceof ApiError) return error.status === 401 ? t("login.wrong") : problemText(error);
  return error instanceof DOMException ? t("login.passkeyFailed") : t("state.offline");
}

/* "#link=TOKEN": taken out of the address line at once, so that it stays in no history. */
function takeLink(): string | null {
  const m = /^#link=([A-Za-z0-9._~-]{1,512})$/.exec(location.hash);
  if (location.hash.startsWith("#link=")) history.replaceState(null, "", location.pathname + location.search);
  return m?.[1] ?? null;
}

export default function Login(): VNode {
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useStore(language);
  const passkeys = useStore(passkeysOffered);
  const run = (f: () => Promise<Session>): void => {
    setBusy(true);
    setProblem("");
    f().then(setSession, (error: unknown) => {
      setProblem(errorText(error));
      setBusy(false);
    });
  };
  useEffect(() => {
    const link = takeLink();
    if (link !== null) run(() => post<Session>("/api/login/link", { token: link }));
  }, []);
  const byPassword = (event: SubmitEvent): void => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const form = new FormData(event.currentTarget);
    const value = (name: string): string => String(form.get(name) ?? "");
    run(() => post<Session>("/api/login", { account: value("account").trim(), password: value("password"), code: value("code").replace(/\s/g, "") }));
  };
  const byPasskey = (): void => run(async () => post<Session>("/api/login/passkey", await getPasskey(await post("/api/login/passkey/options", {}))));
  return (
    <main class="login" id="main">
      <Announcer />
      <section class="card">
        <p class="brand">
          <img src="/assets/icon.svg" alt="" width="28" height="28" /> ebb
        </p>
        <Heading>{t("login.title")}</Heading>
        <form class="form" onSubmit={byPassword}>
          {(
            [
              ["account", "login.account", "username", "text"],
              ["password", "login.password", "current-password", "password"],
              ["code", "login.code", "one-time-code", "text"],
            ] as readonly (readonly [string, Key, string, string])[]
          ).map(([name, words, autocomplete, type]) => (
            <label key={name}>
              <span>{t(words)}</span>
              <input name={name} type={type} autocomplete={autocomplete as AutoFill} required spellcheck={false} autocapitalize="none" {...(name === "code" ? { inputMode: "numeric" as const } : {})} />
            </label>
          ))}
          {problem !== "" && (
            <p class="note bad" role="alert">
              {problem}
            </p>
          )}
          <button type="submit" class="primary" disabled={busy}>
            {busy ? t("login.waiting") : t("login.in")}
          </button>
        </form>
        {passkeys && "PublicKeyCredential" in window && (
          <button type="button" disabled={busy} onClick={byPasskey}>
            {t("login.passkey")}
          </button>
        )}
        <p class="soft">{t("login.linkHint")}</p>
        <label class="form-row">
          <span class="soft">{t("language.label")}</span>
          <LanguageSelect />
        </label>
      </section>
    </main>
  );
}
