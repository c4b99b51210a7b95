/* The choice of the desk's language, each in its own. */
import type { VNode } from "preact";
import { type Language, language, languages, setLanguage } from "../i18n/i18n";
import { useStore } from "../lib/store";

export function LanguageSelect(): VNode {
  return (
    <select value={useStore(language)} onChange={(e) => setLanguage(e.currentTarget.value as Language)}>
      {Object.entries(languages).map(([id, l]) => (
        <option key={id} value={id} lang={id}>
          {l.name}
        </option>
      ))}
    </select>
  );
}
