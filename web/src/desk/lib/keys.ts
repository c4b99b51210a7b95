/* Keys of the whole desk: "/", "?", and "g" with a letter. Silent while somebody types, and with Ctrl, Alt or Meta, which are the
 * browser's. WCAG 2.1.4: one-letter keys work only where no field has the focus. */

export interface KeyActions {
  readonly search: () => void;
  readonly help: () => void;
  readonly page: (letter: string) => void;
}

const TOGETHER_MS = 1500;

export function isTyping(element: Element | null): boolean {
  return element instanceof HTMLInputElement || element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;
}

/* Returns what ends it. */
export function startKeys(actions: KeyActions): () => void {
  let since = -Infinity; /* when "g" was struck */
  const struck = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey || isTyping(document.activeElement) || document.querySelector("dialog[open]")) return;
    const afterG = event.timeStamp - since < TOGETHER_MS;
    since = -Infinity;
    if (afterG && /^[a-z]$/.test(event.key)) actions.page(event.key);
    else if (event.key === "g") since = event.timeStamp;
    else if (event.key === "/") actions.search();
    else if (event.key === "?") actions.help();
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", struck);
  return () => removeEventListener("keydown", struck);
}
