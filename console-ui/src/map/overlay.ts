// Everything that moves or is decided, drawn on one canvas over the still map: five hundred tracks cost a few
// milliseconds a frame here, where a map source would be cut into tiles again for every picture.
import { say, t } from "../state/language.svelte";
import type { Map as MapLibre } from "maplibre-gl";
import type { SiteGeometry } from "../state/site";
import { heightText, PRIORITY_COLOUR, speedText, STATE_MARK } from "../state/words";
import type { Alarm, Area, Cone, InterceptOption, SearchPlan, Sensor, SensorHealth, Track } from "../vocabulary";
import { Labels } from "./labels";
import { mercatorX, mercatorY, Motion, perMetre, PREDICT_S, type Moving } from "./motion";
import { keepInMainMemory, patrolIcon, sensorIcon, trackIcon, type Icon } from "./symbols";

const TILE = 512;
const CROWD = 120;
/** Beyond one and a half periods of its slowest sensor, and this, a track is not observed but predicted. */
const STALE_S = 1.5;
const PICK_PX = 20;
const NARROW_PX = 600;
/** A bearing is shown for so long. */
const CONE_US = 20_000_000;
const CONE_NAME_PX = 150;
const PATROL_COLOUR = "#7fd0ff";
const TRACK_COLOUR: Record<string, string> = { U: "#ffe97a", P: "#ffe97a", F: "#7fd0ff", N: "#9be7a6" };

export interface Scene {
  selected: string | null;
  alarm: Alarm | null;
  armed: InterceptOption | null;
  alarms: Alarm[];
  health: Map<string, SensorHealth>;
  search: SearchPlan | null;
}

export class Overlay {
  readonly motion = new Motion();
  scene: Scene = { selected: null, alarm: null, armed: null, alarms: [], health: new Map(), search: null };
  drawn = 0;
  /** Searched squares drawn in the last frame. */
  searched = 0;
  /** Names of bearings written in the last frame. */
  conesNamed = 0;
  frames = 0;
  /** Running mean of the time one frame takes here, without the compositor. */
  drawMs = 0;
  readonly #context: CanvasRenderingContext2D;
  readonly #labels = new Labels();
  readonly #periods: Map<string, number>;
  #scale = 1;
  #left = 0;
  #top = 0;
  #width = 0;
  #height = 0;

  constructor(
    readonly canvas: HTMLCanvasElement,
    readonly map: MapLibre,
    readonly site: SiteGeometry,
    isSoftware: boolean,
  ) {
    // Where the graphics processor is emulated, a canvas in main memory is five times cheaper. Not "desynchronized": then
    // the page counts sixty frames a second, and the screen shows two.
    const context = canvas.getContext("2d", { willReadFrequently: isSoftware });
    if (isSoftware) keepInMainMemory();
    if (!context) throw new Error("this browser has no canvas; the map cannot be drawn");
    this.#context = context;
    this.#periods = new Map(site.sensors.map((sensor) => [sensor.id, sensor.period_s ?? 1]));
  }

