// The sentences of the plan and the analyst's answers, in the reader's language. Their words are many; a phone loads none.
import analyst from "../messages/analyst.json";
import type { Said } from "../vocabulary";
import { catalogue, say } from "./language.svelte";

Object.assign(catalogue, analyst);

/** An answer with, by its English text, what each sentence in it was made of. */
export type Told<T> = T & { said: Record<string, Said> };

/** A text of an answer in the reader's language; what nobody made from the catalogue stays as it is. */
export const told = (answer: { said: Record<string, Said> } | null, text: string): string => say(text, answer?.said[text]);
