// The patrol's page: reports kept on the phone until Araz has them, each with the true time of its press.
import { untrack } from "svelte";
import type { Alarm, Decision, InterceptOption, ReportIn, Said, SearchPlan } from "../vocabulary";
import { api, Refusal, sentence } from "./api";
import { Keep } from "./keep";
import { sayTimesAs } from "./language.svelte";
import { Link, type Frame } from "./link";
import { answered } from "./merged";
import { Offset } from "./offset";
import { searched } from "./search";
import type { SiteGeometry } from "./site";
import { Clock } from "./words";

export interface Kept {
  report: ReportIn;
  state: "queued" | "sent" | "refused";
  trouble: string;
}

export interface Order {
  alarmId: string;
  decisionId: string;
  decidedUs: number;
  option: InterceptOption;
  sentence: string;
  said: Said | null;
  longitude: number;
  latitude: number;
  radiusM: number | null;
  arriveByUs: number;
}

export interface Here {
  longitude: number;
  latitude: number;
  accuracyM: number;
}

const KEPT = "araz.reports";
const REPORTS = "reports";
const ORDERS = "orders";
const PLAN = "plan";
const PLAN_MS = 10_000;
const REPORTER = "araz.reporter";
const OFFSET = "araz.offset_us";
const SPEED = "araz.speed";
const KEEP_SENT = 20;
const RETRY_MS = 4000;
/** A person who points at a sound at night. */
const POINTED_SIGMA_DEG = 15;
const COMPASS_SIGMA_DEG = 12;
const EARTH_RADIUS_M = 6_371_000;

export class PatrolPost {
  names = $state.raw<string[]>(["patrol"]);
  reporter = $state(localStorage.getItem(REPORTER) ?? "");
  isConnected = $state(false);
  reports = $state.raw<Kept[]>([]);
  /** False where the browser keeps nothing over a closed page. */
  isKept = $state(true);
  /** Squares under the thumb, not yet sent as searched. */
  marked = $state.raw<string[]>([]);
  #serverPlan = $state.raw<SearchPlan | null>(null);
  readonly #store = new Keep();
  #loaded: Promise<void>;
  #planMs = -Infinity;
  azimuthDeg = $state<number | null>(null);
  isCompass = $state(false);
  here = $state.raw<Here | null>(null);
  nowUs = $state(Date.now() * 1000);
  zone = $state("UTC");
  #alarms = $state.raw<Alarm[]>([]);
  #decisions = $state.raw<Decision[]>([]);
  /** Decisions that lie on the disk: an order is shown at once, and is said to be kept only when it is. */
  #keptOrders = $state.raw<string[]>([]);
  /** Kept on the phone, so that a press without a network still has the time of the data. */
  readonly #offset = new Offset(Number(localStorage.getItem(OFFSET) ?? 0), Number(localStorage.getItem(SPEED) ?? 1));
  #isFlushing = false;

