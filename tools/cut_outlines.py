"""Cut the outlines of countries under the map of routes from a public package, once, into one small file.

    python tools/cut_outlines.py console-ui/src/map/outlines.json --box -12 -9 88 66

Source: Natural Earth 1:110m by npm ``world-atlas`` (public domain; TopoJSON). Lines only, to a tenth of a degree: they
tell a reader where a country is, and nothing about whose a place is.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import shapely
from cut_site import BORDER_PACKAGE, decode_arc, member_of


def main() -> None:
    """Cut and write the lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--box", type=float, nargs=4, required=True, metavar=("WEST", "SOUTH", "EAST", "NORTH"))
    parser.add_argument("--packages", type=Path, help="folder that holds the npm package already")
    args = parser.parse_args()
    box = shapely.box(*args.box)
    with tempfile.TemporaryDirectory() as temporary:
        topology = member_of(BORDER_PACKAGE, "countries-110m.json", args.packages or Path(temporary))
    lines = []
    for index in range(len(topology["arcs"])):
        parts = shapely.get_parts(shapely.LineString(decode_arc(topology, index)).intersection(box))
        cut = [part for part in parts if part.geom_type == "LineString" and not part.is_empty]
        lines += [[[round(x, 1), round(y, 1)] for x, y in part.coords] for part in cut]
    said = {"source": f"Natural Earth 1:110m, npm {BORDER_PACKAGE}, public domain", "box": args.box, "lines": lines}
    args.out.write_text(json.dumps(said, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{len(lines)} lines, {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
