// Labels that do not cover each other: the important first; who had one keeps it, so that nothing flickers.
const LINE_PX = 13;
const OFFSET_PX = 23;
const WIDTH_PX = 118;
const CELL_PX = 8;
const PLACE_EVERY_MS = 300;

interface Wish {
  id: string;
  isLeft: boolean;
  x: number;
  y: number;
  weight: number;
  colour: string;
  lines: () => string[];
}

export class Labels {
  #wishes: Wish[] = [];
  /** Name of the label, and whether it stands left of its symbol. */
  #shown = new Map<string, boolean>();
  #width = 0;
  #blocks: [number, number][] = [];
  #placedMs = 0;
  #isDue = false;
  #isCrowded = false;
  #taken = new Set<number>();

  begin(now: number, isCrowded: boolean, width: number): void {
    this.#width = width;
    this.#wishes = [];
    this.#blocks = [];
    this.#isCrowded = isCrowded;
    this.#isDue = now - this.#placedMs > PLACE_EVERY_MS;
    if (this.#isDue) this.#placedMs = now;
  }

  offer(id: string, x: number, y: number, weight: number, colour: string, lines: () => string[]): void {
    this.#wishes.push({ id, isLeft: false, x, y, weight, colour, lines });
  }

  /** Keep labels off a fixed symbol and the name under it. */
  block(x: number, y: number): void {
    this.#blocks.push([x, y]);
  }

  draw(context: CanvasRenderingContext2D): void {
    if (this.#isDue) this.#place();
    context.textBaseline = "middle";
    for (const wish of this.#wishes) {
      const isLeft = this.#shown.get(wish.id);
      if (isLeft !== undefined) this.#drawOne(context, { ...wish, isLeft });
    }
  }

  #place(): void {
    const before = this.#shown;
    this.#shown = new Map();
    this.#taken.clear();
    for (const [x, y] of this.#blocks) for (const cell of cellsOf(x - 24, y - 8, 48, 30)) this.#taken.add(cell);
    // Symbols are kept free too: a name over another's symbol reads as that one's name.
    if (!this.#isCrowded) for (const wish of this.#wishes) for (const cell of cellsOf(wish.x - 10, wish.y - 10, 20, 20)) this.#taken.add(cell);
    const rank = (wish: Wish): number => wish.weight * 2 + (before.has(wish.id) ? 1 : 0);
    for (const wish of [...this.#wishes].sort((a, b) => rank(b) - rank(a))) this.#placeOne(wish, before.get(wish.id) ?? false);
  }

  #placeOne(wish: Wish, wasLeft: boolean): void {
    for (const isLeft of [wasLeft, !wasLeft]) {
      const end = isLeft ? wish.x - OFFSET_PX - WIDTH_PX : wish.x + OFFSET_PX + WIDTH_PX;
      if (end < 0 || end > this.#width) continue;
      const cells = this.#cells({ ...wish, isLeft });
      if (cells.some((cell) => this.#taken.has(cell))) continue;
      for (const cell of cells) this.#taken.add(cell);
      this.#shown.set(wish.id, isLeft);
      return;
    }
    if (wish.weight >= 2) this.#shown.set(wish.id, wish.x + OFFSET_PX + WIDTH_PX > this.#width);
  }

  #cells(wish: Wish): number[] {
    const width = this.#isBrief(wish) ? 46 : WIDTH_PX;
    const height = this.#isBrief(wish) ? LINE_PX : 2 * LINE_PX;
    return cellsOf(wish.isLeft ? wish.x - OFFSET_PX - width : wish.x + OFFSET_PX, wish.y - 11, width, height);
  }

  /** In a crowd only the name is written, unless somebody asks for this track. */
  #isBrief(wish: Wish): boolean {
    return this.#isCrowded && wish.weight < 2;
  }

  #drawOne(context: CanvasRenderingContext2D, wish: Wish): void {
    const all = wish.lines();
    const lines = this.#isBrief(wish) ? all.slice(0, 1) : all;
    const left = Math.round(wish.x + (wish.isLeft ? -OFFSET_PX : OFFSET_PX));
    context.textAlign = wish.isLeft ? "right" : "left";
    const top = Math.round(wish.y - 5);
    lines.forEach((line, index) => {
      context.font = `${index === 0 ? 600 : 400} 11px system-ui, sans-serif`;
      context.lineWidth = 3;
      context.lineJoin = "round";
      context.strokeStyle = "rgba(8, 11, 15, 0.85)";
      const y = top + index * LINE_PX;
      if (!this.#isCrowded || wish.weight >= 2) context.strokeText(line, left, y);
      context.globalAlpha = this.#isBrief(wish) ? 0.75 : 1;
      context.fillStyle = index === 0 ? wish.colour : "#c3ced9";
      context.fillText(line, left, y);
      context.globalAlpha = 1;
    });
  }
}

function cellsOf(left: number, top: number, width: number, height: number): number[] {
  const cells: number[] = [];
  for (let x = left; x < left + width; x += CELL_PX) {
    for (let y = top; y < top + height; y += CELL_PX) cells.push(Math.floor(x / CELL_PX) * 4096 + Math.floor(y / CELL_PX));
  }
  return cells;
}
