// What a page asks the server: only the answer to the last question is shown, whichever comes last.
import { sentence } from "./api";

export class Asking {
  trouble = $state("");
  isBusy = $state(false);
  #ticket = 0;

  async answer<T>(asked: Promise<T>, show: (value: T) => void): Promise<void> {
    const mine = ++this.#ticket;
    this.isBusy = true;
    try {
      const value = await asked;
      if (mine !== this.#ticket) return;
      this.trouble = "";
      show(value);
    } catch (error) {
      if (mine === this.#ticket) this.trouble = sentence(error);
    } finally {
      if (mine === this.#ticket) this.isBusy = false;
    }
  }

  /** Whatever was asked so far is shown no more. */
  forget(): void {
    ++this.#ticket;
    [this.trouble, this.isBusy] = ["", false];
  }
}
