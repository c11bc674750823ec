// The live stream, kept open: silence of three seconds is a broken connection, and it is opened again with patience.
import type { Alarm, ClockFrame, Decision, Drill, Hello, Incident, PictureFrame, SensorHealth } from "../vocabulary";

export type Frame = Hello | ClockFrame | PictureFrame | Alarm | Incident | Decision | Drill | SensorHealth;
export type LinkState = "connecting" | "live" | "lost";

const SILENCE_MS = 3000;
/** A busy machine may need this long to open a connection. */
const OPENING_MS = 10_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;

export class Link {
  #socket: WebSocket | null = null;
  #waitMs = FIRST_WAIT_MS;
  #lastMs = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly onFrame: (frame: Frame) => void,
    readonly onState: (state: LinkState) => void,
  ) {}

  open(): void {
    this.onState("connecting");
    this.#connect();
    setInterval(() => this.#watch(), 1000);
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
      if (frame.type === "hello") this.onState("live");
      this.onFrame(frame);
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#again();
    };
  }

  #again(): void {
    this.#socket = null;
    this.onState("lost");
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), this.#waitMs);
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
  }

  #watch(): void {
    if (!this.#socket) return;
    const patienceMs = this.#socket.readyState === WebSocket.CONNECTING ? OPENING_MS : SILENCE_MS;
    if (performance.now() - this.#lastMs < patienceMs) return;
    const silent = this.#socket;
    this.#again();
    silent.close();
  }
}
