// What the screen knows: one object, filled by the live stream and by replay; every part reads from it.
import { untrack } from "svelte";
import { language, say, sayTimesAs, t } from "./language.svelte";
import type { GroundMap } from "../map/ground-map";
import type { Overlay } from "../map/overlay";
import type { Alarm, AlarmFigures, Decision, Drill, Incident, InterceptOption, Picture, Screen, ScreenShown, SearchPlan, SensorHealth, Track, Withheld } from "../vocabulary";
import { api, Refusal, sentence } from "./api";
import { Offset } from "./offset";
import { Link, type Frame, type LinkState } from "./link";
import { answered, merged } from "./merged";
import type { SiteGeometry } from "./site";
import { shownReason } from "./presets";
import { Sounds } from "./sounds";
import { Clock, duration } from "./words";

/** The id of the page that is open beside the rail (src/pages). */
export type Drawer = string | null;
export type CardMode = "read" | "reject" | "hold";

const TRACK_TABLE_MS = 1000;
const REPLAY_FETCH_MS = 120;
/** As araz.vocabulary.WATERMARK. */
const WATERMARK = "DRILL-";
const DRILL_SAID_MS = 20_000;
const FIGURES_MS = 30_000;
const SEARCH_MS = 5_000;
const TRAIL_US = 60_000_000;
const MAX_LATENCIES = 5000;

/** A picture comes every second at least; one that is older by so much, in the watch's own time, is not now. */
const FRESH_S = 6;
export const measured = { frames: 0, drawn: 0, lastPictureAtUs: 0, latencyMs: [] as number[], pictures: 0, drawMs: 0, searched: 0, conesNamed: 0 };

class Night {
  site = $state.raw<SiteGeometry | null>(null);
  link = $state<LinkState>("connecting");
  trouble = $state<string | null>(null);
  alarms = $state.raw<Alarm[]>([]);
  incidents = $state.raw<Incident[]>([]);
  decisions = $state.raw<Decision[]>([]);
  health = $state.raw<SensorHealth[]>([]);
  tracks = $state.raw<Track[]>([]);
  /** What this reader's service may not see. */
  withheld = $state.raw<Withheld[]>([]);
  /** Time of the data, once a second. */
  nowUs = $state(0);
  /** Time of the newest picture; 0 before there was one. */
  pictureUs = $state(0);
  replayUs = $state<number | null>(null);
  knownThen = $state(true);
  /** The time replayed by both clocks; null until it is read. */
  past = $state.raw<{ then: Screen; now: Screen } | null>(null);
  /** How the alarms went lately: rates, floods, the officers' time. */
  figures = $state.raw<AlarmFigures | null>(null);
  /** The squares that patrols search now: of the card somebody was sent to last. */
  search = $state.raw<SearchPlan | null>(null);
  /** As the server says: 1 live; more when a recording is played faster than it happened. */
  rate = $state(1);
  watched = $state<number | null>(null);
  selected = $state<string | null>(null);
  focusId = $state<string | null>(null);
  armedRank = $state<number | null>(null);
  cardMode = $state<CardMode>("read");
  showsWhy = $state(false);
  drawer = $state<Drawer>(null);
  note = $state<{ text: string; isBad: boolean } | null>(null);
  isSending = $state(false);
  officer = $state(localStorage.getItem("araz.officer") ?? "duty officer");
  mutedUntilMs = $state(0);
  earliestUs = $state<number | null>(null);

  /** How the last drill ended, for as long as the screen says so: until then nobody is told that it was one. */
  drillEnded = $state.raw<Drill | null>(null);

  readonly sounds = new Sounds();
  overlay: Overlay | null = null;
  ground: GroundMap | null = null;
  readonly #offset = new Offset();
  #link: Link | null = null;
  #live: Picture | null = null;
  #tableMs = 0;
  #replayFetchMs = 0;
  #replayTimer: ReturnType<typeof setTimeout> | undefined;
  #noteTimer: ReturnType<typeof setTimeout> | undefined;
  #replayTicket = 0;
  #figuresMs = -Infinity;
  #searchMs = -Infinity;
  #drill: Drill | null = null;
  #drillTimer: ReturnType<typeof setTimeout> | undefined;
  #frontId: string | null = null;
  #frontMs = 0;
  #actions = 0;

