// The shape of GET /api/site (araz.console._geometry): what never moves.
import type { Feature, FeatureCollection, Geometry } from "geojson";
import type { Patrol, Sensor } from "../vocabulary";

export type LonLat = [number, number];

export interface TerrainGrid {
  columns: number;
  rows: number;
  cell_m: number;
  /** NW, NE, SE, SW. */
  corners: [LonLat, LonLat, LonLat, LonLat];
  height_m: string;
  other_side: string;
  band: string;
  band_m: number;
}

export interface Coverage {
  sensor_id: string;
  mask: string;
  outline: LonLat[];
}

export interface SiteGeometry {
  name: string;
  time_zone: string;
  center: LonLat;
  border: Feature | FeatureCollection | Geometry;
  roads: FeatureCollection;
  towns: { name: string; longitude_deg: number; latitude_deg: number }[];
  terrain: TerrainGrid;
  sensors: Sensor[];
  patrols: Patrol[];
  coverage: Coverage[];
  coverage_agl_m: number;
}

export function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

/** One bit a cell, first cell in the high bit. */
export function bitAt(bits: Uint8Array, index: number): boolean {
  return (((bits[index >> 3] ?? 0) >> (7 - (index & 7))) & 1) === 1;
}
