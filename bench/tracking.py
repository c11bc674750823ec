"""The tracker beside Stone Soup and the known-association bounds, on the same files in the same run.

    python bench/tracking.py [--part fresh variants growth] [--quick] [--seeds N] [--reuse-peers] [--json]

- **fresh**: ten seeds nobody tuned on, N = 50 in both views and N = 200 (fewer seeds), from the shelf's generator; and
  its seeds 1 to 3, which its own figures and goals are of.
- **variants**: other skies (`bench/_variants.py`), N = 50; Stone Soup on the first seed of each only.
- **growth**: N = 10 to 5,000 with 1,000 false plots a scan, 30 scans; CPU time alone.

Stone Soup runs in an environment of its own, `out/peers` or $ARAZ_PEERS, made when absent, with the best setting
that the shelf's `tracking.md` found ("++" and its flags; the radar view uses its TPR tree). Time is CPU time of one
thread, of the fastest of three runs of ours and three of Stone Soup's, in turn; compiling is not in it. Each table is
also written to `out/bench/tracking-PART.md`, every run that counts to `out/bench/tracking-PART-runs.json`. No tracker
reads ``truth``, ``alive``, ``omega`` or ``src``.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from _variants import VARIANTS, generate

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "out" / "bench"
SCENES = OUT / "scenes"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
STONE_SOUP = [
    "--q", "5", "--gate", "150", "--init_gate", "120", "--md", "4", "--min_points", "3", "--init_miss", "1",
    "--max_miss", "3", "--limit", "900",
]  # fmt: skip
METHOD = {"cart": "gnn-kd++", "sph": "gnn-tpr++"}
FIGURES = ("gospa", "loc_rmse", "miss_pct", "false_pct", "id_switches", "detections_per_cpu_s")
FRESH = (
    ("cart", 50, range(101, 111)),
    ("sph", 50, range(101, 111)),
    ("cart", 200, range(101, 104)),
    ("cart", 50, range(1, 4)),
    ("sph", 50, range(1, 2)),
)
HONESTY = ("nees", "nees_in_95", "in_95")
GROWTH, GROWTH_CLUTTER, GROWTH_SCANS = (10, 50, 200, 1000, 5000), 1000, 30
RUNS = 3
BOUND_MODES = {"stops": 5}
Row = dict[str, object]


class Bench:
    """Where the shelf is, and every run made so far."""

    def __init__(self, shelf: Path, seeds: int | None, reuse: bool) -> None:
        self.shelf, self.reuse = shelf, reuse
        self.first = slice(None, seeds)
        self.runs: list[Row] = []

    def note(self, part: str, **row: object) -> Row:
        """Remember one run, and show that work goes on."""
        self.runs.append({"part": part, **row})
        print(f"… {part} {' '.join(str(row.get(k)) for k in ('sky', 'view', 'N', 'seed', 'tracker'))}", file=sys.stderr)
        (OUT / f"tracking-{part}-runs.json").write_text(json.dumps(self.runs, indent=1))
        return row

    def peer(self, scene: Path, name: str, command: list[str]) -> list[Row]:
        """A peer's rows, which stay the same while only our engine changes: kept, and reused when asked for."""
        kept = scene.with_name(f"{name}_{scene.stem}.json")
        if not (self.reuse and kept.exists()):
            kept.write_text(json.dumps(lines(command)))
        return json.loads(kept.read_text())

    def raced(self, scene: Path, view: str) -> list[Row]:
        """Ours and Stone Soup's, each the fastest of ``RUNS`` in turn: neighbours on the machine slow some of them."""
        rows = [(self.araz(scene, view), self.stone_soup(scene, view)) for _ in range(RUNS)]
        return [fastest(list(one)) for one in zip(*rows, strict=True)]

    def scene(self, targets: int, seed: int, clutter: int = 100, scans: int = 100) -> Path:
        """A file of the shelf's own generator."""
        path = SCENES / f"s{seed}_N{targets}_L{clutter}_T{scans}.npz"
        if not path.exists():
            options = ["--N", str(targets), "--seed", str(seed), "--lam", str(clutter), "--T", str(scans)]
            call([sys.executable, str(self.shelf / "tracking_peers.py"), "gen", str(path), *options])
        return path

    def araz(self, scene: Path, view: str, *, judged: bool = True) -> Row:
        """Our tracker; the judge is the shelf's."""
        judge = ["--score", str(self.shelf / "tracking_peers.py")] if judged else []
        out = scene.with_name(f"araz_{view}_{scene.name}")
        return call([sys.executable, "bench/track_npz.py", str(scene), str(out), "--view", view, "--json", *judge])

    def stone_soup(self, scene: Path, view: str) -> Row:
        """Stone Soup's best setting."""
        run = [str(peers_python()), str(self.shelf / "tracking_peers.py"), "run", str(scene), "--sensor", view]
        (row,) = self.peer(scene, f"stone-soup_{view}", [*run, "--method", METHOD[view], *STONE_SOUP])
        return row | {"tracker": "stone soup", "detections_per_cpu_s": round(row["dets"] / row["cpu_s"])}

    def bounds(self, scene: Path, view: str) -> list[Row]:
        """Known association, known turn rate; known association, unknown manoeuvre."""
        script = [sys.executable, str(self.shelf / "oracles.py"), str(scene), "--sensor", view]
        rows = self.peer(scene, f"oracles_{view}", script)
        return [row | {"view": view} for row in rows]

    def bound(self, scene: Path, view: str, modes: int) -> Row:
        """oracle-imm with the scenario's own time step and the noise that was drawn."""
        script = ["bench/_bound.py", str(self.shelf / "oracles.py"), str(scene), "--view", view]
        (row,) = self.peer(scene, f"bound_{view}", [sys.executable, *script, "--modes", str(modes), "--true-noise"])
        return row


