"""The gates of a night over the scenario set, many seeds: worst first.

    python bench/night.py [--only C1 A1 ...] [--seeds 20] [--first 1] [--json]

Each scenario and seed is simulated as wire bytes, judged by the pipeline and scored against its truth; the boards are
kept in out/bench/night, so that a run that was stopped goes on where it was. X1 and X3 last ten and seven hours: they
run with ``--long`` seeds (1 unless said).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from araz.app._data import data_dir
from araz.app._simulate import run_simulate, scoreboard
from araz.simulation import Scoreboard
from araz.simulation._score_events import quantile, rate

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "out" / "bench" / "night"
LONG = ("X1", "X3")
#: Ridges that a sortie of I1 passes behind, 30 to 34 s each.
PASSAGES = 3


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """One scored night, and what the board does not say: cards that asked to act now."""

    scenario: str
    seed: int
    board: Scoreboard
    act_now: int


class Gate(NamedTuple):
    """One gate: its figure over nights, how much of it there was, the target, and whether a figure keeps it."""

    gate: str
    target: str
    figure: Callable[[Sequence[Night]], tuple[float | None, str]]
    keeps: Callable[[float], bool]


def judge(name: str, seed: int, code: str) -> Night:
    """Return one night; from what was kept, where the same code judged it before."""
    path = KEPT / code / f"{name}-{seed}.json"
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Night)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "night"
        run_simulate(name, seed, out, "horadiz", None)
        board = scoreboard(out, out / "truth.jsonl")
        lines = (json.loads(line) for line in (out / "events.jsonl").open("rb") if b'"alarm"' in line[:40])
        act_now = len({line["alarm_id"] for line in lines if line.get("priority") == 1})
    night = Night(scenario=name, seed=seed, board=board, act_now=act_now)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.encode(night))
    return night


def _latency(nights: Sequence[Night]) -> tuple[float | None, str]:
    due = [s.to_alarm_s for n in nights for s in n.board.sorties if s.is_threat and s.alarm_due]
    # One that was never told waited for ever: leaving it out would flatter.
    waited = sorted(float("inf") if value is None else value for value in due)
    never = sum(value is None for value in due)
    worst = waited[min(int(0.95 * len(waited)), len(waited) - 1)] if waited else None
    return worst, f"{len(due)} threats, {never} never told"


def _share(name: str) -> Callable[[Sequence[Night]], tuple[float | None, str]]:
    def figure(nights: Sequence[Night]) -> tuple[float | None, str]:
        rates = [getattr(n.board, name) for n in nights]
        total = rate(sum(r.hits for r in rates), sum(r.cases for r in rates))
        if total.share is None:
            return None, "none"
        return total.share, f"{total.hits} of {total.cases}, 95 % {total.low:.2f}–{total.high:.2f}"

    return figure


def _kept_names(nights: Sequence[Night]) -> tuple[float | None, str]:
    """Of the passages behind a ridge, each of half a minute: a change of name anywhere counts as one that was lost."""
    sorties = [s for n in nights if n.scenario == "I1" for s in n.board.sorties]
    passages = PASSAGES * len(sorties)
    lost = sum(min(s.identity_switches, PASSAGES) for s in sorties)
    whole = sum(s.identity_switches == 0 for s in sorties)
    total = rate(passages - lost, passages)
    return total.share, (
        f"{total.hits} of {total.cases} passages of half a minute behind a ridge, 95 % {total.low or 0:.2f}–"
        f"{total.high or 0:.2f}; {whole} of {len(sorties)} sorties through all three"
    )


def _held(nights: Sequence[Night]) -> str:
    """How many drops the 50 and 90 % areas held: kinds of flights may differ where the sum is right."""
    half, most = (sum(getattr(n.board, name).hits for n in nights) for name in ("drops_in_50", "drops_in_90"))
    found = sum(n.board.drops_in_50.cases for n in nights)
    return f"{half} and {most} of {found}" if found else "none"


def _centre(nights: Sequence[Night]) -> tuple[float | None, str]:
    errors = [d.centre_error_m for n in nights for d in n.board.drops if d.centre_error_m is not None]
    return quantile(errors, 0.5), f"{len(errors)} drops found"


def _false_drops(nights: Sequence[Night]) -> tuple[float | None, str]:
    tracks = sum(s.tracks for n in nights for s in n.board.sorties)
    false = sum(n.board.false_drops for n in nights)
    return (false / tracks if tracks else None), f"{false} of {tracks} tracks on drones"


def _per_hour(nights: Sequence[Night]) -> tuple[float | None, str]:
    hours = sum(n.board.hours for n in nights)
    return (sum(n.board.alarms for n in nights) / hours if hours else None), f"{hours:.1f} h of nights full of threats"


def _worst_ten(nights: Sequence[Night]) -> tuple[float | None, str]:
    worst = max(nights, key=lambda n: n.board.alarms_worst_ten_minutes, default=None)
    return (None, "") if worst is None else (worst.board.alarms_worst_ten_minutes, f"{worst.scenario}, {worst.seed}")


def _nuisance(nights: Sequence[Night]) -> tuple[float | None, str]:
    hours = sum(n.board.hours for n in nights)
    return (10 * sum(n.board.nuisance_alarms for n in nights) / hours if hours else None), f"{hours:.1f} h"


def _quiet(nights: Sequence[Night]) -> tuple[float | None, str]:
    own = [n for n in nights if n.scenario == "X1"]
    return (max(n.act_now for n in own) if own else None), f"{len(own)} nights of ten hours"


GATES = (
    Gate("first detectable → alarm, p95 (s)", "≤ 6", _latency, lambda v: v <= 6),
    Gate("sorties found inside coverage", "≥ 0.95", _share("detection_per_sortie"), lambda v: v >= 0.95),
    Gate("name kept behind terrain (I1)", "≥ 0.85", _kept_names, lambda v: v >= 0.85),
    Gate("drop recall", "≥ 0.90", _share("drop_recall"), lambda v: v >= 0.90),
    Gate("false drops a track", "≤ 0.03", _false_drops, lambda v: v <= 0.03),
    Gate("drop centre CEP50 (m)", "≤ 40", _centre, lambda v: v <= 40),
    Gate("50 % area holds", "0.45–0.55", _share("drops_in_50"), lambda v: 0.45 <= v <= 0.55),
    Gate("90 % area holds", "0.87–0.93", _share("drops_in_90"), lambda v: 0.87 <= v <= 0.93),
    Gate("spoofed Remote ID flagged", "≥ 0.97", _share("spoofs_flagged"), lambda v: v >= 0.97),
    Gate("honest flagged wrongly", "≤ 0.005", _share("honest_flagged"), lambda v: v <= 0.005),
    Gate("alarms an hour, mean", "≤ 3", _per_hour, lambda v: v <= 3),
    Gate("alarms in the worst ten minutes", "≤ 6", _worst_ten, lambda v: v <= 6),
    Gate("nuisance alarms in ten hours", "≤ 3", _nuisance, lambda v: v <= 3),
    Gate("priority-1 alarms in a quiet night (X1)", "0", _quiet, lambda v: v == 0),
)


def rows_of(nights: Sequence[Night]) -> list[dict[str, object]]:
    """Return the gates, those that are missed first, then the scenarios of the worst latency first."""
    rows = []
    for gate in GATES:
        value, of = gate.figure(nights)
        verdict = "–" if value is None else "kept" if gate.keeps(value) else "MISSED"
        rows.append({"gate": gate.gate, "measured": value, "to reach": gate.target, "verdict": verdict, "of": of})
    rows.sort(key=lambda row: ("MISSED", "kept", "–").index(str(row["verdict"])))
    scenes = []
    for name in sorted({n.scenario for n in nights}):
        own = [n for n in nights if n.scenario == name]
        scenes.append(
            {"gate": f"{name}: first detectable → alarm, p95 (s)", "measured": _latency(own)[0], "to reach": "≤ 6",
             "verdict": f"{len(own)} seeds",
             "of": f"drops {_share('drop_recall')(own)[1]}; areas hold {_held(own)}; "
             f"alarms {sum(n.board.alarms for n in own)}, "
             f"nuisance {sum(n.board.nuisance_alarms for n in own)}"}
        )  # fmt: skip
    scenes.sort(key=lambda row: 1.0 if row["measured"] is None else -float(str(row["measured"])))
    return [*rows, *scenes]


def code_state() -> str:
    """Return the hash of the source judged: nights of other code are not mixed in."""
    return subprocess.run(
        ["git", "rev-parse", "HEAD:src"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()[:12]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", help="these scenarios")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--long", type=int, default=1, help="seeds of the ten-hour nights")
    parser.add_argument("--first", type=int, default=1, help="first seed")
    parser.add_argument("--kept", action="store_true", help="only the nights that were judged before")
    parser.add_argument("--code", help="with --kept: nights of the source with this hash (git rev-parse HEAD:src)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    names = args.only or sorted(path.stem for path in data_dir("scenarios").glob("*.toml") if path.stem != "X0")
    wanted = [
        (name, seed)
        for seed in range(args.first, args.first + args.seeds)
        for name in names
        if name not in LONG or seed < args.first + args.long
    ]
    code, nights = (args.code or code_state())[:12], list[Night]()
    if args.kept:
        found = [path.stem.rpartition("-") for path in (KEPT / code).glob("*.json")]
        wanted = [(name, int(seed)) for name, _, seed in found if name in names]
    for k, (name, seed) in enumerate(sorted(wanted, key=lambda one: (one[0] in LONG, one[1])), start=1):
        print(f"… {name} seed {seed} ({k} of {len(wanted)})", file=sys.stderr, flush=True)
        nights.append(judge(name, seed, code))
    for row in rows_of(nights):
        print(json.dumps(row, ensure_ascii=False) if args.json else row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
