// The pages of the officer's screen: one file each in src/pages, found by itself. See docs/console.md, "Adding a page".
import type { Component } from "svelte";

export interface Page {
  id: string;
  /** The key that opens and closes it; one character that no action uses (see keys.ts). */
  key: string;
  /** Keys of the message catalogue: what the rail says, what the help says. */
  title: string;
  help: string;
  /** narrow 440 px, wide 800 px. The desk with its alarms stays visible beside both. */
  width: "narrow" | "wide";
  /** Its place in the rail, smallest first. */
  order: number;
  component: Component;
}

const files = import.meta.glob<Page>("../pages/*.ts", { eager: true, import: "default" });

/** Asked for while drawing, never while loading: a page may itself list the pages. */
export function pages(): Page[] {
  return Object.values(files).sort((a, b) => a.order - b.order);
}

export function pageOf(id: string | null): Page | undefined {
  return id === null ? undefined : pages().find((page) => page.id === id);
}
