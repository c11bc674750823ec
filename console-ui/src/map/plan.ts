// A plan on the map: the border's cells by kilograms, posts and sensors that can be dragged.
import { Marker, type GeoJSONSource, type Map as MapLibre } from "maplibre-gl";
import type { PlanCell, PlanPlace, PlanShown } from "../vocabulary";

const ID = "plan-cells";
export type CellValue = "unseen_kg" | "brings_kg";
/** From little to much; brighter is more, so that it needs no eye for colour. */
export const STEPS = ["#1f4f63", "#2f7d8c", "#6bb09a", "#c9d98a", "#fff4c2"];

/** The colour of some kilograms on a scale from 0 to ``most``. */
export function colourOf(kg: number, most: number): string {
  const at = Math.min(STEPS.length - 1, Math.max(0, Math.floor((kg / Math.max(most, 1e-9)) * STEPS.length)));
  return STEPS[at] ?? "#1f4f63";
}

export function mostOf(plans: (PlanShown | null)[], value: CellValue): number {
  return Math.max(1e-9, ...plans.flatMap((plan) => plan?.cells.map((cell) => cell[value] ?? 0) ?? []));
}

function feature(cell: PlanCell, value: CellValue, most: number): GeoJSON.Feature {
  const kg = cell[value];
  return {
    type: "Feature",
    properties: { colour: kg === null ? "#5a6672" : colourOf(kg, most), radius: kg === null ? 2 : 5 },
    geometry: { type: "Point", coordinates: [cell.longitude_deg, cell.latitude_deg] },
  };
}

export function showCells(map: MapLibre, plan: PlanShown, value: CellValue, most: number): void {
  const data: GeoJSON.FeatureCollection = { type: "FeatureCollection", features: plan.cells.map((cell) => feature(cell, value, most)) };
  const source = map.getSource<GeoJSONSource>(ID);
  if (source) return void source.setData(data);
  map.addSource(ID, { type: "geojson", data });
  const paint = { "circle-color": ["get", "colour"], "circle-radius": ["get", "radius"], "circle-stroke-color": "#0a0d12", "circle-stroke-width": 1 };
  map.addLayer({ id: ID, type: "circle", source: ID, paint } as Parameters<MapLibre["addLayer"]>[0]);
}

/** Bring the whole plan beside what a drawer covers, ``coveredPx`` of the map's left edge. */
export function frame(map: MapLibre, plan: PlanShown, coveredPx: number): void {
  const places = [...plan.cells, ...plan.posts, ...plan.sensors];
  const longitudes = places.map((one) => one.longitude_deg);
  const latitudes = places.map((one) => one.latitude_deg);
  const bounds: [number, number, number, number] = [Math.min(...longitudes), Math.min(...latitudes), Math.max(...longitudes), Math.max(...latitudes)];
  map.fitBounds(bounds, { padding: { left: coveredPx + 30, top: 40, right: 30, bottom: 40 }, duration: 0 });
}

export function hideCells(map: MapLibre): void {
  if (map.getLayer(ID)) map.removeLayer(ID);
  if (map.getSource(ID)) map.removeSource(ID);
}

export type Moved = (kind: "post" | "sensor", id: string, longitude: number, latitude: number) => void;

/** Buttons on the map, one a post or sensor; dragged, they tell where they were put. */
export class Handles {
  readonly #map: MapLibre;
  readonly #markers = new Map<string, Marker>();
  readonly #moved: Moved;

  constructor(map: MapLibre, moved: Moved) {
    this.#map = map;
    this.#moved = moved;
  }

  show(kind: "post" | "sensor", places: PlanPlace[], label: (place: PlanPlace) => string): void {
    for (const place of places) {
      const key = `${kind} ${place.id}`;
      const marker = this.#markers.get(key) ?? this.#made(kind, place, key);
      marker.setLngLat([place.longitude_deg, place.latitude_deg]);
      const button = marker.getElement();
      button.setAttribute("aria-label", label(place));
      button.title = label(place);
      button.classList.toggle("stands", place.share > 0.5);
      button.style.setProperty("--size", `${kind === "post" ? 12 + 14 * place.share : 14}px`);
    }
  }

  #made(kind: "post" | "sensor", place: PlanPlace, key: string): Marker {
    const button = document.createElement("button");
    button.type = "button";
    button.className = `plan-handle ${kind}`;
    button.dataset["handle"] = key;
    const marker = new Marker({ element: button, draggable: true }).setLngLat([place.longitude_deg, place.latitude_deg]).addTo(this.#map);
    marker.on("dragend", () => this.#moved(kind, place.id, marker.getLngLat().lng, marker.getLngLat().lat));
    this.#markers.set(key, marker);
    return marker;
  }

  remove(): void {
    for (const marker of this.#markers.values()) marker.remove();
    this.#markers.clear();
  }
}
