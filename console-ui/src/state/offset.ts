// The time of the data, kept by this machine's clock. A frame that came late would set it back, so the least delayed of
// the last ones counts; then no delay is ever measured as negative.
const KEPT = 60;

export class Offset {
  #samplesUs: number[] = [];
  #bestUs: number;

  constructor(startUs = 0) {
    this.#bestUs = startUs;
  }

  take(sentUs: number): void {
    this.#samplesUs.push(sentUs - Date.now() * 1000);
    if (this.#samplesUs.length > KEPT) this.#samplesUs.shift();
    this.#bestUs = Math.max(...this.#samplesUs);
  }

  get us(): number {
    return this.#bestUs;
  }

  nowUs(): number {
    return Math.round(Date.now() * 1000 + this.#bestUs);
  }
}
