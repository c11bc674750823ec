// Numbers and enumerations as people read them: units always, datum always, unknown said as unknown.
import type { Alarm, Incident, SensorState, Track } from "../vocabulary";

export const STATE_MARK: Record<SensorState, string> = {
  ok: "●",
  degraded: "◐",
  failed: "○",
  silent: "○",
  lying: "⚑",
  unknown: "◌",
};

export const STATE_WORD: Record<SensorState, string> = {
  ok: "alive",
  degraded: "degraded",
  failed: "failed",
  silent: "dead",
  lying: "lying",
  unknown: "not heard yet",
};

export const KIND_MARK: Record<Incident["kind"], string> = {
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
};

export const PRIORITY_WORD: Record<number, string> = { 1: "act now", 2: "act soon", 3: "be aware" };
export const PRIORITY_COLOUR: Record<number, string> = { 1: "#ff5a52", 2: "#ffa63d", 3: "#b9c4cf" };

/** A height this uncertain is not shown as a number. */
const HEIGHT_KNOWN_SIGMA_M = 120;

export function heightText(track: Track): string {
  if (track.altitude_agl_m === null || (track.altitude_sigma_m ?? Infinity) > HEIGHT_KNOWN_SIGMA_M) return "height unknown";
  return `${Math.round(track.altitude_agl_m / 5) * 5} m AGL`;
}

export function speedText(track: Track): string {
  return track.speed_mps === null ? "speed unknown" : `${Math.round(track.speed_mps)} m/s`;
}

export function percent(value: number | null): string {
  return value === null ? "?" : `${Math.round(value * 100)} %`;
}

export function duration(seconds: number | null): string {
  if (seconds === null) return "?";
  const whole = Math.round(Math.abs(seconds));
  if (whole < 90) return `${whole} s`;
  return whole < 5400 ? `${Math.round(whole / 60)} min` : `${(whole / 3600).toFixed(1)} h`;
}

export function marginText(marginS: number | null): string {
  if (marginS === null) return "margin unknown";
  return Math.abs(marginS) < 15 ? "at the same time" : `${duration(marginS)} ${marginS > 0 ? "before" : "after"}`;
}

/** Sign and place relative to the line in words. */
export function lineText(distanceM: number | null): string {
  if (distanceM === null) return "";
  const metres = Math.abs(distanceM);
  const text = metres < 950 ? `${Math.round(metres / 10) * 10} m` : `${(metres / 1000).toFixed(1)} km`;
  return `${text} ${distanceM > 0 ? "outside" : "inside"}`;
}

export function isOpen(alarm: Alarm): boolean {
  return alarm.state === "active";
}

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
  utc = (us: number): string => (us > 0 ? this.#utc.format(us / 1000) : "--:--:--");
}
