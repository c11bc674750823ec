// Where each track is drawn now. Between pictures it moves on with its own speed, for two seconds at most; then it stands,
// and is drawn as predicted. A correction is spread over a sixth of a second, so that the eye is not pulled.
import type { Cone, Picture, Track } from "../vocabulary";

export const PREDICT_S = 2;
const EASE_S = 0.16;
/** A correction beyond this is a jump, and is shown as one. */
const LARGEST_EASE_M = 200;
const EARTH_M = 40_075_016.686;
const TRAIL_STEP_US = 1_500_000;

export function mercatorX(longitudeDeg: number): number {
  return (longitudeDeg + 180) / 360;
}

export function mercatorY(latitudeDeg: number): number {
  const radians = (latitudeDeg * Math.PI) / 180;
  return (1 - Math.asinh(Math.tan(radians)) / Math.PI) / 2;
}

/** Mercator units (the world is 1 wide) in one metre. */
export function perMetre(latitudeDeg: number): number {
  return 1 / (EARTH_M * Math.cos((latitudeDeg * Math.PI) / 180));
}

export interface Moving {
  track: Track;
  x: number;
  y: number;
  vx: number;
  vy: number;
  easeX: number;
  easeY: number;
  /** Drawn position, this frame. */
  drawX: number;
  drawY: number;
  trail: number[];
  trailUs: number;
}

export class Motion {
  readonly moving = new Map<string, Moving>();
  cones: Cone[] = [];
  atUs = 0;
  /** performance.now() when the picture came. */
  cameMs = 0;
  isLive = true;
  /** Seconds of data in a second here, as the server says: guessed from the arrival of pictures it was wrong under load. */
  rate = 1;

  /** Take a picture; in replay nothing moves on by itself. */
  take(picture: Picture, isLive: boolean): void {
    const isBackwards = picture.at_us < this.atUs || isLive !== this.isLive;
    const now = performance.now();
    const trailLength = picture.tracks.length > 200 ? 10 : 40;
    const seen = new Set<string>();
    for (const track of picture.tracks) {
      seen.add(track.track_id);
      this.#takeTrack(track, picture.at_us, isBackwards, now, trailLength);
    }
    for (const id of this.moving.keys()) if (!seen.has(id)) this.moving.delete(id);
    this.cones = picture.cones;
    this.atUs = picture.at_us;
    this.cameMs = now;
    this.isLive = isLive;
  }

  #takeTrack(track: Track, atUs: number, isBackwards: boolean, now: number, trailLength: number): void {
    const x = mercatorX(track.longitude_deg);
    const y = mercatorY(track.latitude_deg);
    const unit = perMetre(track.latitude_deg);
    const course = ((track.course_deg ?? 0) * Math.PI) / 180;
    const speed = track.course_deg === null ? 0 : (track.speed_mps ?? 0);
    const before = isBackwards ? undefined : this.moving.get(track.track_id);
    const entry: Moving = before ?? { track, x, y, vx: 0, vy: 0, easeX: 0, easeY: 0, drawX: x, drawY: y, trail: [], trailUs: 0 };
    if (before) {
      this.#place(before, now);
      const isNear = Math.hypot(before.drawX - x, before.drawY - y) < LARGEST_EASE_M * this.rate * unit;
      entry.easeX = isNear ? before.drawX - x : 0;
      entry.easeY = isNear ? before.drawY - y : 0;
    }
    entry.track = track;
    entry.x = x;
    entry.y = y;
    entry.vx = speed * Math.sin(course) * unit;
    entry.vy = -speed * Math.cos(course) * unit;
    if (atUs - entry.trailUs >= TRAIL_STEP_US) {
      entry.trail.push(x, y);
      entry.trailUs = atUs;
    }
    if (entry.trail.length > 2 * trailLength) entry.trail.splice(0, entry.trail.length - 2 * trailLength);
    this.moving.set(track.track_id, entry);
  }

  /** Fill trails from earlier pictures (opening the screen, or replay). */
  remember(pictures: Picture[]): void {
    const paths = new Map<string, number[]>();
    for (const picture of pictures) {
      for (const track of picture.tracks) {
        const path = paths.get(track.track_id) ?? [];
        path.push(mercatorX(track.longitude_deg), mercatorY(track.latitude_deg));
        paths.set(track.track_id, path);
      }
    }
    for (const [id, path] of paths) {
      const entry = this.moving.get(id);
      if (entry) entry.trail = path.slice(-80);
    }
  }

  /** Seconds here since the picture shown came. */
  ageS(now: number): number {
    return this.isLive ? (now - this.cameMs) / 1000 : 0;
  }

  /** Seconds of data since the picture shown. */
  dataAgeS(now: number): number {
    return this.ageS(now) * this.rate;
  }

  placeAll(now: number): void {
    for (const entry of this.moving.values()) this.#place(entry, now);
  }

  #place(entry: Moving, now: number): void {
    const age = this.ageS(now);
    const ahead = Math.min(age, PREDICT_S) * this.rate;
    const ease = this.isLive ? Math.exp(-age / EASE_S) : 0;
    entry.drawX = entry.x + entry.vx * ahead + entry.easeX * ease;
    entry.drawY = entry.y + entry.vy * ahead + entry.easeY * ease;
  }
}
