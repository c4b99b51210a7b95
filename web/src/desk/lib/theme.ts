/* Dark or light: what the system prefers, until somebody chooses. The value is what is in force. */
import { remember, remembered, store } from "./store";

export type Choice = "auto" | "light" | "dark";

const system = matchMedia("(prefers-color-scheme: dark)");
export const choice = store<Choice>("auto");
export const theme = store<"light" | "dark">("light");

export function setTheme(next: Choice): void {
  choice.set(next);
  remember("ebb.theme", next);
  if (next === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  theme.set(next === "auto" ? (system.matches ? "dark" : "light") : next);
}

export function startTheme(): void {
  const kept = remembered("ebb.theme");
  setTheme(kept === "light" || kept === "dark" ? kept : "auto");
  system.addEventListener("change", () => setTheme(choice.get()));
}

export const reducedMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;
