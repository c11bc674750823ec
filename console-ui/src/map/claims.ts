// The coverage map as a picture over the ground: red where silence means little, clear where a drone would be tracked.
import type { Map as MapLibre } from "maplibre-gl";
import { bytesOf, type LonLat } from "../state/site";
import type { Said } from "../vocabulary";

export interface ClaimBand {
  low_agl_m: number;
  high_agl_m: number;
  tracked: string;
  noticed: string;
}

/** The shape of GET /api/coverage (araz.app._coverage). */
export interface Claims {
  at_us: number;
  quarry: { name: string };
  weather: { rain_mm_per_h: number | null; visibility_m: number | null; wind_mps: number | null };
  weather_unknown: string[];
  dwell_s: number;
  columns: number;
  rows: number;
  corners: [LonLat, LonLat, LonLat, LonLat];
  bands: ClaimBand[];
  sensors_lost: string[];
  crossings_learned: number;
  corridors: { corridor_id: string; probability: number; nominal_probability: number; is_blind: boolean; sentence: string; said?: Said | null }[];
}

const ID = "claims";
/** Chance, red, green, blue, opacity; read by people who do not tell red from green: the opacity says the same. */
export const STEPS: [number, number, number, number, number][] = [
  [0, 200, 40, 60, 120],
  [0.25, 214, 96, 60, 100],
  [0.5, 226, 160, 70, 80],
  [0.75, 150, 175, 120, 50],
  [0.95, 60, 150, 160, 24],
];

export function colourOf(chance: number): [number, number, number, number] {
  let found = STEPS[0]!;
  for (const step of STEPS) if (chance >= step[0]) found = step;
  return [found[1], found[2], found[3], found[4]];
}

export function paintClaims(claims: Claims, band: ClaimBand, layer: "tracked" | "noticed"): HTMLCanvasElement {
  const values = bytesOf(band[layer]);
  const canvas = document.createElement("canvas");
  canvas.width = claims.columns;
  canvas.height = claims.rows;
  const context = canvas.getContext("2d");
  if (!context) return canvas;
  const image = context.createImageData(claims.columns, claims.rows);
  for (let row = 0; row < claims.rows; row++)
    for (let column = 0; column < claims.columns; column++)
      image.data.set(colourOf((values[row * claims.columns + column] ?? 0) / 100), ((claims.rows - 1 - row) * claims.columns + column) * 4);
  context.putImageData(image, 0, 0);
  return canvas;
}

/** A canvas source, as the ground's: the page's rules let no image come from a data address. */
export function showClaims(map: MapLibre, claims: Claims, canvas: HTMLCanvasElement): void {
  hideClaims(map);
  const source = { type: "canvas", canvas, coordinates: claims.corners, animate: false };
  map.addSource(ID, source as unknown as Parameters<MapLibre["addSource"]>[1]); // the type does not know canvas sources
  const paint = { "raster-resampling": "nearest" as const, "raster-fade-duration": 0 };
  map.addLayer({ id: ID, type: "raster", source: ID, paint }, "roads");
}

export function hideClaims(map: MapLibre): void {
  if (map.getLayer(ID)) map.removeLayer(ID);
  if (map.getSource(ID)) map.removeSource(ID);
}
