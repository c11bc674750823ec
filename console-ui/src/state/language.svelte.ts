// One catalogue, two languages: every word of the screen is a key of src/messages/*.json, said in English and Azerbaijani.
// The rules of the server speak from rules.json and terms.json, its refusals from refusals.json, the case report from case.json, the analyst's pages from
// analyst.json, which a phone does not load: those pages add it.
// A page adds a file of its own there; a test holds both languages to the same keys and the same {places}.
import type { Said } from "../vocabulary";

export type LanguageCode = "en" | "az";
export type Message = Record<LanguageCode, string>;

const KEPT = "araz.language";
const CODES: LanguageCode[] = ["en", "az"];
const files = import.meta.glob<Record<string, Message>>(["../messages/*.json", "!../messages/case.json", "!../messages/analyst.json"], { eager: true, import: "default" });
export const catalogue: Record<string, Message> = Object.assign({}, ...Object.values(files)) as Record<string, Message>;

function isCode(text: string | null): text is LanguageCode {
  return CODES.includes(text as LanguageCode);
}

function first(): LanguageCode {
  const asked = new URLSearchParams(location.search).get("lang");
  const kept = localStorage.getItem(KEPT);
  if (isCode(asked)) return asked;
  return isCode(kept) ? kept : "en";
}

class Language {
  code = $state<LanguageCode>(first());

  constructor() {
    document.documentElement.lang = this.code;
  }

  set(code: LanguageCode): void {
    this.code = code;
    localStorage.setItem(KEPT, code);
    document.documentElement.lang = code;
  }

  /** The other one: two languages need one button. */
  get other(): LanguageCode {
    return this.code === "en" ? "az" : "en";
  }

  toggle(): void {
    this.set(this.other);
  }
}

export const language = new Language();

/** The words of a key in the chosen language, its {places} filled. An unknown key is shown as its last part: never as nothing. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const text = catalogue[key]?.[language.code] ?? catalogue[key]?.en ?? key.slice(key.lastIndexOf(".") + 1).replaceAll("-", " ");
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole));
}

/** A word that records keep in English, said in the chosen language; what is not in the catalogue stays as it is. */
export const term = (family: string, word: string): string => catalogue[`${family}.${word.toLowerCase().replaceAll(" ", "-")}`]?.[language.code] ?? word;

/** A time of day in UTC, hours and minutes, as the clock of the screen shows it. */
export type TimeHere = (hour: number, minute: number) => string;
const UTC_TIME = /\b(\d\d):(\d\d) UTC\b/g;
let timeHere: TimeHere | null = null;

/** Records say times in UTC; beside a clock of the sector's time the reader would have to add up. */
export function sayTimesAs(here: TimeHere): void {
  timeHere = here;
}

/** A record's text as its reader needs it: in English as it stands; else said anew from what it was made of, if that is known. Times as on the clock. */
export function say(text: string, said: Said | null | undefined): string {
  const chosen = language.code === "en" || !said ? text : (words(said) ?? text);
  return chosen.replace(UTC_TIME, (utc, hour: string, minute: string) => timeHere?.(Number(hour), Number(minute)) ?? utc);
}

/** The words of a sentence in the chosen language; null where this browser lacks its key or a value. */
function words(said: Said): string | null {
  const template = catalogue[said.key]?.[language.code];
  if (template === undefined) return null;
  let isWhole = true;
  const text = template.replace(/\{(\w+)\}/g, (_, place: string) => {
    const name = place.charAt(0).toLowerCase() + place.slice(1);
    const value = filled(said.values[name]);
    isWhole &&= value !== null;
    const known = value ?? "";
    return name === place ? known : known.charAt(0).toLocaleUpperCase(language.code) + known.slice(1);
  });
  return isWhole ? text : null;
}

function filled(value: string | Said | Said[] | undefined): string | null {
  if (value === undefined) return null;
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return words(value);
  const all = value.map(words);
  return all.includes(null) ? null : all.join("; ");
}
