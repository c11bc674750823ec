// "Quiet" is explained: an empty map says what is not watched, so that nobody takes a dead sensor for a quiet sky.
import type { SensorHealth, Track } from "../vocabulary";
import type { SiteGeometry } from "./site";
import { STATE_WORD, type Clock } from "./words";

const FULLY_WATCHED = 0.995;

export function quietLine(tracks: Track[], health: SensorHealth[], watched: number | null, clock: Clock, site: SiteGeometry | null): string {
  const parts: string[] = [];
  for (const one of health) {
    // People who report nothing are no dead sensor.
    const isSilenceNormal = site?.sensors.find((sensor) => sensor.id === one.sensor_id)?.silent_after_s === 0;
    if (one.state === "ok" || (one.state === "unknown" && isSilenceNormal)) continue;
    const since = (one.state === "silent" || one.state === "failed") && one.last_heard_us ? ` since ${clock.short(one.last_heard_us)}` : "";
    parts.push(`${one.sensor_id} ${STATE_WORD[one.state]}${since}`);
  }
  if (watched !== null && watched < FULLY_WATCHED) {
    parts.push(`${Math.round((1 - watched) * 100)} % of the line's surroundings not watched at ${site?.coverage_agl_m ?? 100} m AGL (hatched)`);
  }
  if (health.length === 0) return "Nothing is known of the sensors yet: an empty map says nothing.";
  if (parts.length === 0) return tracks.length === 0 ? "No tracks; every sensor is alive and the line is watched." : "";
  const start = tracks.length === 0 ? "No tracks" : `${tracks.length} ${tracks.length === 1 ? "track" : "tracks"}`;
  return `${start}; ${parts.join("; ")}.`;
}
