/* Small things that every page has: states in words, times, counts, links to entries. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/i18n";
import type { ApiError, Data } from "../lib/api";
import * as format from "../lib/format";
import { store, useStore } from "../lib/store";
import { hasMoved, path } from "../lib/url";

/* ---- what is said aloud ---- */

const said = store("");

/* Once, politely: a page's name, what became of an act. */
export function announce(text: string): void {
  said.set("");
  setTimeout(() => said.set(text), 50);
}

export function Announcer(): VNode {
  return (
    <div class="sr" role="status" aria-live="polite">
      {useStore(said)}
    </div>
  );
}

/* ---- states ---- */

export function problemText(error: ApiError): string {
  if (error.status === 0) return t("state.offline");
  if (error.status === 403) return error.message || t("state.forbidden");
  if (error.status === 404) return error.message || t("state.missing");
  if (error.status === 503) return t("state.busy");
  return error.message || t("state.failed", { status: error.status });
}

export function Problem({ error, retry }: { error: ApiError; retry?: () => void }): VNode {
  return (
    <div class="note bad" role="alert">
      <p>{problemText(error)}</p>
      {retry && (
        <button type="button" onClick={retry}>
          {t("state.again")}
        </button>
      )}
    </div>
  );
}

export function Empty({ children }: { children: ComponentChildren }): VNode {
  return <p class="empty">{children}</p>;
}

/* Takes the room that what comes will take. */
export function Skeleton({ lines = 6, tall = false }: { lines?: number; tall?: boolean }): VNode {
  return (
    <div class={tall ? "skeleton tall" : "skeleton"} aria-busy="true">
      <span class="sr">{t("state.loading")}</span>
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} class="bar" />
      ))}
    </div>
  );
}

/* Loading, failed, or what there is. */
export function Loaded<T>({ data, lines, tall, children }: { data: Data<T>; lines?: number; tall?: boolean; children: (value: T) => ComponentChildren }): VNode {
  if (data.data !== undefined)
    return (
      <>
        {data.error && <Problem error={data.error} retry={data.reload} />}
        {children(data.data)}
      </>
    );
  if (data.error) return <Problem error={data.error} retry={data.reload} />;
  return <Skeleton lines={lines ?? 6} tall={tall ?? false} />;
}

/* ---- values ---- */

export function Time({ at, day }: { at: string | null | undefined; day?: boolean }): VNode {
  if (!at) return <span class="none">–</span>;
  return (
    <time dateTime={at} title={format.localTime(at)}>
      {day ? at.slice(0, 10) : format.time(at)}
    </time>
  );
}

export function Count({ n }: { n: number | null | undefined }): VNode {
  return n === null || n === undefined ? <span class="none">–</span> : <span class="num">{format.count(n)}</span>;
}

export function EntryLink({ index }: { index: number }): VNode {
  return (
    <a class="num" href={path("log", "entry", index)}>
      {index}
    </a>
  );
}

/* Indexes as the log writes them, "12 80-84": the first of each range is a link. */
export function EntryList({ text }: { text: string }): VNode {
  const parts = text.split(" ").filter((p) => /^\d+(-\d+)?$/.test(p));
  return (
    <span>
      {parts.slice(0, 20).map((p, i) => (
        <span key={p}>
          {i > 0 && ", "}
          <a class="num" href={path("log", "entry", p.split("-")[0] ?? "")}>
            {p}
          </a>
        </span>
      ))}
      {parts.length > 20 && " …"}
    </span>
  );
}

export function Status({ name, text }: { name: string; text: string }): VNode {
  return <span class={`pill ${name}`}>{text}</span>;
}

export function Copy({ text, what }: { text: string; what: string }): VNode {
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => announce(t("copy.done")),
      () => announce(t("copy.failed")),
    );
  };
  return (
    <div class="copy">
      <pre tabIndex={0} aria-label={what}>{text}</pre>
      <button type="button" onClick={copy}>
        {t("copy.copy")}
      </button>
    </div>
  );
}

export function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }): VNode {
  return (
    <dl class="facts">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/* ---- parts of a page ---- */

export function Card({ title, id, children, actions, wide }: { title: string; id?: string; children: ComponentChildren; actions?: ComponentChildren; wide?: boolean }): VNode {
  const headingId = `h-${id ?? title.replace(/\W+/g, "-").toLowerCase()}`;
  return (
    <section class={wide ? "card wide" : "card"} aria-labelledby={headingId} id={id}>
      <header>
        <h2 id={headingId}>{title}</h2>
        {actions}
      </header>
      {children}
    </section>
  );
}

/* The page's heading takes the focus when one comes to it from another page, so that a screen reader reads on from there; on the
 * first one the skip link is the first stop of Tab. */
export function Heading({ children, lead }: { children: string; lead?: ComponentChildren }): VNode {
  const at = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${children} · ebb`;
    if (!hasMoved()) return;
    if (document.activeElement === document.body || document.activeElement === null) at.current?.focus({ preventScroll: true });
  }, [children]);
  return (
    <div class="page-head">
      <h1 tabIndex={-1} ref={at}>
        {children}
      </h1>
      {lead && <p class="lead">{lead}</p>}
    </div>
  );
}

/* Links beside each other of which one is where we are. */
export function Tabs({ name, items, current }: { name: string; items: readonly { id: string; label: string; href: string }[]; current: string }): VNode {
  return (
    <nav class="tabs" aria-label={name}>
      {items.map((item) => (
        <a key={item.id} href={item.href} aria-current={item.id === current ? "page" : undefined}>
          {item.label}
        </a>
      ))}
    </nav>
  );
}
