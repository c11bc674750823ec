// Labels that do not cover each other: the important first; who had one keeps it, so that nothing flickers.
const LINE_PX = 13;
const CELL_PX = 8;
const PLACE_EVERY_MS = 300;

interface Wish {
  id: string;
  x: number;
  y: number;
  weight: number;
  colour: string;
  lines: () => string[];
}

export class Labels {
  #wishes: Wish[] = [];
  #shown = new Set<string>();
  #placedMs = 0;
  #isDue = false;
  #isCrowded = false;
  #taken = new Set<number>();

  begin(now: number, isCrowded: boolean): void {
    this.#wishes = [];
    this.#isCrowded = isCrowded;
    this.#isDue = now - this.#placedMs > PLACE_EVERY_MS;
    if (this.#isDue) this.#placedMs = now;
  }

  offer(id: string, x: number, y: number, weight: number, colour: string, lines: () => string[]): void {
    this.#wishes.push({ id, x, y, weight, colour, lines });
  }

  draw(context: CanvasRenderingContext2D): void {
    if (this.#isDue) this.#place();
    context.textAlign = "left";
    context.textBaseline = "middle";
    for (const wish of this.#wishes) if (this.#shown.has(wish.id)) this.#drawOne(context, wish);
  }

  #place(): void {
    const before = this.#shown;
    this.#shown = new Set();
    this.#taken.clear();
    const rank = (wish: Wish): number => wish.weight * 2 + (before.has(wish.id) ? 1 : 0);
    for (const wish of [...this.#wishes].sort((a, b) => rank(b) - rank(a))) {
      const cells = this.#cells(wish);
      if (wish.weight < 2 && cells.some((cell) => this.#taken.has(cell))) continue;
      for (const cell of cells) this.#taken.add(cell);
      this.#shown.add(wish.id);
    }
  }

  #cells(wish: Wish): number[] {
    const width = this.#isBrief(wish) ? 46 : 118;
    const height = this.#isBrief(wish) ? LINE_PX : 2 * LINE_PX;
    const cells: number[] = [];
    for (let x = wish.x + 16; x < wish.x + 16 + width; x += CELL_PX) {
      for (let y = wish.y - height / 2; y < wish.y + height; y += CELL_PX) {
        cells.push(Math.floor(x / CELL_PX) * 4096 + Math.floor(y / CELL_PX));
      }
    }
    return cells;
  }

  /** In a crowd only the name is written, unless somebody asks for this track. */
  #isBrief(wish: Wish): boolean {
    return this.#isCrowded && wish.weight < 2;
  }

  #drawOne(context: CanvasRenderingContext2D, wish: Wish): void {
    const all = wish.lines();
    const lines = this.#isBrief(wish) ? all.slice(0, 1) : all;
    const left = Math.round(wish.x + 19);
    const top = Math.round(wish.y - 5);
    lines.forEach((line, index) => {
      context.font = `${index === 0 ? 600 : 400} 11px system-ui, sans-serif`;
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeStyle = "rgba(8, 11, 15, 0.85)";
      const y = top + index * LINE_PX;
      if (!this.#isCrowded || wish.weight >= 2) context.strokeText(line, left, y);
      context.fillStyle = index === 0 ? wish.colour : "#c3ced9";
      context.fillText(line, left, y);
    });
  }
}