def fastest(rows: list[Row]) -> Row:
    """The run that took the least CPU time; all else in them is equal."""
    return min(rows, key=lambda row: float(row["cpu_s"]))


def lines(command: list[str]) -> list[Row]:
    """Run a script with one thread; return its JSON lines."""
    environment = {**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT / "bench")])}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def call(command: list[str]) -> Row:
    """The last JSON line of a script."""
    return (lines(command) or [{}])[-1]


@functools.cache
def peers_python() -> Path:
    """The Python that has Stone Soup, made once."""
    home = Path(os.environ.get("ARAZ_PEERS", ROOT / "out" / "peers"))
    python = home / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    if subprocess.run([str(python), "-c", "import stonesoup, rtree"], capture_output=True, check=False).returncode:
        install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "stonesoup==1.9.1", "rtree"]
        subprocess.run([str(python), *install], check=True)
    return python


def spread(rows: list[Row], name: str) -> str | None:
    """Mean and, of several, the standard deviation, as text."""
    values = [float(row[name]) for row in rows if row.get(name) is not None]
    if not values:
        return None
    digits = 0 if max(values) >= 1000 else 1 if max(values) >= 20 else 2
    text = f"{np.mean(values):,.{digits}f}"
    return text + (f" ± {np.std(values, ddof=1):,.{digits}f}" if len(values) > 1 else "")


def mean(rows: list[Row], name: str) -> float:
    return float(np.mean([float(row[name]) for row in rows]))


def worst(rows: list[Row]) -> float:
    return max(float(row["gospa"]) for row in rows)


def fresh(bench: Bench, quick: bool) -> list[Row]:
    """One row a tracker, view and number of targets."""
    table = []
    for view, targets, seeds in FRESH:
        if quick and (targets > 50 or seeds[0] < 100):
            continue
        runs: dict[str, list[Row]] = {}
        untold: list[float] = []
        for seed in seeds[bench.first]:
            scene = bench.scene(targets, seed)
            found = [*bench.raced(scene, view), *bench.bounds(scene, view)]
            untold.append(float(bench.bound(scene, view, 3)["untold_gospa"]))
            for row in found:
                place = {"view": view, "N": targets, "seed": seed}
                runs.setdefault(str(row["tracker"]), []).append(bench.note("fresh", **(row | place)))
        for tracker, rows in runs.items():
            first, last = rows[0]["seed"], rows[-1]["seed"]
            line: Row = {"view": view, "N": targets, "seeds": f"{first}-{last}", "tracker": tracker}
            line |= {name: spread(rows, name) for name in (*FIGURES, *HONESTY)}
            if tracker == "araz":
                line["times_stone_soup"] = times(rows, runs["stone soup"])
            line["over_oracle_imm_pct"] = 100 * (mean(rows, "gospa") / mean(runs["oracle-imm"], "gospa") - 1)
            line["over_untold_pct"] = 100 * (mean(rows, "gospa") / float(np.mean(untold)) - 1)
            table.append(line | {"worst_gospa": worst(rows)})
    return table


def times(ours: list[Row], theirs: list[Row]) -> int:
    """How often faster: all detections over all CPU seconds, ours through theirs."""
    rates = [sum(float(r[n]) for r in rows) / sum(float(r["cpu_s"]) for r in rows)
             for rows, n in ((ours, "detections"), (theirs, "dets"))]  # fmt: skip
    return round(rates[0] / rates[1])