  start(): void {
    const draw = (now: number): void => {
      this.#draw(now);
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  /** The track nearest to a click, or null. */
  pick(x: number, y: number): string | null {
    let best: string | null = null;
    let nearest = PICK_PX;
    for (const entry of this.motion.moving.values()) {
      const distance = Math.hypot(this.#x(entry.drawX) - x, this.#y(entry.drawY) - y);
      if (distance < nearest) {
        nearest = distance;
        best = entry.track.track_id;
      }
    }
    return best;
  }

  #x = (mercator: number): number => mercator * this.#scale - this.#left;
  #y = (mercator: number): number => mercator * this.#scale - this.#top;

  #fit(): void {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const { clientWidth, clientHeight } = this.canvas;
    if (this.canvas.width !== Math.round(clientWidth * ratio) || this.canvas.height !== Math.round(clientHeight * ratio)) {
      this.canvas.width = Math.round(clientWidth * ratio);
      this.canvas.height = Math.round(clientHeight * ratio);
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#width = clientWidth;
    this.#height = clientHeight;
    const center = this.map.getCenter();
    this.#scale = TILE * 2 ** this.map.getZoom();
    this.#left = mercatorX(center.lng) * this.#scale - clientWidth / 2;
    this.#top = mercatorY(center.lat) * this.#scale - clientHeight / 2;
  }

  #draw(now: number): void {
    const started = performance.now();
    this.#fit();
    const context = this.#context;
    context.clearRect(0, 0, this.#width, this.#height);
    this.motion.placeAll(now);
    this.#labels.begin(now, this.motion.moving.size > CROWD, this.#width);
    this.#drawCones();
    this.#drawAlarmGround();
    this.#drawReappears();
    this.#drawSearched();
    this.#drawPosts();
    this.#drawTrails();
    this.#drawTracks(now);
    this.frames++;
    this.drawMs += (performance.now() - started - this.drawMs) / 20;
  }

  #isInside = (x: number, y: number, margin: number): boolean =>
    x > -margin && y > -margin && x < this.#width + margin && y < this.#height + margin;

  /** The older the fainter. One name a sensor and direction, the newest, and none over another: a microphone says one each second. */
  #drawCones(): void {
    const context = this.#context;
    const named: { cone: Cone; label: string; x: number; y: number }[] = [];
    for (const cone of this.motion.cones) {
      const x = this.#x(mercatorX(cone.longitude_deg));
      const y = this.#y(mercatorY(cone.latitude_deg));
      const reach = (cone.reach_m ?? 0) * perMetre(cone.latitude_deg) * this.#scale;
      const middle = (((cone.azimuth_deg ?? 0) - 90) * Math.PI) / 180;
      const half = ((cone.half_width_deg ?? 0) * Math.PI) / 180;
      context.globalAlpha = Math.max(0.2, 1 - (this.motion.atUs - cone.observed_at_us) / CONE_US);
      const fade = context.createRadialGradient(x, y, 0, x, y, Math.max(1, reach));
      fade.addColorStop(0, "rgba(255, 233, 122, 0.20)");
      fade.addColorStop(1, "rgba(255, 233, 122, 0.02)");
      context.beginPath();
      context.moveTo(x, y);
      context.arc(x, y, reach, middle - half, middle + half);
      context.closePath();
      context.fillStyle = fade;
      context.fill();
      context.setLineDash([4, 5]);
      context.lineWidth = 1;
      context.strokeStyle = "rgba(255, 233, 122, 0.45)";
      context.stroke();
      context.setLineDash([]);
      context.globalAlpha = 1;
      const said = say(cone.label, cone.said);
      const label = said.includes(cone.sensor_id) ? said : `${cone.sensor_id} ${said}`;
      named.push({ cone, label, x: x + Math.cos(middle) * reach * 0.7, y: y + Math.sin(middle) * reach * 0.7 });
    }
    const written: typeof named = [];
    for (const one of named.reverse()) {
      if (written.some((other) => isSameBearing(one.cone, other.cone) || (Math.abs(one.x - other.x) < CONE_NAME_PX && Math.abs(one.y - other.y) < 13))) continue;
      written.push(one);
      this.#text(one.label, one.x, one.y, "#cfc27a");
    }
    this.conesNamed = written.length;
  }

  /** The drop area 50 / 90 % of the card on the desk, and the way of the option in hand. */
  #drawAlarmGround(): void {
    const { alarm, armed } = this.scene;
    if (!alarm) return;
    const colour = PRIORITY_COLOUR[alarm.priority] ?? "#b9c4cf";
    for (const area of [...alarm.areas].sort((a, b) => b.probability - a.probability)) this.#drawArea(area, colour);
    const options = armed ? [armed] : alarm.options.slice(0, 1);
    for (const option of options) this.#drawRoute(option, armed !== null);
  }

  /** Where the selected track, or the one of the card on the desk, can come out from behind the terrain. */
  #drawReappears(): void {
    for (const { track } of this.motion.moving.values()) {
      if (!track.hidden || (track.track_id !== this.scene.selected && track.track_id !== this.scene.alarm?.track_id)) continue;
      (track.reappears ?? []).forEach((one, index) =>
        this.#drawArea(one.area, colourOf(track), `${index + 1}: ${Math.round(one.probability * 100)} %`),
      );
    }
  }

