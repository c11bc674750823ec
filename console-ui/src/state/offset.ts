// The time of the data, kept by this machine's clock. A frame that came late would set it back, so the least delayed of
// the last ones counts; then no delay is ever measured as negative. A recording may be played faster than it happened,
// and waits for a machine that cannot judge it so fast: there what was learned longer ago is worth nothing.
const KEPT = 60;
const KEPT_OF_PLAYBACK = 3;

export class Offset {
  #samplesUs: number[] = [];
  #bestUs: number;
  #speed: number;

  constructor(startUs = 0, speed = 1) {
    this.#bestUs = startUs;
    this.#speed = speed;
  }

  /** Seconds of data in a second of this machine; another speed makes what was learned worthless. */
  set speed(speed: number) {
    if (speed !== this.#speed) this.#samplesUs = [];
    this.#speed = speed;
  }

  get speed(): number {
    return this.#speed;
  }

  take(sentUs: number): void {
    this.#samplesUs.push(sentUs - Date.now() * 1000 * this.#speed);
    if (this.#samplesUs.length > (this.#speed === 1 ? KEPT : KEPT_OF_PLAYBACK)) this.#samplesUs.shift();
    this.#bestUs = Math.max(...this.#samplesUs);
  }

  get us(): number {
    return this.#bestUs;
  }

  nowUs(): number {
    return Math.round(Date.now() * 1000 * this.#speed + this.#bestUs);
  }
}
