// Every HTTP call of the browser; a refusal becomes a Refusal with the server's sentence and remedy.
import type { Claims } from "../map/claims";
import type { Alarm, AlarmFigures, Decision, Drill, ErrorAnswer, Incident, KeyShown, MonthlyReport, Picture, PlanAsk, PlanShown, Recorded, Rejected, ReleaseIn, ReleaseShown, ReleasesShown, ReportIn, Said, Screen, SearchPlan, SensorHealth, Session, SignedOut, Ticket, Ways } from "../vocabulary";
import type { ClaimsFound, CrewsFound, MovedFound, Revision, RoutesFound, SeizuresFound, SeriesFound, Shares, WhereFound } from "./seizures";
import type { Told } from "./told";
import { language, say, t } from "./language.svelte";
import type { SiteGeometry } from "./site";

export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly remedy: string,
    /** What they were made of, where the server knows. */
    readonly messageSaid: Said | null = null,
    readonly remedySaid: Said | null = null,
  ) {
    super(message);
  }

  /** A repeat may help: the network or the server failed, not the request. */
  get isPassing(): boolean {
    return this.status === 0 || this.status >= 500;
  }
}

/** What went wrong, and what to do, for whoever reads the page. */
export function sentence(error: unknown): string {
  if (error instanceof Refusal) return `${capital(say(error.message, error.messageSaid))}; ${say(error.remedy, error.remedySaid)}.`;
  return error instanceof Error ? error.message : String(error);
}

/** A text as a sentence begins; a capital i has a dot in Azerbaijani. */
export function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase(language.code) + text.slice(1);
}

const TIMEOUT_MS = 8000;
/** A map of a large sector takes a while to work out. */
const COVERAGE_MS = 60_000;
/** A plan, or a report over a long register. */
const PLAN_MS = 120_000;
/** To come over to the other node: a busy one answers late, and whoever cannot wait is asked to sign in. */
const OVER_MS = 60_000;

/** What is being asked; some of it can be given up, which tells the server to stop. */
export type Asked<T> = Promise<T> & { giveUp?: () => void };

/** A question that takes the server long and changes nothing there. */
function enquire<T>(path: string, body?: unknown): Asked<T> {
  const leaving = new AbortController();
  return Object.assign(ask<T>(path, body, PLAN_MS, undefined, leaving.signal), { giveUp: () => leaving.abort() });
}

async function ask<T>(path: string, body?: unknown, timeoutMs = TIMEOUT_MS, method = body === undefined ? "GET" : "POST", left?: AbortSignal): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      signal: left ? AbortSignal.any([AbortSignal.timeout(timeoutMs), left]) : AbortSignal.timeout(timeoutMs),
      ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    throw new Refusal(0, isLate ? "no-answer" : "no-connection", isLate ? t("api.no-answer", { seconds: timeoutMs / 1000 }) : t("api.no-connection"), t("api.again"));
  }
  if (!answer.ok) {
    const told = (await answer.json().catch(() => null)) as ErrorAnswer | null;
    const error = told?.error ?? { code: "unknown", message: t("api.unknown", { status: answer.status }), remedy: t("api.log"), message_said: null, remedy_said: null };
    throw new Refusal(answer.status, error.code, error.message, error.remedy, error.message_said, error.remedy_said);
  }
  return (await answer.json()) as T;
}

/** A question's fields; what was left empty is not asked. */
const given = (query: Record<string, string>): string => new URLSearchParams(Object.entries(query).filter(([, text]) => text)).toString();