  /** Where patrols have looked: the more surely a load would have been found there, the fuller the square. */
  #drawSearched(): void {
    const { search } = this.scene;
    const squares = search?.squares.filter((one) => (one.searched ?? 0) > 0.01) ?? [];
    this.searched = squares.length;
    if (!search || !squares.length) return;
    const context = this.#context;
    const side = (search.side_m ?? 0) * perMetre(search.latitude_deg) * this.#scale;
    context.strokeStyle = "#9be7a6";
    context.fillStyle = "#9be7a6";
    context.lineWidth = 1;
    for (const one of squares) {
      const left = this.#x(mercatorX(one.longitude_deg)) - side / 2;
      const top = this.#y(mercatorY(one.latitude_deg)) - side / 2;
      context.globalAlpha = 0.35 * (one.searched ?? 0);
      context.fillRect(left, top, side, side);
      context.globalAlpha = 0.8;
      context.beginPath();
      context.rect(left, top, side, side);
      // Not by colour alone: a stroke through it is what was walked.
      context.moveTo(left, top + side);
      context.lineTo(left + side, top);
      context.stroke();
    }
    context.globalAlpha = 1;
    const found = search.squares.reduce((sum, one) => sum + (one.probability ?? 0), 0);
    const [x, y] = [this.#x(mercatorX(search.longitude_deg)), this.#y(mercatorY(search.latitude_deg))];
    const text = t("search.on-map", { count: squares.length, share: Math.round(100 * found) });
    this.#labels.block(x, y + 1.5 * side);
    this.#text(text, x, y + 1.5 * side, "#9be7a6");
  }

