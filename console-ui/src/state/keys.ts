// Every action has a key; no key works while somebody types into a field.
import { language } from "./language.svelte";
import { night } from "./night.svelte";
import { pages } from "./pages";
import { HOLD_MINUTES, recordedReason, REJECT_REASONS } from "./presets";

const TEN_SECONDS_US = 10e6;
const MINUTE_US = 60e6;

const SIMPLE: Record<string, () => void> = {
  a: () => void night.decide("acknowledge"),
  r: () => setMode("reject"),
  z: () => setMode("hold"),
  w: () => (night.showsWhy = !night.showsWhy),
  j: () => night.step(1),
  k: () => night.step(-1),
  l: () => night.goLive(),
  m: () => night.silence(),
  n: () => {
    if (night.replayUs !== null) night.knownThen = !night.knownThen;
  },
  x: () => language.toggle(),
  "0": () => night.ground?.goHome(),
  enter: () => {
    if (night.armedRank !== null) night.pressOption(night.armedRank);
  },
};

function setMode(mode: "reject" | "hold"): void {
  if (!night.focus || night.replayUs !== null) return;
  night.armedRank = null;
  night.cardMode = night.cardMode === mode ? "read" : mode;
}

function number(value: number): void {
  const reason = REJECT_REASONS[value - 1];
  const minutes = HOLD_MINUTES[value - 1];
  if (night.cardMode === "reject") {
    if (reason) void night.decide("reject", { reason: recordedReason(reason) });
  } else if (night.cardMode === "hold") {
    if (minutes) void night.decide("shelve", { shelve_s: minutes * 60 });
  } else night.pressOption(value);
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null;
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement;
}

export function onKey(event: KeyboardEvent): void {
  if (event.key === "Escape") {
    if (isTyping(event)) (event.target as HTMLElement).blur();
    night.escape();
    return;
  }
  if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey || event.repeat && event.key.length === 1) return;
  if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
    const by = (event.shiftKey ? MINUTE_US : TEN_SECONDS_US) * (event.key === "ArrowLeft" ? -1 : 1);
    if (night.shownUs + by >= night.nowUs) night.goLive();
    else night.replayAt(night.shownUs + by);
    event.preventDefault();
    return;
  }
  const key = event.key.toLowerCase();
  // Enter on a focused button presses that button, and nothing else.
  if (key === "enter" && event.target instanceof HTMLButtonElement) return;
  if (/^[1-5]$/.test(key)) number(Number(key));
  else {
    const action = SIMPLE[key];
    const page = pages().find((one) => one.key === key);
    if (action) action();
    else if (page) night.toggle(page.id);
    else return;
  }
  event.preventDefault();
}
