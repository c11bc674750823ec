"""Measure every promise and write docs/measured.md: what, on which machine, at which commit.

    python bench/run.py [--only NAME ...] [--quick] [--seeds N]

Each part is a script of its own in bench/ that prints JSON lines; run one alone to look closer. Parts that need what
this machine lacks (the shelf, Chromium) say so in the page instead of a figure.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "measured.md"
RESULTS = ROOT / "out" / "bench"


class Part(NamedTuple):
    """One table of the page."""

    name: str
    title: str
    words: str
    command: list[str]
    quick: list[str]
    columns: list[str]


PARTS = [
    Part(
        "headless",
        "The demo night, headless",
        "Promise: at least 200 × real time on 2 cores, memory flat. `memory_mib`: at each tenth of the night.",
        ["bench/headless.py", "--json"],
        [],
        [],
    ),
    Part(
        "latency",
        "Sensor message to browser screen",
        "Promise: p95 at most 300 ms at 2,000 observations/s and 200 tracks. One machine carries sender, product and a "
        "browser that draws without a graphics card.",
        ["bench/latency.py", "--json"],
        ["--seconds", "10"],
        [],
    ),
    Part(
        "smooth",
        "Five hundred moving tracks on the screen",
        "Promise: they stay smooth. `shown_per_s`: frames the compositor drew, which fall with the machine's `load`. "
        "All milliseconds are processor time: `script_ms` our script per frame, `picture_ms` per picture taken in, "
        "`main_ms` the page's thread per frame, `graphics_ms` the graphics process per frame shown, which is a "
        "graphics card's work where there is one; here is none, and the rows without tracks cost the same page anyway. "
        "`software`: Chromium's own way without a graphics processor; `emulated`: SwiftShader.",
        ["bench/smooth.py", "--json"],
        ["--runs", "1", "--seconds", "4"],
        [],
    ),
    Part(
        "decode-asterix",
        "Decoding ASTERIX, beside libasterix",
        "Records per CPU second in the same run; libasterix only parses, ours also makes observations.",
        ["bench/decode_asterix.py", "--json"],
        [],
        [],
    ),
    Part(
        "decode-claims",
        "Decoding Remote ID and ADS-B",
        "Messages per CPU second.",
        ["bench/decode_remote_id_adsb.py", "--json"],
        ["--seconds", "0.5"],
        [],
    ),
    Part(
        "fuzz",
        "Damaged input",
        "Promise: no exception escapes, every input is accounted for. `inside`: up to three bytes are others, and "
        "length and checksum are right again, so that what lies behind them is reached. `nothing`: half a frame that "
        "waits for its rest, or a frame that carries no Remote ID.",
        ["bench/fuzz.py", "--inputs", "14000000", "--json"],
        ["--inputs", "20000"],
        [],
    ),
    Part(
        "fly",
        "Recorded flights under the demo's sensors",
        "Real DJI, Pixhawk and ArduPilot logs, moved to the site and flown in the otherwise empty scenario X0.",
        ["bench/fly.py", "--json"],
        [],
        ["flight", "detectable_s", "time_in_track", "to_track_s", "tracks", "identity_switches", "cep50_m", "r95_m",
         "altitude_error_p50_m", "ellipse_coverage", "gospa_m", "alarms", "false_tracks"],
    ),
    Part(
        "classes",
        "What a track might be, on devices never seen",
        "Recorded drones, aircraft and bats, each device held out, beside made ones; docs/classes.md tells them apart. "
        "`before`: the table by judgement. No echo strength; the prior alone loses 1.57 nats.",
        ["bench/classify.py", "--json"],
        [],
        [],
    ),
    Part(
        "smoothing",
        "Looking back: smoothing, and where it was launched",
        "Filter and smoother on the same trails, one radar, a scan a second; how often horizontal ellipses of 50, 90 "
        "and 95 % hold the truth. `radius_m_p50`: of a circle as large as the area.",
        ["bench/smoothing.py", "--json"],
        ["--flights", "30"],
        ["what", "flights", "position_rmse_m", "velocity_rmse_mps", "nees_of_6", "filter_holds", "smoother_holds",
         "between_scans_holds", "area_holds", "radius_m_p50", "centre_off_m_p50", "first_place_off_m_p50",
         "off_m_mean"],
    ),
    Part(
        "continuity",
        "Names that last, and what several sensors make of one drone",
        "Promise: at least 0.80 of the names are kept behind a ridge for 30 s, a fused picture is no worse than its "
        "best sensor, NEES about 1 with 93 to 97 % inside the 95 % ellipse.",
        ["bench/continuity.py", "--json"],
        ["--runs", "15"],
        [],
    ),
    Part(
        "night",
        "The gates of a night, over the scenario set",
        "Missed gates first, then the scenarios by latency, worst first. The seeds that were judged stand in each row; "
        "`make bench-night` judges 20 of each and goes on where it stopped. Latency counts from the first second "
        "in which a radar has an even chance to see a drone that is inside within four minutes, so it includes the "
        "tracker's own 2.5 s and, for a start, the climb at the place.",
        ["bench/night.py", "--kept", "--json"],
        [],
        [],
    ),
    Part(
        "cut-off",
        "The pick-up cut off: class C, three patrols",
        "Promise: at least 70 % of the crews are met under Araz's ranked options, beside two plain rules that meet the "
        "same crews with the same luck. Class C flown at fresh places along the line, judged by the pipeline; the "
        "officer orders 30 s after the first card with an area and 30 s after the release was told. Nobody has "
        "measured how long a crew stays: each table row says what was assumed of it.",
        ["bench/cut_off.py", "--json"],
        ["--flights", "2", "--draws", "10"],
        [],
    ),
    Part(
        "scenarios",
        "The scenarios, one seed each",
        "A first version: the gates of the field guide are kept where they are kept, and the worst stand here too.",
        ["bench/scenarios.py", "--json"],
        ["--only", "demo"],
        [],
    ),
    Part(
        "coverage",
        "Coverage: claimed and measured",
        "Promise: the measured share of flights tracked stays within ten points of the map's claim, per band. Flights "
        "of 30 s drawn evenly from every decile of the claim, worst row of each table first; docs/coverage.md says "
        "what is and is not judged.",
        ["bench/coverage_map.py", "--json", "--nights", "48", "--seed", "5"],
        ["--nights", "6"],
        ["table", "row", "flights", "claimed", "measured", "low", "high", "off"],
    ),
    Part(
        "log-match",
        "Seized logs: the likelihood ratio",
        "Real flights of the shelf, each flown twice over the same ground, logs with wrong clocks and altitudes; every "
        "log against every track of its night. A calibrated ratio misleads by a factor above x in at most 1 / x of the "
        "false pairs; `cllr_bits` 0 is perfect, 1 says nothing.",
        ["bench/log_match.py", "--json", "--nights", "6", "--seed", "5"],
        ["--nights", "1"],
        ["clock", "logs", "found", "true_pairs", "false_pairs", "same_route_pairs", "true_above_100",
         "misleading_above_1", "misleading_above_100", "same_route_above_100", "cllr_bits", "true_median_nats",
         "true_least_nats"],
    ),
    Part(
        "tracking",
        "The tracker beside Stone Soup and the known-association bounds",
        "Seeds nobody tuned on (`seeds` says how many), the shelf's generator: mean ± standard deviation over them. "
        "GOSPA c = 50 m, p = 2, metres; missed and false in per cent of targets; `times_stone_soup` from CPU seconds "
        "of the same run. oracle-imm knows which detection is whose, oracle-ct the turn rates too; both need no "
        "second detection to begin and know when a target is gone. `over_untold_pct` is over oracle-imm where it is "
        "not told births and deaths: it shows a target from its second detection on and drops it after as many silent "
        "scans as hindsight finds best. To reach: GOSPA 68 (cart) and 80 (sph) at N = 50, 40 switches at N = 200, "
        "400,000 detections per CPU second and 300 × Stone Soup.",
        ["bench/tracking.py", "--json", "--part", "fresh"],
        ["--quick"],
        [],
    ),
    Part(
        "tracking-variants",
        "The tracker under other skies",
        "N = 50, `seeds` seeds of `bench/_variants.py`. `bound`: known association (`bench/_bound.py`), told the true "
        "noise and, where targets stop, two more modes; the aim is at most 10 % over it. `over_untold_pct`: over the "
        "same where it is not told births and deaths, which no tracker is. Stone Soup, whose best "
        "setting here was found at one scan a second, on the first seed alone.",
        ["bench/tracking.py", "--json", "--part", "variants"],
        ["--quick"],
        [],
    ),
    Part(
        "williams15",
        "A published yardstick: four targets that meet (Williams 2015)",
        "100 runs of `bench/williams15.py`, which says what is and is not the published set-up. The published figures "
        "could not be read; TOMB/P is the paper's filter written anew and told the true model, `bound` knows the "
        "association as well. Root mean square GOSPA, c = 10 m. The scenario is far smaller and calmer than a border: "
        "plots of 1 m, 0.01 m²/s³, one birth in 200 s.",
        ["bench/williams15.py", "--json"],
        ["--runs", "5"],
        [],
    ),
    Part(
        "tracking-growth",
        "What the tracker costs as the sky fills",
        "The shelf's generator with 1,000 false plots a scan, 30 scans. To reach: 12 ms at N = 5,000; linear in "
        "observations. A target's plot costs more than a false one, hence `cpu_us_an_added_one`: what each observation "
        "beyond those of the row before costs, by the least times; even where cost is linear.",
        ["bench/tracking.py", "--json", "--part", "growth"],
        ["--quick"],
        [],
    ),
    Part(
        "posts",
        "Posts cut off for a day and rejoined",
        "Promise: 0 lost, 0 duplicates, order exact. Real servers, simulated clock; while the posts catch up, servers, "
        "centre and links are killed. `dropped_on_arrival`: entries that came to the centre again and were known; each "
        "is held against the post's own journal, `altered` included.",
        ["bench/posts.py", "--json"],
        ["--posts", "3", "--hours", "2"],
        [],
    ),
    Part(
        "failover",
        "Two centre nodes, the leading one killed under load",
        "Promise: the screen goes on within 5 s, nothing acknowledged lost. 2,000 observations/s, real programs and a "
        "browser on one machine, whose `load` is in the figures. An officer has signed in, and the nodes have two "
        "names, so that no cookie goes with the page. `acknowledges_s` (least, most): from the kill to the first "
        "report that the other node takes; `page_s` (least, median, most): to its first new picture on the page. "
        "`sign_ins`: how those in the journal were made; by password are the three before the first kill.",
        ["bench/failover.py", "--json"],
        ["--trials", "2"],
        [],
    ),
    Part(
        "kill",
        "Stations killed at random instants",
        "Promise: no acknowledged message or decision lost, every torn tail repaired and said. `writer`: a forked "
        "night that takes 2,000 observations/s and more; `cut`: the same, and of what was not synced a part of random "
        "length is left, as by a power cut; `program`: `araz watch` with UDP and HTTP. `judged_again`: trials after "
        "which the whole night was read again and the decisions looked up in its records; in all, each acknowledged "
        "entry was held against what was sent. `torn_not_kept`: torn bytes not in the file beside that was named.",
        ["bench/kill.py", "--json"],
        ["--trials", "20", "--cuts", "20", "--programs", "2"],
        [],
    ),
    Part(
        "faults",
        "Faults",
        "Promise: it goes on or stops with a clear word, 0 lost. The real programs under 2,000 observations/s (a "
        "radar's clock: one drone, beside the same night with a right clock, and the same tracks and cards must come; "
        "brokers: one post). `refused`: reports that were answered with why they are not recorded. `lost`: "
        "acknowledged ones that are not at their place; of the post, entries that the centre lacks or has in another "
        "order. `back_s`: the most by which an entry's time lies before that of the one before. `said`: the first "
        "clause of it. A damaged journal stops the start: it goes on in a new folder.",
        ["bench/faults.py", "--json"],
        [],
        ["fault", "entries", "acknowledged", "refused", "lost", "whole", "back_s", "goes_on", "said"],
    ),
    Part(
        "tamper",
        "One bit flipped in a case or a journal",
        "Promise: 100 % named, 10,000 trials each. A small night of its own. `exact`: the very byte of the case, the "
        "entry of the journal, the line of its heads; xz, in which a packed journal is, knows no places.",
        ["bench/tamper.py", "--json"],
        ["--trials", "200", "--processes", "10"],
        [],
    ),
    Part(
        "soak",
        "Hours of 2,000 observations a second",
        "Promise: memory flat, latency flat. The product's own night on a simulated clock: 50 targets that come and "
        "go, the other observations clutter; as many of 24 hours as the wall time allows. `memory_mib`, "
        "`look_cpu_ms_p50`, `look_cpu_ms_p95`: in each tenth of the hours; `memory_mib_per_h`: slope in the second "
        "half.",
        ["bench/soak.py", "--tracks", "50", "--json"],
        ["--hours", "0.1"],
        [],
    ),
    Part(
        "rerun",
        "A month of archives judged again in parallel",
        "Promise: equal results, at least 1.8 × on 2 cores. Two figures: one process, and the engine. `speedup` is "
        "wall against wall and falls with the machine's `load`; `start_s` of it is the engine's start. `work` is the "
        "processor time of all workers against that of one process, and `idle_speedup` what an idle machine gives by "
        "it: workers / work.",
        ["bench/rerun.py", "--json"],
        ["--nights", "4", "--minutes", "2"],
        [],
    ),
    Part(
        "seizure-import",
        "The register of seizures: import and query, beside pandas",
        "Promise: 300,000 rows in seconds, queried interactively. pandas parses the same file in the same run without "
        "checking a row or keeping a history.",
        ["bench/seizures.py", "import", "--json"],
        ["--rows", "30000"],
        [],
    ),
    Part(
        "seizure-estimators",
        "Seizure intelligence against simulated truth",
        "Coverage of intervals, false alarms of tests at 5 %, bias. A share of few seizures is given more doubt than a "
        "bootstrap knows of; a change point must explain more than persistence would, which costs power.",
        ["bench/seizures.py", "estimators", "--json"],
        ["--trials", "120"],
        [],
    ),
    Part(
        "seizure-crews",
        "One crew? Odds said, and what was true",
        "Records of sorties whose crews are known, judged by solved cases of other crews. In each cell: said on "
        "average → were one crew (95 % over records) of how many pairs. `other kinds`: the solved cases come from the "
        "seven other worlds in turn. `nats`: log loss of a pair, and that of knowing only how common such pairs are. "
        "`pi_held`: how often the 90 % interval of how common they are held it.",
        ["bench/seizures.py", "crews", "--json"],
        ["--trials", "2"],
        [],
    ),
    Part(
        "seizure-forecasts",
        "Forecasts of the monthly US series, by rolling origin",
        "Three months ahead, every origin from month 31 of 48. Promise: 90 % intervals hold 85 to 95 %. `held`, "
        "`width` (on ln(1 + y)) and `score` (interval score, less is better) over all models; `split_…`: the same "
        "errors in split conformal intervals. The settings were chosen on simulated series; of two alike there, one "
        "was taken after a look at these. `may_be`: what so few outcomes tell of `held` (exact, 95 %, as if they were "
        "independent), `as_stated`: it agrees with 90 %. Heroin in kg fell to a quarter at month 37, and the six "
        "outcomes forecast before that was known cannot be held. `p`: that the best model is no better than naive.",
        ["bench/seizures.py", "forecasts", "--json"],
        [],
        [],
    ),
    Part(
        "plan-scale",
        "Patrols with a certificate, by size of border",
        "Made borders with evenly spaced sensors (the prototype's table is of another made border). To reach: 1,000 "
        "cells closed in 0.5 s, 2,000 at 0.1 % in 10 s, 5,000 at 1 % in 60 s. `cpu_s`: bound and rosters; "
        "`spread_cpu_s`: the same and as good as can be everywhere else. 400 and 1,000 sensors are the hard rows.",
        ["bench/plan_scale.py", "--json", "--table"],
        ["--cells", "500"],
        ["cells", "attacks", "posts", "teams", "sensors", "move_km", "sorties", "guarantee_kg", "bound_kg", "gap",
         "cpu_s", "spread_gap", "spread_cpu_s", "broken_limits"],
    ),
    Part(
        "plan-joint",
        "Sensors and patrols together",
        "Bound over every layout of the budget, and the layout found. To reach: 1 % in 60 s at 1,000 cells, 200 sites.",
        ["bench/plan_joint.py", "--json"],
        ["--cells", "300"],
        [],
    ),
    Part(
        "plan-season",
        "A year against smugglers who learn",
        "Same sensors for every policy, same run; means ± half of a 95 % interval over seeds. `worst`: "
        "each policy's worst smuggler, seed by seed. `kg proved`: what no smuggler gets through in the mean. To reach: "
        "the plan's worst within 2 % of it; leaning beats uniform against the bandit, who learns least, and gives up "
        "at most ε of the guarantee. The share caught misleads: it counts sorties, not kilograms. Over four seeds the "
        "plan's own row reads −3.7 % ± 7.5 % and settles nothing, so that row has seeds of its own, the plan alone.",
        ["bench/plan_season.py", "--json"],
        ["--cells", "120", "--nights", "60", "--seeds", "2", "--plan-seeds", "4"],
        ["border", "smuggler", "figure", "max-cover", "uniform", "chase", "plan", "plan+audit", "lean", "blend",
         "to_reach", "kept"],
    ),
]  # fmt: skip


def options(part: Part, args: argparse.Namespace) -> list[str]:
    """What a part's command is given beside its own words."""
    seeds = ["--seeds", str(args.seeds)] if args.seeds and part.name.startswith("tracking") else []
    return [*part.command, *(part.quick if args.quick else []), *seeds]


