/* The desk's frame: who is logged in, where to go, keys, and the page that the URL names. */
import type { ComponentType, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { forgetKey, openKey } from "./crypto/key";
import { type Key, language, t } from "./i18n/i18n";
import { isTyping, startKeys } from "./lib/keys";
import { loadSession, logOut, may, type Session, session } from "./lib/session";
import { useStore } from "./lib/store";
import { choice, setTheme, type Choice } from "./lib/theme";
import { go, hasMoved, href, path, usePlace, type Place } from "./lib/url";
import { Acts } from "./ui/act";
import { Announcer, Empty, Heading, Skeleton } from "./ui/basics";
import { Dialog } from "./ui/dialog";
import { LanguageSelect } from "./ui/language";

export interface PageProps {
  readonly place: Place;
}

type Load = () => Promise<{ default: ComponentType<PageProps> }>;

interface Page {
  readonly id: string;
  readonly label: Key;
  readonly key: string; /* after "g" */
  readonly load: Load;
  readonly leads?: boolean; /* for those who read leads */
}

const pages: readonly Page[] = [
  { id: "", label: "nav.overview", key: "o", load: () => import("./pages/overview") },
  { id: "census", label: "nav.census", key: "c", load: () => import("./pages/census") },
  { id: "spam", label: "nav.spam", key: "s", load: () => import("./pages/spam") },
  { id: "cleanup", label: "nav.cleanup", key: "u", load: () => import("./pages/cleanup") },
  { id: "case", label: "nav.case", key: "a", load: () => import("./pages/case") },
  { id: "leads", label: "nav.leads", key: "l", load: () => import("./pages/leads"), leads: true },
  { id: "log", label: "nav.log", key: "e", load: () => import("./pages/log") },
  { id: "account", label: "nav.account", key: "m", load: () => import("./pages/account") },
  { id: "search", label: "nav.search", key: "", load: () => import("./pages/search") },
];
const login: Load = () => import("./pages/login");

const loaded = new Map<Load, ComponentType<PageProps>>();

function Lazy({ load, place }: { load: Load; place: Place }): VNode {
  const [, turn] = useState(0);
  const [failed, setFailed] = useState(false);
  const Part = loaded.get(load);
  useEffect(() => {
    setFailed(false);
    if (loaded.has(load)) return;
    load().then(
      (m) => {
        loaded.set(load, m.default);
        turn((n) => n + 1);
      },
      () => setFailed(true),
    );
  }, [load]);
  if (Part) return <Part place={place} />;
  if (!failed) return <Skeleton lines={10} tall />;
  /* A new version of the program has other files: the page is asked anew. */
  return (
    <div class="note bad" role="alert">
      <p>{t("state.newVersion")}</p>
      <button type="button" onClick={() => location.reload()}>
        {t("state.again")}
      </button>
    </div>
  );
}

function Search(): VNode {
  const place = usePlace();
  const search = (event: SubmitEvent): void => {
    event.preventDefault();
    const text = String(new FormData(event.currentTarget as HTMLFormElement).get("q") ?? "").trim();
    if (text === "") return;
    if (/^\d+$/.test(text)) go(path("log", "entry", text));
    else if (/^[0-9a-f.:]+(\/\d+)?$/i.test(text) && /[.:]/.test(text)) go(href("/census", { network: text }));
    else go(href("/search", { q: text }));
  };
  return (
    <form role="search" onSubmit={search}>
      <input id="search" type="search" name="q" placeholder={t("search.placeholder")} aria-label={t("search.label")} aria-keyshortcuts="/" defaultValue={place.query.q ?? ""} />
    </form>
  );
}

function Choices({ who }: { who: Session }): VNode {
  const key = useStore(openKey);
  const scheme = useStore(choice);
  return (
    <div class="choices">
      {key && (
        <button type="button" class="key-open" onClick={() => void forgetKey()} title={t("key.forgetHint")}>
          {t("key.isOpen")}
        </button>
      )}
      <label>
        <span class="sr">{t("theme.label")}</span>
        <select value={scheme} onChange={(e) => setTheme(e.currentTarget.value as Choice)}>
          <option value="auto">{t("theme.auto")}</option>
          <option value="light">{t("theme.light")}</option>
          <option value="dark">{t("theme.dark")}</option>
        </select>
      </label>
      <label>
        <span class="sr">{t("language.label")}</span>
        <LanguageSelect />
      </label>
      <a href="/account" class="who" title={who.roles.join(", ")}>
        {who.account}
      </a>
      <button type="button" class="quiet" onClick={() => void forgetKey().then(logOut)}>
        {t("login.out")}
      </button>
    </div>
  );
}

function Keys({ onClose }: { onClose: () => void }): VNode {
  return (
    <Dialog title={t("keys.title")} onClose={onClose}>
      <dl class="keys">
        <dt><kbd>/</kbd></dt>
        <dd>{t("keys.search")}</dd>
        {pages.filter((p) => p.key !== "").map((p) => (
          <>
            <dt><kbd>g</kbd> <kbd>{p.key}</kbd></dt>
            <dd>{t(p.label)}</dd>
          </>
        ))}
        <dt><kbd>↑</kbd> <kbd>↓</kbd></dt>
        <dd>{t("keys.rows")}</dd>
        <dt><kbd>?</kbd></dt>
        <dd>{t("keys.this")}</dd>
        <dt><kbd>Esc</kbd></dt>
        <dd>{t("keys.close")}</dd>
      </dl>
    </Dialog>
  );
}

function Frame({ who }: { who: Session }): VNode {
  const place = usePlace();
  const [keys, setKeys] = useState(false);
  useEffect(
    () =>
      startKeys({
        search: () => document.getElementById("search")?.focus(),
        help: () => setKeys(true),
        page: (letter) => {
          const page = pages.find((p) => p.key === letter);
          if (page) go(`/${page.id}`);
        },
      }),
    [],
  );
  const first = place.parts[0] ?? "";
  const page = pages.find((p) => p.id === first);
  const main = document.getElementById("main");
  useEffect(() => {
    /* A new page begins at its heading. */
    if (hasMoved() && main && !isTyping(document.activeElement)) main.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [place.path]);
  return (
    <>
      <a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.getElementById("main")?.focus(); }}>
        {t("skip")}
      </a>
      <header class="top">
        <a class="brand" href="/" aria-label={t("nav.home")}>
          <img src="/assets/icon.svg" alt="" width="24" height="24" /> ebb
        </a>
        <nav aria-label={t("nav.label")}>
          {pages.filter((p) => p.key !== "" && (!p.leads || may("reviewer", "custodian"))).map((p) => (
            <a key={p.id} href={`/${p.id}`} aria-current={p.id === first ? "page" : undefined} aria-keyshortcuts={`g ${p.key}`}>
              {t(p.label)}
            </a>
          ))}
        </nav>
        <Search />
        <Choices who={who} />
      </header>
      <main id="main" tabIndex={-1}>
        {page ? (
          <Lazy key={page.id} load={page.load} place={place} />
        ) : (
          <>
            <Heading>{t("missing.title")}</Heading>
            <Empty>{t("missing.text", { path: place.path })}</Empty>
          </>
        )}
      </main>
      <footer class="foot">
        <button type="button" class="quiet" onClick={() => setKeys(true)} aria-keyshortcuts="?">
          {t("keys.title")} <kbd>?</kbd>
        </button>
        <span>{t("foot.utc")}</span>
      </footer>
      {keys && <Keys onClose={() => setKeys(false)} />}
      <Acts />
    </>
  );
}

export function App(): VNode {
  const who = useStore(session);
  const place = usePlace();
  useStore(language);
  useEffect(() => void loadSession(), []);
  return (
    <>
      <Announcer />
      {who === undefined ? (
        <main><Skeleton lines={10} tall /></main>
      ) : who === null ? (
        <Lazy load={login} place={place} />
      ) : (
        <Frame who={who} />
      )}
    </>
  );
}
