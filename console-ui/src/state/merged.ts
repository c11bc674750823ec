// Lists of what is known, each thing once by its name.

/** What is in both, the fresh one where both have it. */
export function merged<T>(old: T[], fresh: T[], key: (one: T) => string): T[] {
  const all = new Map(old.map((one) => [key(one), one]));
  for (const one of fresh) all.set(key(one), one);
  return [...all.values()];
}

/** An answer to a question asked at ``before``: what the stream brought since then is newer than it. */
export function answered<T>(answer: T[], before: T[], now: T[], key: (one: T) => string): T[] {
  const asked = new Set(before);
  return merged(answer, now.filter((one) => !asked.has(one)), key);
}