def measure(part: Part, args: argparse.Namespace) -> list[dict[str, object]] | str:
    """Run one part; return its rows, or why there are none."""
    command = [sys.executable, *options(part, args)]
    print(f"… {part.name}", file=sys.stderr, flush=True)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"not measured: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'it failed'}"
    rows = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    # A part may print its whole table in one line, under "rows"; a column of that name is a number.
    return [row for found in rows for row in (found["rows"] if isinstance(found.get("rows"), list) else [found])]


def cell(value: object) -> str:
    """Return one figure as text: three significant digits are enough."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return " ".join(cell(item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {cell(item)}" for name, item in value.items())
    return str(value)


def table(rows: list[dict[str, object]], columns: list[str]) -> str:
    """Return rows as a Markdown table."""
    names = columns or list(dict.fromkeys(name for row in rows for name in row))
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(cell(row.get(name)) for name in names) + " |" for row in rows]
    return "\n".join(lines)


def processor() -> str:
    """Return the processor's name (Linux)."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")


def commit() -> str:
    """Return the commit that is measured, marked when files differ from it."""
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    changed = subprocess.run(
        ["git", "status", "--porcelain", "--", "src"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return head.stdout.strip() + (" with changes" if changed.stdout.strip() else "")


def write_page() -> None:
    """Write docs/measured.md from the newest result of each part."""
    sections = PAGE.read_text().split("\n## ")[1:] if PAGE.exists() else []
    before = {text.partition("\n")[0]: "## " + text.strip() for text in sections}
    blocks = [
        "<!-- generated by bench/run.py from what it measured; do not edit -->",
        "# Measured\n\nWritten by `make bench`. The machine is shared and noisy: compare within a row and a run, not "
        "across. Figures that miss their promise stay here until they keep it.",
    ]
    for part in PARTS:
        path = RESULTS / f"{part.name}.json"
        if not path.exists():
            # Measured in another copy of the repository: its table stays.
            blocks += [before[part.title]] if part.title in before else []
            continue
        found = json.loads(path.read_text())
        body = found["rows"] if isinstance(found["rows"], str) else table(found["rows"], part.columns)
        where = f"{found['machine']}, commit {found['commit']}, {found['date']}. `{found['command']}`"
        blocks.append(f"## {part.title}\n\n{part.words}\n\n{body}\n\n{where}")
    PAGE.write_text("\n\n".join(blocks) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", choices=[part.name for part in PARTS], help="measure these parts")
    parser.add_argument("--quick", action="store_true", help="smaller inputs")
    parser.add_argument("--seeds", type=int, help="no more than so many seeds of each sky, for the tracking parts")
    args = parser.parse_args()
    RESULTS.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        if args.only and part.name not in args.only:
            continue
        result = {
            "rows": measure(part, args),
            "machine": f"{processor()}, {len_cpus()} cores, Python {platform.python_version()}",
            "commit": commit(),
            "date": time.strftime("%Y-%m-%d"),
            "command": "python " + " ".join(options(part, args)),
        }
        (RESULTS / f"{part.name}.json").write_text(json.dumps(result, indent=1))
    write_page()
    return 0


def len_cpus() -> int:
    """Return how many cores this process may use."""
    import os

    return len(os.sched_getaffinity(0))


if __name__ == "__main__":
    sys.exit(main())