  clock = $derived(new Clock(this.site?.time_zone ?? "UTC"));
  shownUs = $derived(this.replayUs ?? this.nowUs);
  /** How old the picture is, seconds, where it is too old to be taken for now; null while it is fresh, or a replay. */
  behindS = $derived.by(() => {
    const old = (this.nowUs - this.pictureUs) / 1e6;
    const isOld = this.pictureUs > 0 && this.replayUs === null && old > FRESH_S * Math.max(1, this.rate);
    return isOld ? old : null;
  });
  /** Sensor states of the time shown; in a replay empty until they are read, so that nothing is shown as well by mistake. */
  shownHealth = $derived(this.replayUs === null ? this.health : (this.past?.then.health ?? []));
  /** What waits for a decision; in a replay what waited then, in the words of the clock chosen. */
  active = $derived.by(() => {
    const waited = this.replayUs !== null && this.past ? new Set(this.past.then.alarms.filter((one) => one.state === "active").map((one) => one.alarm_id)) : null;
    const open = this.shownAlarms().filter((alarm) => (waited ? waited.has(alarm.alarm_id) : alarm.state === "active"));
    return open.sort((a, b) => a.priority - b.priority || a.raised_at_us - b.raised_at_us);
  });
  focus = $derived(this.active.find((alarm) => alarm.alarm_id === this.focusId) ?? this.active[0] ?? null);
  armed = $derived<InterceptOption | null>(this.focus?.options.find((option) => option.rank === this.armedRank) ?? null);

  async open(): Promise<void> {
    this.#link = new Link((frame) => this.#take(frame), (state) => this.#linked(state));
    for (;;) {
      try {
        this.site = await api.site();
        break;
      } catch (error) {
        this.trouble = t("app.opening-again", { why: sentence(error) });
        await new Promise((resolve) => setTimeout(resolve, 2000));
      }
    }
    this.trouble = null;
    sayTimesAs((hour, minute) => untrack(() => this.clock.ofUtc(hour, minute, this.shownUs)));
    this.#link.open();
    setInterval(() => this.#tick(), 250);
  }

  /** Alarms as they stood at the time shown; live, as they stand. */
  shownAlarms(): Alarm[] {
    if (this.replayUs === null) return this.alarms;
    return (this.knownThen ? this.past?.then.alarms : this.past?.now.alarms) ?? [];
  }

  /** Incidents of the time shown: as known then, or as known now. */
  shownIncidents(): Incident[] {
    if (this.replayUs === null) return this.incidents;
    return (this.knownThen ? this.past?.then.incidents : this.past?.now.incidents) ?? [];
  }

  /** In a replay: what was said then of an alarm that is shown as known now. */
  saidThen(alarmId: string): Alarm | null {
    if (this.replayUs === null || this.knownThen) return null;
    return this.past?.then.alarms.find((one) => one.alarm_id === alarmId) ?? null;
  }

  dataNowUs(): number {
    return this.#offset.nowUs();
  }

  say(text: string, isBad = false): void {
    this.note = { text, isBad };
    clearTimeout(this.#noteTimer);
    this.#noteTimer = setTimeout(() => (this.note = null), isBad ? 15_000 : 6_000);
  }

  setOfficer(name: string): void {
    this.officer = name.trim() || "duty officer";
    localStorage.setItem("araz.officer", this.officer);
  }

  silence(): void {
    this.mutedUntilMs = Date.now() + 60_000;
    this.sounds.muteUntil(this.mutedUntilMs);
  }

  #tick(): void {
    this.#noteFront();
    if (performance.now() > this.#figuresMs + FIGURES_MS) void this.readFigures();
    if (this.replayUs === null && performance.now() > this.#searchMs + SEARCH_MS) void this.#readSearch();
    if (this.link === "live") this.nowUs = this.dataNowUs();
    measured.frames = this.overlay?.frames ?? 0;
    measured.drawn = this.overlay?.drawn ?? 0;
    if (this.overlay) this.overlay.motion.rate = this.rate;
    measured.drawMs = this.overlay?.drawMs ?? 0;
    measured.searched = this.overlay?.searched ?? 0;
    measured.conesNamed = this.overlay?.conesNamed ?? 0;
  }

  async #readSearch(): Promise<void> {
    this.#searchMs = performance.now();
    const sent = this.decisions.findLast((one) => one.action === "send");
    const alarm = sent && this.alarms.find((one) => one.alarm_id === sent.alarm_id && one.state !== "cleared" && one.areas.length > 0);
    this.search = alarm ? await api.search(alarm.alarm_id).catch(() => null) : null;
  }

  #linked(state: LinkState): void {
    this.link = state;
    if (state === "live") void this.#readRecords();
  }

  async #readRecords(): Promise<void> {
    try {
      const before = this.health;
      const [alarms, incidents, decisions, health] = await Promise.all([api.alarms(), api.incidents(), api.decisions(), api.health()]);
      for (const alarm of alarms) this.#takeAlarm(alarm, true);
      this.incidents = merged(this.incidents, incidents, (one) => one.incident_id).sort((a, b) => a.known_at_us - b.known_at_us);
      this.decisions = merged(this.decisions, decisions, (one) => one.decision_id).sort((a, b) => a.at_us - b.at_us);
      this.health = answered(health, before, this.health, (one) => one.sensor_id);
      await this.#readTrails();
    } catch (error) {
      this.say(sentence(error), true);
    }
  }

