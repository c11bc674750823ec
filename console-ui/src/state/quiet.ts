// "Quiet" is explained: an empty map says what is not watched, so that nobody takes a dead sensor for a quiet sky.
import { t } from "./language.svelte";
import type { SensorHealth, Track } from "../vocabulary";
import type { SiteGeometry } from "./site";
import type { Clock } from "./words";

const FULLY_WATCHED = 0.995;

export function quietLine(tracks: Track[], health: SensorHealth[], watched: number | null, clock: Clock, site: SiteGeometry | null): string {
  const parts: string[] = [];
  for (const one of health) {
    // People who report nothing are no dead sensor.
    const isSilenceNormal = site?.sensors.find((sensor) => sensor.id === one.sensor_id)?.silent_after_s === 0;
    if (one.state === "ok" || (one.state === "unknown" && isSilenceNormal)) continue;
    const sensor = { sensor: one.sensor_id, state: t(`state.${one.state}`) };
    const isGone = (one.state === "silent" || one.state === "failed") && one.last_heard_us;
    parts.push(isGone ? t("quiet.since", { ...sensor, time: clock.short(one.last_heard_us ?? 0) }) : t("quiet.state", sensor));
  }
  if (watched !== null && watched < FULLY_WATCHED) {
    parts.push(t("quiet.blind", { share: Math.round((1 - watched) * 100), height: site?.coverage_agl_m ?? 100 }));
  }
  if (health.length === 0) return t("quiet.unknown");
  if (parts.length === 0) return tracks.length === 0 ? t("quiet.well") : "";
  const start = tracks.length === 0 ? t("quiet.none") : tracks.length === 1 ? t("quiet.one") : t("quiet.some", { count: tracks.length });
  return `${start}; ${parts.join("; ")}.`;
}
