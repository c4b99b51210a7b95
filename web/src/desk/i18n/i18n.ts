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

/* Which forms a language has for counted things, in the order in which its words give them. */
const FORMS: Readonly<Record<Language, readonly Intl.LDMLPluralRule[]>> = { en: ["one", "other"], ru: ["one", "few", "many", "other"] };

function pluralForm(tag: Language, n: number, forms: readonly string[]): string {
  const at = FORMS[tag].indexOf(new Intl.PluralRules(tag).select(n));
  return forms[at] ?? forms[forms.length - 1] ?? "";
}

/* Words with {name} filled in, and of {name?row|rows} the form that the number `name` wants. */
export function t(key: Key, values: Readonly<Record<string, string | number>> = {}): string {
  const tag = language.get();
  return languages[tag].words[key]
    .replace(/\{(\w+)\?([^}]*)\}/g, (_, name: string, forms: string) => pluralForm(tag, Number(values[name] ?? 0), forms.split("|")))
    .replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/* Of names that the API has: the words where there are some, else the name itself. */
export function label(prefix: "col" | "status" | "kind" | "role" | "proto" | "cal", name: string): string {
  const words: Readonly<Record<string, string>> = languages[language.get()].words;
  const text = words[`${prefix}.${name}`] ?? name.replace(/_/g, " ");
  return prefix === "col" && text.length > 1 ? text.charAt(0).toLocaleUpperCase(language.get()) + text.slice(1) : text;
}