  async #readTrails(): Promise<void> {
    const now = this.dataNowUs();
    const first = await api.pictures(0, now, 1, 1).catch(() => []);
    this.earliestUs = first[0]?.at_us ?? null;
    const recent = await api.pictures(Math.max(0, now - TRAIL_US), now, 2_000_000).catch(() => []);
    setTimeout(() => this.overlay?.motion.remember(recent), 600);
  }

  #take(frame: Frame): void {
    switch (frame.type) {
      case "hello":
      case "clock":
        this.rate = this.#offset.speed = frame.speed ?? 1;
        this.#offset.take(frame.at_us);
        if (this.nowUs === 0) this.nowUs = frame.at_us;
        break;
      case "picture":
        this.#takePicture(frame.picture as Picture, frame.sent_at_us, frame.oldest_message_us);
        break;
      case "alarm":
        this.#takeAlarm(frame, false);
        break;
      case "incident":
        this.incidents = merged(this.incidents, [frame], (one) => one.incident_id);
        break;
      case "decision":
        this.decisions = merged(this.decisions, [frame], (one) => one.decision_id);
        break;
      case "drill":
        this.#takeDrill(frame);
        break;
      case "sensor-health":
        this.health = merged(this.health, [frame], (one) => one.sensor_id);
        break;
    }
  }

  #takePicture(picture: Picture, sentUs: number, oldestUs: number | null): void {
    this.#offset.take(sentUs);
    picture = withDrill(picture, this.#drill);
    this.#live = picture;
    measured.pictures++;
    measured.lastPictureAtUs = picture.at_us;
    this.pictureUs = picture.at_us;
    if (oldestUs !== null && measured.latencyMs.length < MAX_LATENCIES) measured.latencyMs.push((this.dataNowUs() - oldestUs) / 1000);
    if (this.replayUs === null) this.#show(picture, true);
  }

  /** A drill looks like the real thing until it is decided, and is gone at once when it ends: see docs/console.md. */
  #takeDrill(drill: Drill): void {
    if (drill.state === "running") {
      const name = this.#drill?.track?.track_id ?? nextName(this.#live?.tracks ?? []);
      const track = drill.track && { ...drill.track, track_id: name };
      this.#drill = { ...drill, track };
      if (drill.alarm) this.#takeAlarm({ ...drill.alarm, track_id: name }, false);
      return;
    }
    if (drill.state !== "refused" || this.#drill?.drill_id === drill.drill_id) {
      this.#drill = null;
      this.alarms = this.alarms.filter((one) => one.alarm_id !== drill.drill_id);
      if (this.focusId === drill.drill_id) this.#calmCard(null);
      this.drillEnded = drill;
      this.say(t(`drill.${drill.state}`, { time: drill.decision_s == null ? "" : duration(drill.decision_s) }), drill.state === "stopped");
      clearTimeout(this.#drillTimer);
      this.#drillTimer = setTimeout(() => (this.drillEnded = null), DRILL_SAID_MS);
    }
  }

  #show(picture: Picture, isLive: boolean): void {
    this.overlay?.motion.take(picture, isLive);
    const now = performance.now();
    if (now - this.#tableMs > TRACK_TABLE_MS || !isLive) {
      this.#tableMs = now;
      this.tracks = picture.tracks;
      this.withheld = picture.withheld;
    }
  }

  #takeAlarm(alarm: Alarm, isOld: boolean): void {
    const before = this.alarms.find((one) => one.alarm_id === alarm.alarm_id);
    if (before && before.revision > alarm.revision) return;
    const armed = alarm.alarm_id === this.focus?.alarm_id ? this.armed : null;
    this.alarms = merged(this.alarms, [alarm], (one) => one.alarm_id);
    if (armed) this.#keepArmed(armed, alarm);
    const isNew = !before || before.state !== "active" || alarm.priority < before.priority;
    if (alarm.state === "active" && isNew && !isOld) this.sounds.play(alarm.priority);
    this.#chooseFocus(alarm, isOld);
  }

  /** A revision may order the options anew: what was pressed once stays armed under its new number, or is disarmed. */
  #keepArmed(armed: InterceptOption, alarm: Alarm): void {
    const same = alarm.state === "active" ? alarm.options.find((one) => isSameOrder(one, armed)) : undefined;
    this.armedRank = same?.rank ?? null;
    if (!same && alarm.state === "active") this.say(t("decision.changed"), true);
  }

  /** The most urgent card comes forward by itself, but never under a finger: not while one is armed or being refused. */
  #chooseFocus(alarm: Alarm, isOld: boolean): void {
    const isBusy = this.armedRank !== null || this.cardMode !== "read" || this.isSending;
    const current = this.alarms.find((one) => one.alarm_id === this.focusId);
    const isOpen = current?.state === "active";
    if (!isOpen) this.#calmCard(null);
    else if (alarm.state === "active" && alarm.priority < current.priority && (!isBusy || isOld)) this.#calmCard(alarm.alarm_id);
  }

  #calmCard(id: string | null): void {
    this.focusId = id ?? this.active[0]?.alarm_id ?? null;
    this.armedRank = null;
    this.cardMode = "read";
    this.showsWhy = false;
  }

  step(by: number): void {
    if (this.active.length === 0) return;
    const index = this.active.findIndex((alarm) => alarm.alarm_id === this.focus?.alarm_id);
    this.focusOn(this.active[(index + by + this.active.length) % this.active.length]?.alarm_id ?? null);
  }

  focusOn(id: string | null): void {
    this.#calmCard(id);
  }

  /** First press shows the way on the map, second press sends. */
  pressOption(rank: number): void {
    if (this.replayUs !== null || !this.focus?.options.some((option) => option.rank === rank)) return;
    if (this.armedRank === rank) void this.decide("send");
    else {
      this.cardMode = "read";
      this.armedRank = rank;
    }
  }

  async decide(action: Decision["action"], more: Partial<Decision> = {}): Promise<void> {
    const alarm = this.focus;
    if (!alarm || this.isSending) return;
    if (this.replayUs !== null) {
      this.say(t("decision.in-replay"), true);
      return;
    }
    const decision: Decision = {
      type: "decision",
      decision_id: crypto.randomUUID(),
      alarm_id: alarm.alarm_id,
      revision: alarm.revision,
      action,
      officer: this.officer,
      at_us: this.dataNowUs(),
      patrol_id: action === "send" ? (this.armed?.patrol_id ?? null) : null,
      reason: null,
      shelve_s: null,
      screen: this.#screenShown(alarm),
      ...(action === "send" && this.armed ? ordered(alarm, this.armed) : {}),
      ...more,
    };
    this.isSending = true;
    try {
      const recorded = await this.#deliver(decision);
      // Of a drill only its end is said: that it was one, and that nobody is sent.
      if (!alarm.alarm_id.startsWith(WATERMARK)) this.say(t("decision.recorded", { seq: recorded.seq, what: decisionText(decision) }));
      this.armedRank = null;
      this.cardMode = "read";
    } catch (error) {
      this.say(t("decision.not-recorded", { why: sentence(error) }), true);
    } finally {
      this.isSending = false;
    }
  }

  /** A key or a tap of the officer: the record says how many a decision took. */
  count(): void {
    this.#noteFront();
    this.#actions++;
  }

  #noteFront(): void {
    const id = this.focus?.alarm_id ?? null;
    if (id === this.#frontId) return;
    this.#frontId = id;
    this.#frontMs = performance.now();
    this.#actions = 0;
  }

  #screenShown(alarm: Alarm): ScreenShown {
    const chance = (option: InterceptOption): string => `${Math.round((option.probability_before ?? 0) * 100)} %`;
    return {
      type: "screen-shown",
      at_us: this.nowUs,
      picture_at_us: measured.lastPictureAtUs,
      sentence: say(alarm.sentence, alarm.said),
      options: alarm.options.slice(0, 5).map((one) => `${one.rank} ${one.patrol_id} ${one.action} ${chance(one)}`),
      waiting: this.active.filter((one) => one.alarm_id !== alarm.alarm_id).map((one) => one.alarm_id),
      tracks: this.tracks.length,
      troubled_sensors: this.health.filter((one) => one.state !== "ok").map((one) => `${one.sensor_id} ${one.state}`),
      watched_share: this.watched,
      page: this.drawer,
      saw_why: this.showsWhy,
      language: language.code,
      width_px: window.innerWidth,
      height_px: window.innerHeight,
      actions: this.#actions,
      looked_s: Math.round(performance.now() - this.#frontMs) / 1000,
    };
  }

  async readFigures(): Promise<void> {
    this.#figuresMs = performance.now();
    this.figures = await api.figures().catch(() => this.figures);
  }

  /** The same id each time: a decision that did arrive is not recorded twice. */
  async #deliver(decision: Decision): ReturnType<typeof api.decide> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await api.decide(decision);
      } catch (error) {
        if (!(error instanceof Refusal) || !error.isPassing || attempt >= 3) throw error;
        await new Promise((resolve) => setTimeout(resolve, 400 * 2 ** attempt));
      }
    }
  }

  replayAt(us: number): void {
    this.armedRank = null;
    this.cardMode = "read";
    this.replayUs = Math.min(us, this.nowUs);
    const wait = this.#replayFetchMs + REPLAY_FETCH_MS - performance.now();
    clearTimeout(this.#replayTimer);
    this.#replayTimer = setTimeout(() => void this.#fetchReplay(), Math.max(0, wait));
  }

  async #fetchReplay(): Promise<void> {
    const at = this.replayUs;
    if (at === null) return;
    this.#replayFetchMs = performance.now();
    const ticket = ++this.#replayTicket;
    try {
      const [then, now] = await Promise.all([api.screen(at, at), api.screen(at, Math.max(at, this.dataNowUs()))]);
      if (ticket !== this.#replayTicket || this.replayUs === null) return;
      this.past = { then, now };
      const trail = await api.pictures(at - TRAIL_US, at, 2_000_000);
      if (ticket !== this.#replayTicket || this.replayUs === null) return;
      this.#show(then.picture ?? { type: "picture", at_us: at, tracks: [], cones: [], withheld: [] }, false);
      this.overlay?.motion.remember(trail);
    } catch (error) {
      if (ticket !== this.#replayTicket || this.replayUs === null) return;
      this.#show({ type: "picture", at_us: at, tracks: [], cones: [], withheld: [] }, false);
      this.say(sentence(error), true);
    }
  }

  goLive(): void {
    this.replayUs = null;
    this.past = null;
    this.#replayTicket++;
    clearTimeout(this.#replayTimer);
    if (this.#live) this.#show(this.#live, true);
    void this.#readTrails();
  }

  select(id: string | null): void {
    this.selected = id;
    const alarm = this.active.find((one) => one.track_id === id);
    if (id !== null && alarm && this.armedRank === null && this.cardMode === "read") this.focusOn(alarm.alarm_id);
  }

  show(trackId: string | null, longitude: number, latitude: number): void {
    const covered = document.querySelector(".drawer")?.getBoundingClientRect().width ?? 0;
    this.ground?.fly(longitude, latitude, covered < window.innerWidth / 2 ? covered : 0);
    if (trackId) this.select(trackId);
  }

  /** One step back each time: what is half done first, then the drawer, then the selection. */
  escape(): void {
    if (this.armedRank !== null) this.armedRank = null;
    else if (this.cardMode !== "read") this.cardMode = "read";
    else if (this.drawer) this.drawer = null;
    else if (this.showsWhy) this.showsWhy = false;
    else this.selected = null;
  }

  toggle(drawer: string): void {
    this.drawer = this.drawer === drawer ? null : drawer;
  }
}

/** The name the next real track would have. */
function nextName(tracks: Track[]): string {
  const like = tracks[0]?.track_id ?? "T0000";
  const digits = /\d+$/.exec(like)?.[0] ?? "0000";
  const most = Math.max(0, ...tracks.map((one) => Number(/\d+$/.exec(one.track_id)?.[0] ?? 0)));
  return like.slice(0, like.length - digits.length) + String(most + 1).padStart(digits.length, "0");
}

/** The picture with a drill's track where it has flown to since it was last said. */
function withDrill(picture: Picture, drill: Drill | null): Picture {
  const track = drill?.track;
  if (!drill || !track) return picture;
  const seconds = Math.min(2, Math.max(0, (picture.at_us - drill.at_us) / 1e6));
  const metres = (track.speed_mps ?? 0) * seconds;
  const course = ((track.course_deg ?? 0) * Math.PI) / 180;
  const latitude_deg = track.latitude_deg + (metres * Math.cos(course)) / 111_320;
  const longitude_deg = track.longitude_deg + (metres * Math.sin(course)) / (111_320 * Math.cos((track.latitude_deg * Math.PI) / 180));
  return { ...picture, tracks: [...picture.tracks, { ...track, latitude_deg, longitude_deg, updated_at_us: picture.at_us }] };
}

export function decisionText(decision: Decision): string {
  const why = decision.reason ? ` (${shownReason(decision.reason)})` : "";
  switch (decision.action) {
    case "send":
      return `${decision.patrol_id ? t("decision.send", { patrol: decision.patrol_id }) : t("decision.send-somebody")}${why}`;
    case "shelve":
      return `${t("decision.shelve", { minutes: Math.round((decision.shelve_s ?? 0) / 60) })}${why}`;
    case "reject":
      return `${t("decision.reject")}${why}`;
    case "acknowledge":
      return `${t("decision.acknowledge")}${why}`;
  }
}

export const night = new Night();

/** The same patrol to the same thing; a drop area moves with what is learned, a cut-off is its place. */
function isSameOrder(a: InterceptOption, b: InterceptOption): boolean {
  const isThere = a.action !== "cut-off" || (a.latitude_deg === b.latitude_deg && a.longitude_deg === b.longitude_deg);
  return a.patrol_id === b.patrol_id && a.action === b.action && a.track_id === b.track_id && isThere;
}

/** What a patrol is sent to: the option and its drop area as they are on the screen; on a card for many, of that member. */
function ordered(alarm: Alarm, order: InterceptOption): Pick<Decision, "order" | "order_areas"> {
  const member = alarm.members.find((one) => one.track_id !== null && one.track_id === order.track_id);
  return { order, order_areas: (member ?? alarm).areas };
}
