"""Judge the class posterior on devices, animals and aircraft types its likelihoods never saw; write docs/classes.md.

    python bench/classify.py [--json]

Every trajectory flies past five radars through the real tracker. For each held-out device both the likelihoods and the
weights of the features are fitted without it. The table that shipped before, written again here, is judged on the
same looks.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from class_flights import Piece, pieces
from class_looks import RADARS, Looks, watch
from class_model import (
    ECHO_DBSM,
    HEIGHT_MEDIAN_M,
    HEIGHT_SPREAD,
    PRIOR,
    Samples,
    evidence,
    fit_weights,
    folds,
    held_out_evidence,
    population,
    posterior,
    samples,
    table_of,
)

from araz.tracking._classify import CLASS_TABLE, FEATURE_NAMES
from araz.vocabulary import CLASS_NAMES, FloatArray, TrackClass

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "classes.md"
CLASSES: Final = len(CLASS_NAMES)
SURE: Final = 0.5
"""A class is decided once its posterior passes this."""
OLD_AGE_S: Final = 45.0


class Judged(NamedTuple):
    """Held-out posteriors of R looks, and what they are weighed with."""

    posterior: FloatArray
    before: FloatArray
    truth: FloatArray
    weight: FloatArray
    row: Sequence[str]
    recorded: FloatArray
    looks: Looks
    samples: Samples
    pieces: Sequence[Piece]


def nested(s: Samples) -> FloatArray:
    """Posterior [R, classes] of every look, by likelihoods and weights that never saw its device."""
    ratio, out = held_out_evidence(s), np.zeros((len(s.truth), CLASSES))
    for fold in folds(s):
        mine = np.isin(s.device, fold)
        rows = np.flatnonzero(mine)
        out[rows] = posterior(evidence(s, table_of(s, ~mine), rows), fit_weights(s, ratio, ~mine))
    return out


def before(looks: Looks) -> FloatArray:
    """Posterior [all looks, classes] of the table that shipped before: Gaussians by judgement, tempered by 10 s."""
    speed = np.array([[0, 1], [9, 6], [23, 6], [12, 4], [6, 3], [65, 30]], float)
    climb = np.array([[0, 1], [0, 2.5], [0, 1.5], [0, 1.0], [1, 1.0], [0, 3.5]])
    height = np.array([[0, 1], [90, 80], [180, 140], [90, 90], [500, 400], [900, 600]], float)
    prior, span = np.array([0.90, 0.03, 0.02, 0.03, 0.01, 0.01]), (80.0, 20.0, 1500.0)
    out, last = np.zeros((len(looks.piece), CLASSES)), dict[tuple[int, int], FloatArray]()
    for i in np.argsort(looks.at_s, kind="stable"):
        e, n, up, high, var, var_up, var_high, since, number = looks.simple[i]
        old = last.get((looks.radar[i], number), prior)
        log_l = np.full(CLASSES, -np.log(np.prod(span)))
        log_l[1:] = 0.0
        for x, extra, table in ((np.hypot(e, n), var, speed), (up, var_up, climb), (high, var_high, height)):
            sigma = np.sqrt(table[1:, 1] ** 2 + extra)
            log_l[1:] += -0.5 * ((x - table[1:, 0]) / sigma) ** 2 - np.log(sigma * np.sqrt(2 * np.pi))
        dt = min(since, 5.0) if since > 0 else RADARS[looks.radar[i]].period_s
        forget = 1 - np.exp(-dt / 60.0)
        score = (1 - forget) * np.log(np.maximum(old, 1e-9)) + forget * np.log(prior)
        score += min(dt / 10.0, 1.0) * np.maximum(log_l, -40.0)
        p = np.exp(score - score.max())
        out[i] = last[looks.radar[i], number] = p / p.sum()
    return out


def judge(shelf: Path) -> Judged:
    """Fly, fit without each device, and judge."""
    found = pieces(shelf)
    looks = watch(found)
    s = samples(found, looks)
    row = [found[k].device if found[k].truth == TrackClass.MULTIROTOR and s.is_recorded[n] else found[k].kind
           for n, k in enumerate(looks.piece[s.look])]  # fmt: skip
    everything = np.ones(len(s.truth), np.bool_)
    return Judged(nested(s), before(looks)[s.look], s.truth, population(s, everything), row, s.is_recorded, looks, s,
                  found)  # fmt: skip


def log_loss(p: FloatArray, truth: FloatArray, weight: FloatArray) -> float:
    """Mean nats lost by not having been sure of the truth."""
    return float(weight @ -np.log(np.maximum(p[np.arange(len(p)), truth], 1e-9)) / weight.sum())


def reliability(p: FloatArray, truth: FloatArray, weight: FloatArray) -> tuple[list[tuple[float, ...]], float]:
    """Rows (from, to, share of looks, mean of what was said, how often it was so) over all classes, and the ECE.

    Every look gives one statement a class; the expected calibration error weighs the bins by their statements.
    """
    said, so = p.ravel(), (np.arange(CLASSES) == truth[:, None]).ravel()
    mass = np.repeat(weight, CLASSES) / weight.sum() / CLASSES
    rows, error = [], 0.0
    edges = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0001)
    for low, high in pairwise(edges):
        mine = (said >= low) & (said < high)
        share = float(mass[mine].sum())
        if share <= 0.0:
            continue
        mean, often = float(mass[mine] @ said[mine] / share), float(mass[mine] @ so[mine] / share)
        rows.append((low, min(high, 1.0), share, mean, often))
        error += share * abs(mean - often)
    return rows, error


def decided(j: Judged) -> dict[str, tuple[float, float, float]]:
    """By row: share of tracks in which some class passed ``SURE`` first rightly, wrongly; median seconds if rightly."""
    looks, out = j.looks, {}
    piece, radar = looks.piece[j.samples.look], looks.radar[j.samples.look]
    names = np.array(j.row)
    for name in dict.fromkeys(j.row):
        right, wrong, after = 0, 0, []
        mine = np.flatnonzero(names == name)
        tracks = {(int(piece[i]), int(radar[i])) for i in mine}
        for key in tracks:
            rows = mine[(piece[mine] == key[0]) & (radar[mine] == key[1])]
            rows = rows[np.argsort(looks.at_s[j.samples.look[rows]])]
            sure = rows[(j.posterior[rows, 1:] > SURE).any(axis=1)]
            if len(sure):
                hit = 1 + int(np.argmax(j.posterior[sure[0], 1:])) == j.truth[sure[0]]
                right, wrong = right + hit, wrong + (not hit)
                after += [float(looks.at_s[j.samples.look[sure[0]]])] if hit else []
        out[name] = (right / len(tracks), wrong / len(tracks), float(np.median(after)) if after else float("nan"))
    return out


def figures(j: Judged) -> dict[str, float]:
    """The row of docs/measured.md, over looks at tracks older than ``OLD_AGE_S`` and over all."""
    old = j.samples.age_s > OLD_AGE_S
    best, worst = j.posterior, j.before
    recorded = j.recorded & (j.truth > 0)
    return {
        "looks": len(j.truth),
        "log_loss_nats": log_loss(best, j.truth, j.weight),
        "log_loss_before": log_loss(worst, j.truth, j.weight),
        "log_loss_after_45_s": log_loss(best[old], j.truth[old], j.weight[old]),
        "ece": reliability(best, j.truth, j.weight)[1],
        "ece_before": reliability(worst, j.truth, j.weight)[1],
        "drone_called_bird": _called(j, best, TrackClass.MULTIROTOR, TrackClass.BIRD, recorded),
        "drone_called_bird_before": _called(j, worst, TrackClass.MULTIROTOR, TrackClass.BIRD, recorded),
        "recorded_log_loss": log_loss(best[recorded], j.truth[recorded], j.weight[recorded]),
        "recorded_log_loss_before": log_loss(worst[recorded], j.truth[recorded], j.weight[recorded]),
    }


def _called(j: Judged, p: FloatArray, truth: int, other: int, use: FloatArray) -> float:
    """Share of looks at one class whose likeliest class is another."""
    mine = use & (j.truth == truth)
    return float(j.weight[mine] @ (p[mine].argmax(1) == other) / j.weight[mine].sum())


def confusion(j: Judged, p: FloatArray) -> list[str]:
    """Markdown rows: the likeliest class by what it was, in percent of looks, and the mean posterior of the truth."""
    lines = [
        f"| what it was | devices | looks | {' | '.join(CLASS_NAMES)} | mean p(truth) |",
        "|---" * (CLASSES + 4) + "|",
    ]
    names = np.array(j.row)
    for name in dict.fromkeys(j.row):
        mine = names == name
        devices = len({j.pieces[k].device for k in j.looks.piece[j.samples.look[mine]]})
        share = np.bincount(p[mine].argmax(1), minlength=CLASSES) / mine.sum()
        truth = int(j.truth[mine][0])
        cells = [f"**{100 * v:.0f}**" if c == truth else f"{100 * v:.0f}" for c, v in enumerate(share)]
        lines.append(f"| {name} | {devices} | {mine.sum():,} | {' | '.join(cells)} | {p[mine, truth].mean():.2f} |")
    return lines


def page(j: Judged) -> str:
    """The text of docs/classes.md."""
    row = figures(j)
    lines = [(ROOT / "bench" / "classes_words.md").read_text().rstrip(), ""]
    lines += ["## Confusion, held out", "", "Percent of looks by likeliest class; bold is the truth.", ""]
    lines += [*confusion(j, j.posterior), "", "The same looks by the table that shipped before:", ""]
    lines += [*confusion(j, j.before), "", "## Calibration, held out", ""]
    for title, p in (("Now", j.posterior), ("Before", j.before)):
        rows, error = reliability(p, j.truth, j.weight)
        lines += [
            f"{title}: expected calibration error {error:.3f}, log loss {log_loss(p, j.truth, j.weight):.2f} nats.",
            "",
        ]
        lines += ["| said between | statements % | said on average | was so |", "|---|---|---|---|"]
        lines += [f"| {a:.2f}-{b:.2f} | {100 * s:.1f} | {m:.2f} | {o:.2f} |" for a, b, s, m, o in rows] + [""]
    lines += [f"The prior alone loses {-(PRIOR @ np.log(PRIOR)):.2f} nats. Recorded classes only: "
              f"{row['recorded_log_loss']:.2f} now, {row['recorded_log_loss_before']:.2f} before.", ""]  # fmt: skip
    lines += ["## Time to a decision, held out", ""]
    lines += [
        f"A track is decided when a class first passes {SURE:.0%}; most tracks of drones and birds never are.",
        "",
    ]
    lines += ["| what it was | decided rightly % | wrongly % | median seconds, if rightly |", "|---|---|---|---|"]
    for name, (right, wrong, after) in decided(j).items():
        lines.append(
            f"| {name} | {100 * right:.0f} | {100 * wrong:.0f} | {'-' if np.isnan(after) else f'{after:.0f}'} |"
        )
    lines += ["", "## What ships", "", "| feature | weight |", "|---|---|"]
    lines += [f"| {name} | {w:.2f} |" for name, w in zip(FEATURE_NAMES, CLASS_TABLE.weight, strict=True)]
    lines += ["", "| class | prior | echo, dBsm | height, median m | spread, ln |", "|---|---|---|---|---|"]
    judged = zip(CLASS_NAMES, PRIOR, ECHO_DBSM, HEIGHT_MEDIAN_M, HEIGHT_SPREAD, strict=True)
    lines.append(f"| {next(judged)[0]} | {PRIOR[0]:.2f} | even | even | |")
    lines += [f"| {name} | {p:.2f} | {e[0]:.0f} ± {e[1]:.0f} | {h} | {s} |" for name, p, e, h, s in judged]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge; print the row or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the row of docs/measured.md")
    args = parser.parse_args()
    shelf = ROOT.parent / "shared"
    if not shelf.exists():
        raise SystemExit("no recordings: lay the shelf (../shared) beside the project")
    j = judge(shelf)
    PAGE.write_text(page(j))
    print(json.dumps(figures(j)) if args.json else PAGE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
