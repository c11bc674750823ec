// MIL-STD-2525 symbols, drawn once each and kept as images. Unknown by default, friend only when authorised and
// supported, neutral for manned aircraft. The machine never paints anything hostile.
import ms from "milsymbol";
import type { Patrol, Sensor, Track } from "../vocabulary";

export interface Icon {
  image: HTMLCanvasElement;
  width: number;
  height: number;
  /** Where the thing itself is, from the image's top left. */
  anchorX: number;
  anchorY: number;
}

/** Function part of an air symbol by class. */
const AIR: Record<string, string> = {
  multirotor: "MHQ---",
  "fixed-wing drone": "MFQ---",
  "manned aircraft": "CF----",
  balloon: "CL----",
};
const SENSOR: Record<string, string> = { radar: "SFGPESR---", people: "SFGPUCR---" };
/** A class below this probability is not drawn as known. */
const CLASS_SHOWN = 0.6;

const kept = new Map<string, Icon>();
let inMainMemory = false;

/** Where the graphics processor is emulated, symbols must lie in main memory: each one fetched from it costs a millisecond. */
export function keepInMainMemory(): void {
  inMainMemory = true;
  kept.clear();
}

function copied(image: HTMLCanvasElement): HTMLCanvasElement {
  const copy = document.createElement("canvas");
  copy.width = image.width;
  copy.height = image.height;
  // By its pixels: a canvas that once draws an image of the graphics processor is moved there itself, whatever it was
  // created for, and so is each canvas that it is drawn on.
  const pixels = image.getContext("2d")?.getImageData(0, 0, image.width, image.height);
  if (pixels) copy.getContext("2d", { willReadFrequently: true })?.putImageData(pixels, 0, 0);
  return copy;
}

export function affiliationOf(track: Track): "F" | "N" | "U" | "P" {
  if (track.verdict === "authorised") return "F";
  if (track.class_name === "manned aircraft" && track.class_probability >= CLASS_SHOWN) return "N";
  return track.is_confirmed ? "U" : "P";
}

/** 2525 letters; a dashed frame (anticipated) where the position is not observed. */
export function sidcOf(track: Track, isPredicted: boolean): string {
  const known = track.class_probability >= CLASS_SHOWN ? AIR[track.class_name] : undefined;
  return `S${affiliationOf(track)}A${isPredicted ? "A" : "P"}${known ?? "------"}`.padEnd(15, "-");
}

function icon(sidc: string, size: number): Icon {
  const key = `${sidc}/${size}`;
  let found = kept.get(key);
  if (!found) {
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const symbol = new ms.Symbol(sidc, { size, colorMode: "Light", civilianColor: false, outlineColor: "#0a0e13", outlineWidth: 4 });
    const image = inMainMemory ? copied(symbol.asCanvas(ratio)) : symbol.asCanvas(ratio);
    const { width, height } = symbol.getSize();
    const anchor = symbol.getAnchor();
    found = { image, width, height, anchorX: anchor.x, anchorY: anchor.y };
    kept.set(key, found);
  }
  return found;
}

export function trackIcon(track: Track, isPredicted: boolean, isCrowded: boolean): Icon {
  const size = isCrowded ? 13 : track.is_confirmed ? 20 : 15;
  return icon(sidcOf(track, isPredicted), size);
}

export function patrolIcon(_patrol: Patrol): Icon {
  return icon("SFGPUCR----", 16);
}

export function sensorIcon(sensor: Sensor): Icon {
  return icon((SENSOR[sensor.kind] ?? "SFGPES----").padEnd(15, "-"), 12);
}
