// What the phone keeps while there is no network: IndexedDB, which survives a closed page and a dead battery. Where the
// browser refuses it (some private windows) memory has to do, and the page says so.
const NAME = "araz-patrol";
const STORE = "kept";

export class Keep {
  #base: IDBDatabase | null = null;
  #memory = new Map<string, unknown>();
  readonly ready: Promise<boolean>;

  constructor() {
    this.ready = this.#open();
  }

  /** True when what is kept survives closing the page. */
  #open(): Promise<boolean> {
    return new Promise((resolve) => {
      try {
        const asked = indexedDB.open(NAME, 1);
        asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
        asked.onsuccess = () => {
          this.#base = asked.result;
          resolve(true);
        };
        asked.onerror = asked.onblocked = () => resolve(false);
      } catch {
        resolve(false);
      }
    });
  }

  async get<T>(key: string): Promise<T | undefined> {
    await this.ready;
    if (!this.#base) return this.#memory.get(key) as T | undefined;
    return done<T | undefined>(this.#base.transaction(STORE).objectStore(STORE).get(key) as IDBRequest<T | undefined>);
  }

  /** Resolves when it is on the disk, not before. */
  async put(key: string, value: unknown): Promise<void> {
    await this.ready;
    if (!this.#base) {
      this.#memory.set(key, value);
      return;
    }
    const transaction = this.#base.transaction(STORE, "readwrite", { durability: "strict" });
    transaction.objectStore(STORE).put(value, key);
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
