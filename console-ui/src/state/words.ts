// Numbers and enumerations as people read them: units always, datum always, unknown said as unknown.
import { t } from "./language.svelte";
import type { Alarm, Incident, SensorState, Track } from "../vocabulary";

export const STATE_MARK: Record<SensorState, string> = {
  ok: "●",
  degraded: "◐",
  failed: "○",
  silent: "○",
  lying: "⚑",
  unknown: "◌",
};

const KIND_MARK: Partial<Record<string, string>> = {
  approach: "→",
  "crossing-predicted": "⇢",
  crossing: "⇥",
  drop: "▼",
  landing: "⊥",
  hover: "◌",
  heard: "♪",
  seen: "◉",
  found: "◆",
  "false-identity": "≠",
  "sensor-silent": "○",
  returned: "↩",
  launch: "↑",
  "coverage-lost": "▨",
  "coverage-restored": "▤",
  corrected: "⟲",
};

/** A kind this browser does not know yet still has a mark. */
export const kindMark = (kind: Incident["kind"]): string => KIND_MARK[kind] ?? "•";

export const PRIORITY_COLOUR: Record<number, string> = { 1: "#ff5a52", 2: "#ffa63d", 3: "#b9c4cf" };

/** A height this uncertain is not shown as a number. */
const HEIGHT_KNOWN_SIGMA_M = 120;

export function heightText(track: Track): string {
  if (track.altitude_agl_m === null || (track.altitude_sigma_m ?? Infinity) > HEIGHT_KNOWN_SIGMA_M) return t("unit.height-unknown");
  return t("unit.agl", { metres: Math.round(track.altitude_agl_m / 5) * 5 });
}

export function speedText(track: Track): string {
  return track.speed_mps === null ? t("unit.speed-unknown") : t("unit.speed", { speed: Math.round(track.speed_mps) });
}

export function percent(value: number | null): string {
  return value === null ? "?" : `${Math.round(value * 100)} %`;
}

export function duration(seconds: number | null): string {
  if (seconds === null) return "?";
  const whole = Math.round(Math.abs(seconds));
  if (whole < 90) return t("unit.seconds", { n: whole });
  return whole < 5400 ? t("unit.minutes", { n: Math.round(whole / 60) }) : t("unit.hours", { n: (whole / 3600).toFixed(1) });
}

export function marginText(marginS: number | null): string {
  if (marginS === null) return t("unit.margin-unknown");
  return Math.abs(marginS) < 15 ? t("unit.same-time") : t(marginS > 0 ? "unit.before" : "unit.after", { time: duration(marginS) });
}

/** Sign and place relative to the line in words. */
export function lineText(distanceM: number | null): string {
  if (distanceM === null) return "";
  return t(distanceM > 0 ? "unit.outside" : "unit.inside", { distance: distanceText(Math.abs(distanceM)) });
}

export function distanceText(metres: number): string {
  return metres < 950 ? `${Math.round(metres / 10) * 10} m` : `${(metres / 1000).toFixed(1)} km`;
}

export function isOpen(alarm: Alarm): boolean {
  return alarm.state === "active";
}

const DAY_US = 86_400e6;

export class Clock {
  readonly #local: Intl.DateTimeFormat;
  readonly #short: Intl.DateTimeFormat;
  readonly #utc = new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hour: "2-digit", minute: "2-digit", second: "2-digit" });

  constructor(readonly zone: string) {
    this.#local = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.#short = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
  }

  /** Before the first word from the server the time is not known, and is not shown as midnight. */
  local = (us: number): string => (us > 0 ? this.#local.format(us / 1000) : "--:--:--");
  short = (us: number): string => (us > 0 ? this.#short.format(us / 1000) : "--:--");
  /** A time of day in UTC on this clock: of the day that brings it nearest to ``nowUs``. */
  ofUtc = (hour: number, minute: number, nowUs: number): string => {
    const atUs = (hour * 60 + minute) * 60e6;
    return this.short(atUs + Math.round((nowUs - atUs) / DAY_US) * DAY_US);
  };
  utc = (us: number): string => (us > 0 ? this.#utc.format(us / 1000) : "--:--:--");
}