export const api = {
  site: () => ask<SiteGeometry>("/api/site"),
  alarms: () => ask<Alarm[]>("/api/alarms"),
  incidents: (sinceUs = 0) => ask<Incident[]>(`/api/incidents?since_us=${sinceUs}`),
  decisions: (sinceUs = 0) => ask<Decision[]>(`/api/decisions?since_us=${sinceUs}`),
  health: () => ask<SensorHealth[]>("/api/health"),
  pictures: (fromUs: number, toUs: number, stepUs: number, limit = 2000) =>
    ask<Picture[]>(`/api/pictures?from_us=${Math.round(fromUs)}&to_us=${Math.round(toUs)}&step_us=${stepUs}&limit=${limit}`),
  /** What is known at one time of the night up to another: equal times give the screen of then. */
  screen: (atUs: number, knownUs: number) => ask<Screen>(`/api/screen?at_us=${Math.round(atUs)}&known_us=${Math.round(knownUs)}`),
  figures: () => ask<AlarmFigures>("/api/alarm-figures"),
  months: () => ask<AlarmFigures[]>("/api/alarm-months"),
  search: (alarmId: string) => ask<SearchPlan>(`/api/search?alarm_id=${encodeURIComponent(alarmId)}`),
  coverage: (target: string, atUs: number | null) =>
    ask<Claims>(`/api/coverage?quarry=${target}${atUs === null ? "" : `&at_us=${atUs}`}`, undefined, COVERAGE_MS),
  plan: () => enquire<Told<PlanShown>>("/api/plan"),
  whatIf: (question: PlanAsk) => enquire<Told<PlanShown>>("/api/plan", question),
  monthly: (month: string) => enquire<Told<MonthlyReport>>(`/api/seizures/report?month=${month}`),
  shares: (every: string) => enquire<Shares>(`/api/seizures/composition?every=${every}`),
  claims: (name: string, csv: string) => enquire<Told<ClaimsFound>>("/api/seizures/claims", { name, csv }),
  revisions: (id: string) => enquire<Revision[]>(`/api/seizures/history?id=${encodeURIComponent(id)}`),
  series: (query: Record<string, string>) => enquire<Told<SeriesFound>>(`/api/seizures/series?${given(query)}`),
  routes: (query: Record<string, string>) => enquire<Told<RoutesFound>>(`/api/seizures/routes?${given(query)}`),
  where: (question: { csv: string; effort_csv: string; length_km: number; cells: number }) => enquire<Told<WhereFound>>("/api/seizures/where", question),
  crews: (files: { csv: string; solved_csv: string; least: number }) => enquire<Told<CrewsFound>>("/api/seizures/crews", files),
  moved: (asked: { treated: string; buffer: string[]; control: string[]; since: string; every: string; country: string; network: string; neighbours: number }) =>
    enquire<Told<MovedFound>>("/api/seizures/displacement", asked),
  seizures: (query: Record<string, string>) => enquire<SeizuresFound>(`/api/seizures?${given(query)}`),
  releases: () => ask<ReleasesShown>("/api/releases"),
  release: (step: ReleaseIn) => ask<ReleaseShown>("/api/releases", step),
  ways: () => ask<Ways>("/api/signin"),
  session: () => ask<Session>("/api/session"),
  ticket: () => ask<Ticket>("/api/session/ticket", {}, OVER_MS),
  comeOver: (ticket: string) => ask<Session>("/api/signin/ticket", { ticket }, OVER_MS),
  signIn: (account: string, password: string, purpose: string) => ask<Session>("/api/session", { account, password, purpose }),
  signOut: () => ask<SignedOut>("/api/session", undefined, TIMEOUT_MS, "DELETE"),
  passkeys: () => ask<KeyShown[]>("/api/passkeys"),
  passkeyOptions: () => ask<PublicKeyCredentialCreationOptionsJSON>("/api/passkeys/options", {}),
  addPasskey: (name: string, credential: unknown) => ask<KeyShown>("/api/passkeys", { name, credential }),
  removePasskey: (id: string) => ask<KeyShown[]>(`/api/passkeys?id=${encodeURIComponent(id)}`, undefined, TIMEOUT_MS, "DELETE"),
  passkeyQuestion: () => ask<PublicKeyCredentialRequestOptionsJSON>("/api/signin/passkey-options", {}),
  signInByPasskey: (purpose: string, credential: unknown) => ask<Session>("/api/signin/passkey", { purpose, credential }),
  drills: () => ask<Drill[]>("/api/drills"),
  rejects: (sensor: string) => ask<Rejected[]>(`/api/rejects?sensor=${encodeURIComponent(sensor)}`),
  decide: (decision: Decision) => ask<Recorded>("/api/decisions", decision),
  report: (report: ReportIn) => ask<Recorded>("/api/reports", report),
};
