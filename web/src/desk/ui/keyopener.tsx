/* Opening the account's key: the file and its passphrase stay in this page. */
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { keepKeyFile, keptKeyFile, unlock } from "../crypto/key";
import { KEY_FILE_MAX, parseKeyFile } from "../crypto/keyfile";
import { VaultError } from "../crypto/vault";
import { t } from "../i18n/i18n";
import { announce } from "./basics";

export function KeyOpener({ account }: { account: string }): VNode {
  const [text, setText] = useState<string | null>(null);
  const [kept, setKept] = useState(false);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    void keptKeyFile(account).then((found) => {
      if (found === null) return;
      setText((old) => old ?? found);
      setKept(true);
    });
  }, [account]);

  const read = async (file: File | undefined): Promise<void> => {
    setProblem("");
    if (!file) return;
    const content = file.size > KEY_FILE_MAX ? "" : await file.text();
    if (parseKeyFile(content)) setText(content);
    else {
      setText(null);
      setProblem(t("key.notKeyFile"));
    }
  };
  const open = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!(event.currentTarget instanceof HTMLFormElement)) return;
    const form = new FormData(event.currentTarget);
    const file = text === null ? null : parseKeyFile(text);
    if (!file) return setProblem(t("key.choose"));
    if (file.name !== account) return setProblem(t("key.another", { name: file.name, account }));
    setBusy(true);
    setProblem("");
    try {
      await unlock(file, String(form.get("passphrase") ?? ""));
      if (form.get("keep") === "on" && text !== null) await keepKeyFile(account, text);
      announce(t("key.opened"));
    } catch (error) {
      setProblem(error instanceof VaultError && error.wrong === "passphrase" ? t("key.wrong") : t("key.failed"));
      setBusy(false);
    }
  };
  return (
    <form class="form" onSubmit={(e) => void open(e)}>
      <p>{t("key.why")}</p>
      <label>
        <span>{kept ? t("key.fileKept") : t("key.file")}</span>
        <input type="file" accept=".key,text/plain" onChange={(e) => void read(e.currentTarget.files?.[0])} required={text === null} />
      </label>
      <label>
        <span>{t("key.passphrase")}</span>
        <input type="password" name="passphrase" autocomplete="off" required />
      </label>
      <label class="check">
        <input type="checkbox" name="keep" checked={kept} /> {t("key.keep")}
      </label>
      {problem && (
        <p class="note bad" role="alert">
          {problem}
        </p>
      )}
      <button type="submit" class="primary" disabled={busy}>
        {busy ? t("key.opening") : t("key.open")}
      </button>
    </form>
  );
}
