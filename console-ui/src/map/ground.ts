// The ground as pictures: hill shading from the heights, and a hatch over what no living sensor watches.
import { bitAt, bytesOf, type Coverage, type TerrainGrid } from "../state/site";

const NIGHT: [number, number, number] = [25, 32, 40];
const OTHER: [number, number, number] = [17, 21, 27];
/** Light from the north-west, the cartographers' convention. */
const SUN = { east: -0.55, north: 0.55, up: 0.63 };
const EXAGGERATION = 1.5;
const HATCH_CELL = 8;
const HATCH_PX = 9;

export function shadeGround(grid: TerrainGrid): HTMLCanvasElement {
  const heights = new Int16Array(bytesOf(grid.height_m).buffer);
  const other = bytesOf(grid.other_side);
  const { columns, rows, cell_m } = grid;
  const canvas = sized(columns, rows);
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  const image = context.createImageData(columns, rows);
  const at = (column: number, row: number): number =>
    heights[Math.min(rows - 1, Math.max(0, row)) * columns + Math.min(columns - 1, Math.max(0, column))] ?? 0;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const east = ((at(column + 1, row) - at(column - 1, row)) / (2 * cell_m)) * EXAGGERATION;
      const north = ((at(column, row + 1) - at(column, row - 1)) / (2 * cell_m)) * EXAGGERATION;
      const light = (SUN.up - SUN.east * east - SUN.north * north) / Math.hypot(1, east, north) / SUN.up;
      const base = bitAt(other, row * columns + column) ? OTHER : NIGHT;
      const pixel = ((rows - 1 - row) * columns + column) * 4;
      for (let band = 0; band < 3; band++) image.data[pixel + band] = Math.min(255, (base[band] ?? 0) * (0.3 + 0.7 * Math.max(0, light)));
      image.data[pixel + 3] = 255;
    }
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export interface Watch {
  canvas: HTMLCanvasElement;
  /** Share of the band along the line that a living sensor watches, 0 … 1. */
  watched: number;
}

/** Hatch the cells of the band that none of ``alive`` sees. */
export function hatchBlind(grid: TerrainGrid, coverage: Coverage[], alive: Set<string>, into?: HTMLCanvasElement): Watch {
  const { columns, rows } = grid;
  const band = bytesOf(grid.band);
  const masks = coverage.filter((one) => alive.has(one.sensor_id)).map((one) => bytesOf(one.mask));
  const small = sized(columns, rows);
  const context = small.getContext("2d");
  const canvas = into ?? sized(columns * HATCH_CELL, rows * HATCH_CELL);
  const target = canvas.getContext("2d");
  if (!context || !target) return { canvas, watched: 0 };
  const image = context.createImageData(columns, rows);
  let inBand = 0;
  let seen = 0;
  for (let index = 0; index < columns * rows; index++) {
    if (!bitAt(band, index)) continue;
    inBand++;
    if (masks.some((mask) => bitAt(mask, index))) seen++;
    else image.data[((rows - 1 - Math.floor(index / columns)) * columns + (index % columns)) * 4 + 3] = 255;
  }
  context.putImageData(image, 0, 0);
  target.globalCompositeOperation = "copy";
  target.drawImage(small, 0, 0, canvas.width, canvas.height);
  target.globalCompositeOperation = "source-in";
  target.fillStyle = hatchPattern(target);
  target.fillRect(0, 0, canvas.width, canvas.height);
  return { canvas, watched: inBand ? seen / inBand : 1 };
}

function hatchPattern(target: CanvasRenderingContext2D): CanvasPattern | string {
  const tile = sized(HATCH_PX, HATCH_PX);
  const context = tile.getContext("2d");
  if (!context) return "#0000";
  context.fillStyle = "rgba(0, 0, 0, 0.22)";
  context.fillRect(0, 0, HATCH_PX, HATCH_PX);
  context.strokeStyle = "rgba(150, 165, 182, 0.20)";
  context.lineWidth = 1;
  for (const shift of [-HATCH_PX, 0, HATCH_PX]) {
    context.moveTo(shift - 2, HATCH_PX + 2);
    context.lineTo(shift + HATCH_PX + 2, -2);
  }
  context.stroke();
  return target.createPattern(tile, "repeat") ?? "#0000";
}

function sized(width: number, height: number): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}
