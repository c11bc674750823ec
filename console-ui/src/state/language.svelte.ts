// One catalogue, two languages: every word of the screen is a key of src/messages/*.json, said in English and Azerbaijani.
// A page adds a file of its own there; a test holds both languages to the same keys and the same {places}.
export type LanguageCode = "en" | "az";
export type Message = Record<LanguageCode, string>;

const KEPT = "araz.language";
const CODES: LanguageCode[] = ["en", "az"];
const files = import.meta.glob<Record<string, Message>>("../messages/*.json", { eager: true, import: "default" });
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
