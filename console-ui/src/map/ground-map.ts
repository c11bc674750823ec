// The still map under the night: ground, coverage, roads, the line, towns. North is up, always.
import { Map as MapLibre, setWorkerUrl, type StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import type { SiteGeometry } from "../state/site";
import { hatchBlind, shadeGround } from "./ground";

setWorkerUrl(new URL(workerUrl, location.href).href);

const TEXT = ["sans-serif"];

export class GroundMap {
  readonly map: MapLibre;
  readonly #site: SiteGeometry;
  readonly #blind: HTMLCanvasElement;
  #isReady = false;

  constructor(container: HTMLElement, site: SiteGeometry, onReady: () => void) {
    this.#site = site;
    const first = hatchBlind(site.terrain, site.coverage, new Set(site.coverage.map((one) => one.sensor_id)));
    this.#blind = first.canvas;
    this.map = new MapLibre({
      container,
      style: this.#style(),
      bounds: this.#home(),
      attributionControl: false,
      dragRotate: false,
      pitchWithRotate: false,
      touchPitch: false,
      maxPitch: 0,
      minZoom: 8,
      maxZoom: 17,
      keyboard: false,
      fadeDuration: 0,
      validateStyle: false,
    });
    this.map.touchZoomRotate.disableRotation();
    this.map.once("load", () => {
      this.#isReady = true;
      onReady();
    });
  }

  /** Redraw what nobody watches; returns the watched share of the band. */
  setAlive(alive: Set<string>): number {
    const { watched } = hatchBlind(this.#site.terrain, this.#site.coverage, alive, this.#blind);
    if (!this.#isReady) return watched;
    const source = this.map.getSource("blind") as { play?: () => void; pause?: () => void } | undefined;
    source?.play?.();
    this.map.once("idle", () => source?.pause?.());
    setTimeout(() => source?.pause?.(), 400);
    const dead = this.#site.coverage.map((one) => one.sensor_id).filter((id) => !alive.has(id));
    this.map.setFilter("coverage", ["!", ["in", ["get", "sensor_id"], ["literal", dead]]]);
    return watched;
  }

  /** Whether this machine emulates its graphics processor. */
  get isSoftware(): boolean {
    const gl = this.map.getCanvas().getContext("webgl2");
    const info = gl?.getExtension("WEBGL_debug_renderer_info");
    return gl !== null && info != null && /swiftshader|llvmpipe|software/i.test(String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)));
  }

  /** ``coveredPx`` of the left edge lie under a drawer: the place comes to the middle of the rest. */
  fly(longitude: number, latitude: number, coveredPx: number): void {
    const offset: [number, number] = [coveredPx / 2, 0];
    this.map.easeTo({ center: [longitude, latitude], zoom: Math.max(this.map.getZoom(), 12.2), duration: 500, offset });
  }

  goHome(): void {
    this.map.fitBounds(this.#home(), { duration: 500 });
  }

  /** The sensors, the patrols and a margin: what the night is about. */
  #home(): [number, number, number, number] {
    const places = [...this.#site.sensors, ...this.#site.patrols];
    const longitudes = places.map((one) => one.longitude_deg);
    const latitudes = places.map((one) => one.latitude_deg);
    if (places.length === 0) {
      const [longitude, latitude] = this.#site.center;
      return [longitude - 0.08, latitude - 0.06, longitude + 0.08, latitude + 0.06];
    }
    const margin = 0.022;
    return [
      Math.min(...longitudes) - margin,
      Math.min(...latitudes) - 2.3 * margin,
      Math.max(...longitudes) + margin,
      Math.max(...latitudes) + margin,
    ];
  }

  #style(): StyleSpecification {
    const site = this.#site;
    const corners = site.terrain.corners;
    const towns = site.towns.map((town) => ({
      type: "Feature" as const,
      properties: { name: town.name },
      geometry: { type: "Point" as const, coordinates: [town.longitude_deg, town.latitude_deg] },
    }));
    const outlines = site.coverage.map((one) => ({
      type: "Feature" as const,
      properties: { sensor_id: one.sensor_id },
      geometry: { type: "LineString" as const, coordinates: one.outline },
    }));
    return {
      version: 8,
      sources: {
        ground: { type: "canvas", canvas: shadeGround(site.terrain), coordinates: corners, animate: false },
        blind: { type: "canvas", canvas: this.#blind, coordinates: corners, animate: false },
        border: { type: "geojson", data: site.border },
        roads: { type: "geojson", data: site.roads },
        towns: { type: "geojson", data: { type: "FeatureCollection", features: towns } },
        coverage: { type: "geojson", data: { type: "FeatureCollection", features: outlines } },
      },
      layers: [
        { id: "night", type: "background", paint: { "background-color": "#0d1116" } },
        { id: "ground", type: "raster", source: "ground", paint: { "raster-fade-duration": 0 } },
        { id: "blind", type: "raster", source: "blind", paint: { "raster-fade-duration": 0 } },
        {
          id: "roads",
          type: "line",
          source: "roads",
          layout: { "line-cap": "round", "line-join": "round" },
          paint: { "line-color": "#465464", "line-width": ["interpolate", ["linear"], ["zoom"], 10, 1, 15, 3] },
        },
        {
          id: "coverage",
          type: "line",
          source: "coverage",
          paint: { "line-color": "#6f8aa3", "line-width": 1, "line-opacity": 0.4, "line-dasharray": [2, 4] },
        },
        { id: "border-case", type: "line", source: "border", paint: { "line-color": "#05070a", "line-width": 6, "line-opacity": 0.8 } },
        { id: "border", type: "line", source: "border", paint: { "line-color": "#dfe7ef", "line-width": 2, "line-dasharray": [6, 2, 1, 2] } },
        {
          id: "towns",
          type: "symbol",
          source: "towns",
          layout: { "text-field": ["get", "name"], "text-font": TEXT, "text-size": 12, "text-letter-spacing": 0.04 },
          paint: { "text-color": "#8391a0", "text-halo-color": "#0a0d12", "text-halo-width": 1.4 },
        },
      ],
    } as unknown as StyleSpecification; // the type of the specification does not know canvas sources
  }
}
