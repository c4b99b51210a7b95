/* The desk's words in the reader's language. English is the list of keys; a language that lacks one does not compile. */
import { setFormatLanguage } from "../lib/format";
import { remember, remembered, store } from "../lib/store";
import { en, type Words } from "./en";
import { ru } from "./ru";

export type Key = keyof Words;
export type Language = "en" | "ru";

export const languages: Readonly<Record<Language, { readonly name: string; readonly dir: "ltr" | "rtl"; readonly words: Words }>> = {
  en: { name: "English", dir: "ltr", words: en },
  ru: { name: "Русский", dir: "ltr", words: ru },
};

const isLanguage = (tag: string): tag is Language => tag in languages;

function first(): Language {
  const wanted = [remembered("ebb.language") ?? "", ...navigator.languages.map((l) => l.slice(0, 2))];
  return wanted.find(isLanguage) ?? "en";
}

export const language = store<Language>("en");

export function setLanguage(tag: Language): void {
  document.documentElement.lang = tag;
  document.documentElement.dir = languages[tag].dir;
  setFormatLanguage(tag);
  remember("ebb.language", tag);
  language.set(tag);
}

export function startLanguage(): void {
  setLanguage(first());
}

/* Words with {name} filled in. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  return languages[language.get()].words[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/* Of names that the API has: the words where there are some, else the name itself. */
export function label(prefix: "col" | "status" | "kind" | "role" | "proto" | "cal", name: string): string {
  const words: Readonly<Record<string, string>> = languages[language.get()].words;
  const text = words[`${prefix}.${name}`] ?? name.replace(/_/g, " ");
  return prefix === "col" && text.length > 1 ? text.charAt(0).toLocaleUpperCase(language.get()) + text.slice(1) : text;
}
