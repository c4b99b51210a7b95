/* A modal dialog: the browser's own, which keeps the focus inside and gives it back. */
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/i18n";

export function Dialog({ title, onClose, children, wide }: { title: string; onClose: () => void; children: ComponentChildren; wide?: boolean }): VNode {
  const at = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    at.current?.showModal();
  }, []);
  return (
    <dialog ref={at} class={wide ? "wide" : undefined} aria-labelledby="dialog-title" onClose={onClose} onClick={(e) => e.target === at.current && at.current?.close()}>
      <div class="inside">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <button type="button" class="quiet" aria-label={t("dialog.close")} onClick={() => at.current?.close()}>
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
