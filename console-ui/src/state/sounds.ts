// One tone per priority, made here. It can be silenced for a minute, never for the night.
const TONES: Record<number, { hertz: number[]; seconds: number }> = {
  1: { hertz: [880, 660, 880, 660], seconds: 0.16 },
  2: { hertz: [660, 660], seconds: 0.2 },
  3: { hertz: [440], seconds: 0.18 },
};

export class Sounds {
  #context: AudioContext | null = null;
  #mutedUntilMs = 0;

  /** Browsers allow sound only after a key or a click; call it from one. */
  allow(): void {
    try {
      this.#context ??= new AudioContext();
      if (this.#context.state === "suspended") void this.#context.resume().catch(() => undefined);
    } catch {
      this.#context = null;
    }
  }

  get isAllowed(): boolean {
    return this.#context?.state === "running";
  }

  muteUntil(ms: number): void {
    this.#mutedUntilMs = ms;
  }

  play(priority: number): void {
    const context = this.#context;
    const tone = TONES[priority] ?? TONES[3];
    if (!context || !tone || context.state !== "running" || Date.now() < this.#mutedUntilMs) return;
    tone.hertz.forEach((hertz, index) => {
      const from = context.currentTime + index * tone.seconds * 1.25;
      const oscillator = context.createOscillator();
      const gain = context.createGain();
      oscillator.frequency.value = hertz;
      gain.gain.setValueAtTime(0, from);
      gain.gain.linearRampToValueAtTime(0.12, from + 0.02);
      gain.gain.linearRampToValueAtTime(0, from + tone.seconds);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(from);
      oscillator.stop(from + tone.seconds);
    });
  }
}
