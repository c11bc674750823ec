// The live stream, kept open: silence of three seconds is a broken connection, and it is opened again with patience.
import { api, Refusal } from "./api";
import type { Alarm, ClockFrame, Decision, Drill, Hello, Incident, PictureFrame, SensorHealth } from "../vocabulary";

export type Frame = Hello | ClockFrame | PictureFrame | Alarm | Incident | Decision | Drill | SensorHealth;
export type LinkState = "connecting" | "live" | "lost";

const SILENCE_MS = 3000;
/** A busy machine may need this long to open a connection. */
const OPENING_MS = 10_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const WATCH_MS = 500;
/** A node that leads shows a picture each second. */
const STILL_MS = 5000;
const READY_MS = 2000;

export class Link {
  #socket: WebSocket | null = null;
  #waitMs = FIRST_WAIT_MS;
  #lastMs = 0;
  #pictureMs = 0;
  #isLive = false;
  /** Of a centre's two nodes the other one's address, as this one told it. */
  #other = "";
  /** Signs in there without asking, once; empty where nobody signs in. */
  #ticket = "";
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly onFrame: (frame: Frame) => void,
    readonly onState: (state: LinkState) => void,
    /** False while this page keeps what only this address may see. */
    readonly mayMove: () => boolean = () => true,
  ) {}

  open(): void {
    this.onState("connecting");
    this.#connect();
    setInterval(() => this.#watch(), WATCH_MS);
  }

  #connect(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    this.#socket = socket;
    this.#lastMs = performance.now();
    socket.onopen = () => (this.#lastMs = performance.now());
    socket.onmessage = (event: MessageEvent<string>) => {
      this.#lastMs = performance.now();
      this.#waitMs = FIRST_WAIT_MS;
      const frame = JSON.parse(event.data) as Frame;
      if (frame.type === "hello") {
        this.#other = frame.other_node ?? "";
        if (this.#other) void this.#prepare(socket);
        this.#isLive = true;
        this.onState("live");
      }
      if (frame.type !== "clock") this.#pictureMs = this.#lastMs;
      this.onFrame(frame);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#again();
    };
  }

  #again(): void {
    this.#socket = null;
    this.#isLive = false;
    this.onState("lost");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), this.#waitMs);
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
  }

  #watch(): void {
    if (this.#other && (!this.#isLive || performance.now() - this.#pictureMs > STILL_MS)) void this.#move();
    if (!this.#socket) return;
    const patienceMs = this.#socket.readyState === WebSocket.CONNECTING ? OPENING_MS : SILENCE_MS;
    if (performance.now() - this.#lastMs < patienceMs) return;
    const silent = this.#socket;
    this.#again();
    silent.close();
  }

  /** While this node lives: have it tell the other one who is here; asked until it has, unless it refuses. */
  async #prepare(socket: WebSocket): Promise<void> {
    while (this.#socket === socket) {
      try {
        this.#ticket = (await api.ticket()).ticket;
        return;
      } catch (error) {
        if (error instanceof Refusal && error.status >= 400 && error.status < 500) return;
        await new Promise((done) => setTimeout(done, FIRST_WAIT_MS));
      }
    }
  }

  /** Go to the other node's console, where that one leads now. */
  async #move(): Promise<void> {
    const answer = await fetch(`${this.#other}/readyz`, { signal: AbortSignal.timeout(READY_MS) }).catch(() => null);
    const isNeeded = !this.#isLive || performance.now() - this.#pictureMs > STILL_MS;
    if (!answer?.ok || !isNeeded || !this.mayMove()) return;
    const here = location.pathname + location.hash;
    location.replace(this.#other + (this.#ticket ? `/signin#${new URLSearchParams({ ticket: this.#ticket, to: here })}` : here));
  }
}
