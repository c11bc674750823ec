import { catalogue, t } from "./language.svelte";

// The reasons officers give most, as keys of the catalogue; a number key each. Free text stays possible.
export const REJECT_REASONS = ["reason.bird", "reason.known", "reason.clutter", "reason.sensor", "reason.handled"];

/** What is written into the record: the English words, whatever the screen speaks, so that reasons can be counted. */
export const recordedReason = (key: string): string => catalogue[key]?.en ?? key;

/** A recorded reason in the language of the screen; free text stays as it was typed. */
export function shownReason(text: string): string {
  const preset = REJECT_REASONS.find((key) => recordedReason(key) === text);
  return preset ? t(preset) : text;
}

export const HOLD_MINUTES = [5, 15, 30];
