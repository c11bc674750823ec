// What a page asks the server: only the answer to the last question is shown, whichever comes last.
import { onDestroy } from "svelte";
import { sentence, type Asked } from "./api";

export class Asking {
  isBusy = $state(false);
  #error = $state.raw<unknown>(null);
  #ticket = 0;
  #asked: { giveUp?: () => void } | null = null;

  /** Made where a component is: a question whose page is closed is given up. */
  constructor() {
    onDestroy(() => this.forget());
  }

  /** What went wrong, in the language of now; empty where nothing did. */
  get trouble(): string {
    return this.#error === null ? "" : sentence(this.#error);
  }

  async answer<T>(asked: Asked<T>, show: (value: T) => void): Promise<void> {
    const mine = ++this.#ticket;
    this.#asked = asked;
    this.isBusy = true;
    try {
      const value = await asked;
      if (mine !== this.#ticket) return;
      this.#error = null;
      show(value);
    } catch (error) {
      if (mine === this.#ticket) this.#error = error;
    } finally {
      if (mine === this.#ticket) this.isBusy = false;
    }
  }

  /** Whatever was asked so far is shown no more, and the server need not go on with it. */
  forget(): void {
    ++this.#ticket;
    this.#asked?.giveUp?.();
    this.#asked = null;
    [this.#error, this.isBusy] = [null, false];
  }
}
