"""Every weight of belief in one place: what speaks for a drone, what speaks for a release, and by how much.

Weights are natural-log odds, chosen by judgement and stated here, not learned: replace them when labelled nights exist.
A cue is for, against or silent; the sum with the prior goes through the logistic function.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Cue(NamedTuple):
    """One cue: the weight it has when it speaks for, when it speaks against, and what each means."""

    name: str
    weight_for: float
    weight_against: float
    meaning_for: str
    meaning_against: str


#: Most things a radar sees at night are birds and clutter: about one confirmed track in thirteen is a drone.
LIKENESS_PRIOR: Final = -2.5
#: The class posterior's weight when no echo strength is behind it: speed and height alone do not tell birds apart.
CLASS_WITHOUT_ECHO: Final = 0.2

#: Columns of the evidence matrix, in this order. ``class`` and ``course`` are continuous and clipped at these weights.
LIKENESS_CUES: Final = (
    Cue(
        "class",
        2.5,
        -2.5,
        "the tracker's class posterior favours a drone (a fifth of it without an echo strength)",
        "it favours bird, balloon or aircraft",
    ),
    Cue(
        "speed",
        0.4,
        -1.5,
        "mean speed 9–35 m/s (slower says nothing: birds and drones both are)",
        "mean speed above 35 m/s",
    ),
    Cue("fast", 0.0, -3.0, "", "faster than 50 m/s, or above 35 m/s higher than the manned altitude"),
    Cue("course", 3.5, -4.0, "flies straight legs: up to +0.2 a second", "wanders like a bird: the turns add up"),
    Cue("flock", 0.0, -1.0, "", "two or more others fly beside it at its speed"),
    Cue("hover", 1.5, 0.0, "stood still in the air after flying", ""),
    Cue("stood", 2.8, 0.0, "stood in the air from the first, where nothing had stood before: a bird flies", ""),
    Cue("rose", 2.5, 0.0, "rose 30 m or more on the spot: no bird does, and a balloon drifts", ""),
    Cue("height", 0.3, -1.0, "5–1,200 m above ground", "above 2,000 m over ground"),
    Cue("manned claim", 0.0, -6.0, "", "ADS-B or Mode S says it is an aircraft, and physics does not object"),
    Cue("remote id", 2.5, 0.0, "it says by Remote ID that it is a drone", ""),
    Cue("echo", 0.5, -1.2, "echo of −20 to 0 dBsm", "echo below −25 dBsm (bird) or above 3 dBsm (aircraft)"),
    Cue("people", 2.0, 0.0, "a person heard or saw it", ""),
    Cue("toward us", 0.5, 0.0, "leads over the line towards us at night", ""),
    Cue("sensors", 0.7, 0.0, "sensors of two kinds agree", ""),
    Cue("radar", 0.3, 0.0, "radar sees it", ""),
    Cue(
        "life",
        0.5,
        -1.5,
        "followed for 15 s with 10 updates or more",
        "under 5 s or 5 updates, unless it stood from the first",
    ),
    Cue("wind", 0.0, -1.5, "", "drifts exactly with the wind"),
)

#: A release is rare among hovers of drones that crossed.
DROP_PRIOR: Final = -3.0

DROP_CUES: Final = (
    Cue(
        "descent",
        1.0,
        -0.3,
        "came down 8 m or more (and twice the height's sigma) to the hover",
        "no descent before the hover",
    ),
    Cue("hover", 1.5, 0.0, "hovered (scaled by duration up to the site's hover time)", ""),
    Cue("loiter", 0.0, -2.5, "", "stood for more than a minute, above 100 m, and did not climb after: it watches"),
    Cue("climb", 1.5, -0.3, "climbed at 1.5 m/s or more right after", "no climb after it"),
    Cue("acceleration", 0.3, 0.0, "gained 5 m/s within 8 s", ""),
    Cue("turn for home", 2.0, -1.0, "left more than 120° off the course it came on", "went on along its course"),
    Cue("homeward", 0.7, 0.0, "leaves towards the line", ""),
    Cue("inside", 0.5, -2.0, "on our side of the line", "outside the line"),
    Cue("low", 0.4, -0.4, "below 150 m above ground at the hover", "above 200 m"),
    Cue(
        "witness", 3.0, 0.0, "a camera or microphone says that it let something go (times how sure that sensor is)", ""
    ),
    Cue("crossed", 0.5, -1.5, "came over the line before", "never seen outside the line"),
)


def weights_markdown() -> str:
    """The two weight tables as Markdown, for ``docs/alarms.md``; the docs test holds the page to it."""
    lines: list[str] = []
    for title, prior, cues in (
        ("Is it a drone?", LIKENESS_PRIOR, LIKENESS_CUES),
        ("Did it release a load?", DROP_PRIOR, DROP_CUES),
    ):
        lines += [f"### {title}", "", f"Prior {prior:+.1f}.", ""]
        lines += ["| cue | for | when | against | when |", "|---|---|---|---|---|"]
        lines += [
            f"| {c.name} | {c.weight_for:+.1f} | {c.meaning_for or '–'} | {c.weight_against:+.1f} "
            f"| {c.meaning_against or '–'} |"
            for c in cues
        ]
        lines.append("")
    return "\n".join(lines)