def variants(bench: Bench, quick: bool) -> list[Row]:
    """One row a sky and view: ours and the bound over three seeds, Stone Soup on the first."""
    table = []
    for variant in VARIANTS[1:3] if quick else VARIANTS:
        for view in ("cart",) if quick else ("cart", "sph"):
            ours, bounds, peer = [], [], []
            for seed in range(201, 204)[bench.first]:
                scene = SCENES / f"{variant.name}_s{seed}_N50.npz"
                scene.parent.mkdir(parents=True, exist_ok=True)
                np.savez_compressed(scene, **generate(variant, 50, seed))
                place = {"sky": variant.name, "view": view, "N": 50, "seed": seed}
                has_peer = not peer and view == "cart" and not quick
                raced = bench.raced(scene, view) if has_peer else [bench.araz(scene, view)]
                own, *theirs = (bench.note("variants", **(row | place)) for row in raced)
                ours, peer = [*ours, own], [*peer, *theirs]
                found = bench.bound(scene, view, BOUND_MODES.get(variant.name, 3))
                bounds.append(bench.note("variants", **(found | place)))
            table.append(variant_row(variant.words, view, ours, bounds, peer))
    return table


def variant_row(words: str, view: str, ours: list[Row], bounds: list[Row], peer: list[Row]) -> Row:
    """One line of the table of variants."""
    same = [row for row in ours if row["seed"] == ours[0]["seed"]]
    return {
        "sky": words,
        "view": view,
        "seeds": len(ours),
        **{name: spread(ours, name) for name in (*FIGURES, *HONESTY)},
        "bound": spread(bounds, "gospa"),
        "over_bound_pct": 100 * (mean(ours, "gospa") / mean(bounds, "gospa") - 1),
        "over_untold_pct": 100 * (mean(ours, "gospa") / mean(bounds, "untold_gospa") - 1),
        "worst_gospa": worst(ours),
        "first_seed": float(same[0]["gospa"]),
        "stone_soup_first_seed": float(peer[0]["gospa"]) if peer else None,
        "times_stone_soup": times(same, peer) if peer else None,
    }


def growth(bench: Bench, quick: bool) -> list[Row]:
    """One row a number of targets: CPU time a scan and an observation, least and middle of some repeats.

    The false plots are the same in every row; what each observation more costs than in the row before says whether the
    cost grows in line with them.
    """
    table: list[Row] = []
    for targets in GROWTH[:4] if quick else GROWTH:
        scene = bench.scene(targets, 101, GROWTH_CLUTTER, GROWTH_SCANS)
        for view in ("cart", "sph"):
            runs = [bench.araz(scene, view, judged=False) for _ in range(1 if quick else RUNS)]
            for row in runs:
                bench.note("growth", **(row | {"view": view, "N": targets, "seed": 101}))
            cpu_s, plots = sorted(float(row["cpu_s"]) for row in runs), float(runs[0]["detections"])
            before = next((row for row in reversed(table) if row["view"] == view), None)
            added = plots / GROWTH_SCANS - float(before["observations_a_scan"]) if before else 0.0
            more_ms = 1e3 * cpu_s[0] / GROWTH_SCANS - float(before["cpu_ms_a_scan_least"]) if before else 0.0
            table.append({
                "N": targets,
                "view": view,
                "observations_a_scan": round(plots / GROWTH_SCANS),
                "cpu_ms_a_scan": 1e3 * cpu_s[len(cpu_s) // 2] / GROWTH_SCANS,
                "cpu_ms_a_scan_least": 1e3 * cpu_s[0] / GROWTH_SCANS,
                "cpu_us_an_observation": 1e6 * cpu_s[len(cpu_s) // 2] / plots,
                "cpu_us_an_added_one": 1e3 * more_ms / added if before else None,
                "repeats": len(runs),
            })  # fmt: skip
    return table


PARTS = {"fresh": fresh, "variants": variants, "growth": growth}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", nargs="*", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--bench", type=Path, default=ROOT.parent / "shared" / "bench", help="the shelf's bench folder")
    parser.add_argument("--quick", action="store_true", help="one seed, no large sets: about two minutes")
    parser.add_argument("--seeds", type=int, help="no more than so many seeds of each sky")
    parser.add_argument(
        "--reuse-peers",
        action="store_true",
        help="take the peers' figures of an earlier run: speed ratios mix two runs",
    )
    parser.add_argument("--json", action="store_true", help="print the tables' rows as JSON lines")
    args = parser.parse_args()
    if not (args.bench / "tracking_peers.py").exists():
        raise SystemExit(f"{args.bench} has no tracking_peers.py: give the shelf's bench folder with --bench")
    bench, blocks = Bench(args.bench.resolve(), 1 if args.quick else args.seeds, args.reuse_peers), []
    SCENES.mkdir(parents=True, exist_ok=True)
    for part in args.part:
        rows = PARTS[part](bench, args.quick)
        blocks.append(f"## {part}\n\n{table_of(rows)}")
        print("\n".join(json.dumps(row) for row in rows) if args.json else blocks[-1], flush=True)
        (OUT / f"tracking-{part}.md").write_text(blocks[-1] + "\n")
        bench.runs.clear()
    return 0


def table_of(rows: list[Row]) -> str:
    """Rows as Markdown, in the manner of docs/measured.md."""
    from run import table

    return table(rows, [])


if __name__ == "__main__":
    sys.exit(main())