  #drawArea(area: Area, colour: string, words = `${Math.round(area.probability * 100)} %`): void {
    const context = this.#context;
    const x = this.#x(mercatorX(area.longitude_deg));
    const y = this.#y(mercatorY(area.latitude_deg));
    const unit = perMetre(area.latitude_deg) * this.#scale;
    const major = (area.semi_major_m ?? 0) * unit;
    const minor = (area.semi_minor_m ?? 0) * unit;
    context.beginPath();
    context.ellipse(x, y, major, minor, (((area.azimuth_deg ?? 0) - 90) * Math.PI) / 180, 0, 2 * Math.PI);
    context.globalAlpha = 0.1;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 0.9;
    context.strokeStyle = colour;
    context.lineWidth = area.probability < 0.7 ? 1.8 : 1.2;
    context.setLineDash([7, 5]);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = 1;
    const angle = (((area.azimuth_deg ?? 0) - 90) * Math.PI) / 180;
    const [textX, textY] = [x + Math.cos(angle) * (major + 8), y + Math.sin(angle) * (major + 8)];
    this.#labels.block(textX, textY);
    this.#text(words, textX, textY, colour);
  }

  #drawRoute(option: InterceptOption, isArmed: boolean): void {
    const context = this.#context;
    context.beginPath();
    option.route.forEach(([longitude, latitude], index) => {
      const x = this.#x(mercatorX(longitude));
      const y = this.#y(mercatorY(latitude));
      if (index === 0) context.moveTo(x, y);
      else context.lineTo(x, y);
    });
    context.strokeStyle = "#7fd0ff";
    context.globalAlpha = isArmed ? 1 : 0.45;
    context.lineWidth = isArmed ? 3 : 2;
    context.setLineDash([2, 6]);
    context.lineCap = "round";
    context.stroke();
    context.setLineDash([]);
    const x = this.#x(mercatorX(option.longitude_deg));
    const y = this.#y(mercatorY(option.latitude_deg));
    context.strokeRect(x - 5, y - 5, 10, 10);
    context.globalAlpha = 1;
    const minutes = ((option.arrival_s ?? 0) / 60).toFixed(0);
    const spread = Math.max(1, Math.round((option.arrival_sigma_s ?? 0) / 30));
    const [longitude, latitude] = option.route[0] ?? [option.longitude_deg, option.latitude_deg];
    // Under the patrol's own name: at the far end the drop area is written.
    if (isArmed) this.#text(t("label.arrival", { minutes, spread }), this.#x(mercatorX(longitude)), this.#y(mercatorY(latitude)) + 33, "#7fd0ff", true);
  }

  /** Patrols and sensors in trouble are always named; a healthy sensor only where its name covers no other. */
  #drawPosts(): void {
    const names: [number, number][] = [];
    const isFree = (x: number, y: number): boolean => names.every(([otherX, otherY]) => Math.abs(x - otherX) > 64 || Math.abs(y - otherY) > 13);
    const name = (text: string, x: number, y: number, colour: string, isWanted: boolean): void => {
      if (!isWanted && !isFree(x, y)) return;
      names.push([x, y]);
      this.#text(text, x, y, colour, colour === PATROL_COLOUR);
    };
    for (const patrol of this.site.patrols) {
      const [x, y] = this.#place(patrol);
      if (!this.#isInside(x, y, 40)) continue;
      this.#icon(patrolIcon(patrol), x, y);
      this.#labels.block(x, y);
      name(patrol.id, x, y + 19, PATROL_COLOUR, true);
    }
    const isCalm = (sensor: Sensor): boolean => (this.scene.health.get(sensor.id)?.state ?? "unknown") === "ok";
    for (const sensor of [...this.site.sensors].sort((a, b) => Number(isCalm(a)) - Number(isCalm(b)))) {
      const [x, y] = this.#place(sensor);
      if (sensor.kind === "people" || !this.#isInside(x, y, 40)) continue;
      this.#context.globalAlpha = isCalm(sensor) ? 0.6 : 0.95;
      this.#icon(sensorIcon(sensor), x, y);
      this.#context.globalAlpha = 1;
      this.#labels.block(x, y);
      const state = this.scene.health.get(sensor.id)?.state ?? "unknown";
      if (!isCalm(sensor)) name(`${STATE_MARK[state]} ${sensor.id}`, x, y + 17, "#f1f5f9", true);
      // On a narrow map the names of healthy sensors would cover the night.
      else if (this.#width > NARROW_PX) name(sensor.id, x, y + 17, "#6d8ba3", false);
    }
  }

  #place(spot: { longitude_deg: number; latitude_deg: number }): [number, number] {
    return [this.#x(mercatorX(spot.longitude_deg)), this.#y(mercatorY(spot.latitude_deg))];
  }

  /** In a crowd the past is dots, as on a radar screen: strokes of five hundred trails cost more than all the rest. */
  #drawDots(): void {
    const context = this.#context;
    context.globalAlpha = 0.4;
    for (const entry of this.motion.moving.values()) {
      context.fillStyle = colourOf(entry.track);
      for (let index = 0; index < entry.trail.length; index += 4) {
        context.fillRect(this.#x(entry.trail[index] ?? 0) - 1, this.#y(entry.trail[index + 1] ?? 0) - 1, 2, 2);
      }
    }
    context.globalAlpha = 1;
  }

  #drawTrails(): void {
    if (this.motion.moving.size > CROWD) {
      this.#drawDots();
      return;
    }
    const context = this.#context;
    context.lineWidth = 1.5;
    context.lineJoin = "round";
    // Three strokes for all tracks together: old, middle, young.
    for (let third = 0; third < 3; third++) {
      const paths: Record<string, Path2D> = {};
      for (const entry of this.motion.moving.values()) {
        const colour = colourOf(entry.track);
        this.#trailThird((paths[colour] ??= new Path2D()), entry, third);
      }
      context.globalAlpha = [0.14, 0.32, 0.6][third] ?? 0.3;
      for (const [colour, path] of Object.entries(paths)) {
        context.strokeStyle = colour;
        context.stroke(path);
      }
    }
    context.globalAlpha = 1;
  }

  #trailThird(path: Path2D, entry: Moving, third: number): void {
    const count = entry.trail.length / 2;
    const from = Math.floor((count * third) / 3);
    const to = Math.floor((count * (third + 1)) / 3);
    if (to <= from) return;
    path.moveTo(this.#x(entry.trail[2 * from] ?? 0), this.#y(entry.trail[2 * from + 1] ?? 0));
    for (let index = from + 1; index <= Math.min(to, count - 1); index++) {
      path.lineTo(this.#x(entry.trail[2 * index] ?? 0), this.#y(entry.trail[2 * index + 1] ?? 0));
    }
    if (third === 2) path.lineTo(this.#x(entry.drawX), this.#y(entry.drawY));
  }

  #drawTracks(now: number): void {
    const isOverdue = this.motion.ageS(now) > PREDICT_S;
    const entries = [...this.motion.moving.values()];
    const isCrowded = entries.length > CROWD;
    const priorities = new Map(this.scene.alarms.map((alarm) => [alarm.track_id, alarm.priority]));
    this.drawn = 0;
    // What matters is drawn last, over the rest.
    const weightOf = (entry: Moving): number => (entry.track.track_id === this.scene.selected ? 2 : priorities.has(entry.track.track_id) ? 1 : 0);
    entries.sort((a, b) => weightOf(a) - weightOf(b));
    for (const entry of entries) {
      const x = this.#x(entry.drawX);
      const y = this.#y(entry.drawY);
      this.drawn++;
      if (!this.#isInside(x, y, 60)) continue;
      const track = entry.track;
      const ageS = (this.motion.atUs - track.updated_at_us) / 1e6 + this.motion.dataAgeS(now);
      const isPredicted = track.hidden || isOverdue || ageS > this.#staleAfterS(track);
      const isSelected = this.scene.selected === track.track_id;
      const priority = priorities.get(track.track_id);
      this.#drawEllipse(track, x, y, isPredicted, isSelected || priority !== undefined, isCrowded);
      const isBack = isCrowded && !isSelected && priority === undefined;
      if (!isBack) this.#drawVector(entry, x, y);
      this.#context.globalAlpha = isBack ? 0.6 : isPredicted ? 0.75 : track.is_confirmed ? 1 : 0.8;
      this.#icon(trackIcon(track, isPredicted, isBack), x, y);
      this.#context.globalAlpha = 1;
      if (priority !== undefined) this.#badge(priority, x, y);
      if (isSelected) this.#ring(x, y);
      const weight = isSelected ? 3 : priority !== undefined ? 2 : track.is_confirmed ? 1 : 0;
      if (isCrowded && weight === 0) continue;
      this.#labels.offer(track.track_id, x, y, weight, colourOf(track), () => labelLines(track, ageS, isPredicted));
    }
    this.#labels.draw(this.#context);
  }

  #staleAfterS(track: Track): number {
    let slowest = 1;
    for (const id of track.sensors) slowest = Math.max(slowest, this.#periods.get(id) ?? 1);
    return STALE_S + 1.5 * slowest;
  }

  #drawEllipse(track: Track, x: number, y: number, isPredicted: boolean, isWanted: boolean, isCrowded: boolean): void {
    const unit = perMetre(track.latitude_deg) * this.#scale;
    const major = (track.ellipse_semi_major_m ?? 0) * unit;
    const minor = (track.ellipse_semi_minor_m ?? 0) * unit;
    // Smaller than its symbol an ellipse says nothing.
    if (major < 14 || (!isWanted && !track.hidden && (isCrowded || major < 22))) return;
    const context = this.#context;
    context.beginPath();
    context.ellipse(x, y, major, minor, (((track.ellipse_azimuth_deg ?? 0) - 90) * Math.PI) / 180, 0, 2 * Math.PI);
    context.strokeStyle = colourOf(track);
    context.lineWidth = 1;
    context.globalAlpha = track.hidden ? 0.8 : 0.5;
    if (isPredicted) context.setLineDash([4, 4]);
    context.stroke();
    context.setLineDash([]);
    context.globalAlpha = track.hidden ? 0.07 : 0.04;
    context.fillStyle = colourOf(track);
    context.fill();
    context.globalAlpha = 1;
  }

  /** Where it will be in thirty seconds if it goes on so. */
  #drawVector(entry: Moving, x: number, y: number): void {
    const ahead = 30 * this.#scale;
    const length = Math.hypot(entry.vx, entry.vy) * ahead;
    if (length < 10) return;
    const context = this.#context;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + entry.vx * ahead, y + entry.vy * ahead);
    context.strokeStyle = colourOf(entry.track);
    context.globalAlpha = 0.55;
    context.lineWidth = 1.2;
    context.stroke();
    context.globalAlpha = 1;
  }

  /** Priority in shape, figure and colour. */
  #badge(priority: number, x: number, y: number): void {
    const context = this.#context;
    const colour = PRIORITY_COLOUR[priority] ?? "#b9c4cf";
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.beginPath();
    context.arc(x, y, 19, 0, 2 * Math.PI);
    context.stroke();
    context.fillStyle = colour;
    context.beginPath();
    context.arc(x - 16, y - 16, 8, 0, 2 * Math.PI);
    context.fill();
    context.font = "700 11px system-ui, sans-serif";
    context.fillStyle = "#0a0d12";
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(String(priority), x - 16, y - 15.5);
  }

  #ring(x: number, y: number): void {
    const context = this.#context;
    context.strokeStyle = "#ffffff";
    context.lineWidth = 1.5;
    for (const [dx, dy] of [[-1, -1], [1, -1], [1, 1], [-1, 1]] as const) {
      context.beginPath();
      context.moveTo(x + dx * 24, y + dy * 15);
      context.lineTo(x + dx * 24, y + dy * 24);
      context.lineTo(x + dx * 15, y + dy * 24);
      context.stroke();
    }
  }

  #icon(icon: Icon, x: number, y: number): void {
    this.#context.drawImage(icon.image, x - icon.anchorX, y - icon.anchorY, icon.width, icon.height);
  }

  #text(text: string, x: number, y: number, colour: string, isStrong = false): void {
    const context = this.#context;
    context.font = `${isStrong ? 600 : 500} 11px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = "rgba(8, 11, 15, 0.85)";
    context.strokeText(text, x, y);
    context.fillStyle = colour;
    context.fillText(text, x, y);
  }
}

/** One sensor's, and their wedges touch. */
function isSameBearing(one: Cone, other: Cone): boolean {
  const apart = Math.abs((((one.azimuth_deg ?? 0) - (other.azimuth_deg ?? 0) + 540) % 360) - 180);
  return one.sensor_id === other.sensor_id && apart <= (one.half_width_deg ?? 0) + (other.half_width_deg ?? 0);
}

function colourOf(track: Track): string {
  if (track.verdict === "authorised") return TRACK_COLOUR.F ?? "#7fd0ff";
  if (track.class_name === "manned aircraft" && track.class_probability >= 0.6) return TRACK_COLOUR.N ?? "#9be7a6";
  return TRACK_COLOUR.U ?? "#ffe97a";
}

function labelLines(track: Track, ageS: number, isPredicted: boolean): string[] {
  const lines = [track.track_id, `${speedText(track)}  ${heightText(track)}`];
  if (track.hidden) lines.push(t("label.lost", { age: Math.round(ageS) }));
  else if (isPredicted) lines.push(t("label.predicted", { age: Math.round(ageS) }));
  if (track.verdict === "contradicted") lines.push(t("label.contradicted"));
  return lines;
}