  clock = $derived(new Clock(this.zone));
  sigmaDeg = $derived(this.isCompass ? COMPASS_SIGMA_DEG : POINTED_SIGMA_DEG);
  order = $derived(this.#findOrder());
  isOrderKept = $derived(this.isKept && this.order !== null && this.#keptOrders.includes(this.order.decisionId));
  /** The squares as Araz knows them, and what still waits in the phone. */
  plan = $derived.by(() => {
    const plan = this.#serverPlan;
    if (!plan || plan.alarm_id !== this.order?.alarmId) return null;
    const waiting = this.reports.filter((one) => one.state === "queued" && one.report.searched?.length);
    return waiting.reduce((grid, one) => searched(grid, one.report.searched ?? [], one.report.search_detection ?? plan.walked_once ?? 0), plan);
  });

  constructor() {
    this.#loaded = this.#load();
    this.#loaded.catch(() => (this.isKept = false));
    sayTimesAs((hour, minute) => this.clock.ofUtc(hour, minute, untrack(() => this.nowUs)));
  }

  open(): () => void {
    void api.site().then((site) => this.#takeSite(site)).catch(() => undefined);
    const isEmpty = (): boolean => this.reports.every((kept) => kept.state !== "queued");
    new Link((frame) => this.#take(frame), (state) => this.#linked(state === "live"), isEmpty).open();
    const flush = (): void => void this.flush();
    window.addEventListener("online", flush);
    const retry = setInterval(flush, RETRY_MS);
    const tick = setInterval(() => {
      this.nowUs = this.#dataNowUs();
      if (this.isConnected && performance.now() > this.#planMs + PLAN_MS) void this.#readPlan();
    }, 1000);
    this.#watchPlace();
    flush();
    return () => {
      window.removeEventListener("online", flush);
      clearInterval(retry);
      clearInterval(tick);
    };
  }

  setReporter(name: string): void {
    this.reporter = name;
    localStorage.setItem(REPORTER, name);
  }

  setAzimuth(degrees: number, isCompass: boolean): void {
    this.azimuthDeg = ((degrees % 360) + 360) % 360;
    this.isCompass = isCompass;
  }

  clearAzimuth(): void {
    this.azimuthDeg = null;
    this.isCompass = false;
  }

  /** iPhones ask; Androids give the absolute heading by itself; others stay with the dial. */
  async useCompass(): Promise<void> {
    type Asking = { requestPermission?: () => Promise<string> };
    const ask = (window.DeviceOrientationEvent as unknown as Asking | undefined)?.requestPermission;
    if (ask && (await ask().catch(() => "denied")) !== "granted") return;
    const turn = (event: DeviceOrientationEvent): void => {
      const heading = (event as DeviceOrientationEvent & { webkitCompassHeading?: number }).webkitCompassHeading;
      if (heading !== undefined) this.setAzimuth(heading, true);
      else if (event.absolute && event.alpha !== null) this.setAzimuth(360 - event.alpha, true);
    };
    window.addEventListener("deviceorientationabsolute" as "deviceorientation", turn);
    window.addEventListener("deviceorientation", turn);
  }

  /** What lay in the phone: reports first, then the order and its squares, so that both open without a network. */
  async #load(): Promise<void> {
    this.isKept = await this.#store.ready;
    const old = readOld();
    const kept = [...((await this.#store.get<Kept[]>(REPORTS)) ?? []), ...old];
    const known = new Set(this.reports.map((one) => one.report.report_id));
    this.reports = [...this.reports, ...kept.filter((one) => !known.has(one.report.report_id))];
    const orders = await this.#store.get<{ alarms: Alarm[]; decisions: Decision[] }>(ORDERS);
    if (orders && this.#alarms.length === 0) this.#alarms = orders.alarms;
    if (orders && this.#decisions.length === 0) this.#decisions = orders.decisions;
    this.#keptOrders = (orders?.decisions ?? []).map((one) => one.decision_id);
    this.#serverPlan ??= (await this.#store.get<SearchPlan>(PLAN)) ?? null;
    if (old.length === 0) return;
    await this.#store.put(REPORTS, this.reports);
    localStorage.removeItem(KEPT);
  }

  async #readPlan(): Promise<void> {
    const order = this.order;
    this.#planMs = performance.now();
    if (!order) return;
    const plan = await api.search(order.alarmId).catch(() => null);
    if (!plan) return;
    this.#serverPlan = plan;
    this.#put(PLAN, () => plan);
  }

  #keepOrders(): void {
    const mine = this.#decisions.filter((one) => one.action === "send" && one.patrol_id === this.reporter);
    const ids = new Set(mine.map((one) => one.alarm_id));
    const kept = (): void => void (this.#keptOrders = mine.map((one) => one.decision_id));
    this.#put(ORDERS, () => ({ alarms: this.#alarms.filter((one) => ids.has(one.alarm_id)), decisions: mine }), kept);
    void this.#readPlan();
  }

  mark(name: string): void {
    this.marked = this.marked.includes(name) ? this.marked.filter((one) => one !== name) : [...this.marked, name];
  }

  /** The marked squares were walked and held nothing: an ordinary report, with the time of this press. */
  sendSearched(): void {
    if (this.marked.length === 0) return;
    this.press("nothing", { searched: this.marked, search_detection: this.plan?.walked_once ?? null });
    this.marked = [];
  }

  press(kind: ReportIn["kind"], more: Partial<ReportIn> = {}): void {
    const report: ReportIn = {
      report_id: crypto.randomUUID(),
      kind,
      reporter: this.reporter || this.names[0] || "patrol",
      observed_at_us: this.#dataNowUs(),
      azimuth_deg: kind === "nothing" ? null : this.azimuthDeg,
      azimuth_sigma_deg: kind === "nothing" || this.azimuthDeg === null ? null : this.sigmaDeg,
      latitude_deg: this.here?.latitude ?? null,
      longitude_deg: this.here?.longitude ?? null,
      text: null,
      ...more,
    };
    this.#keep([{ report, state: "queued", trouble: "" }, ...this.reports]);
    navigator.vibrate?.(40);
    void this.flush();
  }

  /** Deliver what waits, oldest first; what Araz refuses is shown with the reason and not tried again. */
  async flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    try {
      await this.#loaded.catch(() => undefined); // a broken memory holds up no report
      for (const kept of this.reports.filter((one) => one.state === "queued").reverse()) {
        const outcome = await this.#send(kept);
        this.#keep(this.reports.map((one) => (one.report.report_id === kept.report.report_id ? outcome : one)));
        if (outcome.state === "queued") return;
        if (kept.report.searched?.length) await this.#readPlan();
      }
    } finally {
      this.#isFlushing = false;
    }
  }

  async #send(kept: Kept): Promise<Kept> {
    try {
      await api.report(kept.report);
      return { ...kept, state: "sent", trouble: "" };
    } catch (error) {
      if (error instanceof Refusal && !error.isPassing) return { ...kept, state: "refused", trouble: sentence(error) };
      return kept;
    }
  }

  #keep(all: Kept[]): void {
    const waiting = all.filter((one) => one.state === "queued").length;
    this.reports = all.slice(0, waiting + KEEP_SENT);
    this.#put(REPORTS, () => this.reports);
  }

  /** Nothing is written before all was read: what could not be read is not overwritten. ``then`` once it is on the disk. */
  #put(key: string, value: () => unknown, then = (): void => undefined): void {
    void this.#loaded.then(() => this.#store.put(key, value())).then(then).catch(() => (this.isKept = false));
  }

  #dataNowUs(): number {
    return this.#offset.nowUs();
  }

  #takeSite(site: SiteGeometry): void {
    this.zone = site.time_zone;
    this.names = site.patrols.map((patrol) => patrol.id);
    const wanted = new URLSearchParams(location.search).get("as");
    if (wanted && this.names.includes(wanted)) this.setReporter(wanted);
    else if (!this.names.includes(this.reporter)) this.setReporter(this.names[0] ?? "patrol");
  }

  #linked(isConnected: boolean): void {
    this.isConnected = isConnected;
    if (!isConnected) return;
    void this.flush();
    void this.#readOrders().catch(() => undefined);
  }

  /** Where all decisions cannot be had, what was kept and what comes by the live stream has to do. */
  async #readOrders(): Promise<void> {
    await this.#loaded.catch(() => undefined);
    const [alarmsBefore, decisionsBefore] = [this.#alarms, this.#decisions];
    const [alarms, decisions] = await Promise.all([api.alarms(), api.decisions().catch(() => decisionsBefore)]);
    this.#alarms = answered(alarms, alarmsBefore, this.#alarms, (one) => one.alarm_id);
    this.#decisions = answered(decisions, decisionsBefore, this.#decisions, (one) => one.decision_id);
    this.#keepOrders();
  }

  #take(frame: Frame): void {
    if (frame.type === "hello" || frame.type === "clock") {
      this.#offset.speed = frame.speed ?? 1;
      localStorage.setItem(SPEED, String(this.#offset.speed));
      this.#offset.take(frame.at_us);
      localStorage.setItem(OFFSET, String(this.#offset.us));
    } else if (frame.type === "alarm") {
      this.#alarms = [...this.#alarms.filter((one) => one.alarm_id !== frame.alarm_id), frame];
    } else if (frame.type === "decision") {
      this.#decisions = [...this.#decisions, frame];
      this.#keepOrders();
      if (frame.action === "send" && frame.patrol_id === this.reporter) navigator.vibrate?.([200, 100, 200]);
    }
  }

  /** The newest order for this patrol, with what the card said of it. */
  #findOrder(): Order | null {
    const mine = this.#decisions.filter((one) => one.action === "send" && one.patrol_id === this.reporter);
    const decision = mine.sort((a, b) => b.at_us - a.at_us)[0];
    const alarm = decision && this.#alarms.find((one) => one.alarm_id === decision.alarm_id);
    if (!decision || !alarm || alarm.state === "cleared") return null;
    // On a card for many the order is about one of them alone, whatever the newest options say: the member he was sent to.
    const ordered = decision.order ?? null;
    const member = alarm.members.find((one) => one.patrols?.includes(this.reporter)) ?? alarm.members.find((one) => ordered?.track_id && one.track_id === ordered.track_id);
    const newest = alarm.options.find((one) => one.patrol_id === this.reporter && (!member || one.track_id === member.track_id));
    const isSameKind = newest && (!ordered || newest.action === ordered.action);
    const option = isSameKind ? newest : (ordered ?? newest);
    if (!option) return null;
    const own = member ?? (option.track_id === null ? alarm : (alarm.members.find((one) => one.track_id === option.track_id) ?? alarm));
    const areas = own.areas.length ? own.areas : (decision.order_areas ?? []);
    const area = [...areas].sort((a, b) => b.probability - a.probability)[0];
    return {
      alarmId: alarm.alarm_id,
      decisionId: decision.decision_id,
      decidedUs: decision.at_us,
      option,
      sentence: own.sentence,
      said: own.said ?? null,
      longitude: option.longitude_deg,
      latitude: option.latitude_deg,
      radiusM: option.action === "drop area" ? (area?.semi_major_m ?? null) : null,
      arriveByUs: decision.at_us + ((option.arrival_s ?? 0) + Math.max(0, option.margin_s ?? 0)) * 1e6,
    };
  }

  #watchPlace(): void {
    navigator.geolocation?.watchPosition(
      ({ coords }) => (this.here = { longitude: coords.longitude, latitude: coords.latitude, accuracyM: coords.accuracy }),
      () => (this.here = null),
      { enableHighAccuracy: true, maximumAge: 10_000 },
    );
  }
}

interface Spot {
  longitude: number;
  latitude: number;
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** Great-circle distance; good to 0.5 % on the real earth. */
export function distanceM(from: Spot, to: Spot): number {
  const a =
    Math.sin(radians(to.latitude - from.latitude) / 2) ** 2 +
    Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.sin(radians(to.longitude - from.longitude) / 2) ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(a));
}

/** First direction of the great circle, clockwise from true north. */
export function bearingDeg(from: Spot, to: Spot): number {
  const east = Math.sin(radians(to.longitude - from.longitude)) * Math.cos(radians(to.latitude));
  const north =
    Math.cos(radians(from.latitude)) * Math.sin(radians(to.latitude)) -
    Math.sin(radians(from.latitude)) * Math.cos(radians(to.latitude)) * Math.cos(radians(to.longitude - from.longitude));
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}

/** Reports that an earlier version of this page left in another place. */
function readOld(): Kept[] {
  try {
    const text = localStorage.getItem(KEPT);
    return text ? (JSON.parse(text) as Kept[]) : [];
  } catch {
    return [];
  }
}
