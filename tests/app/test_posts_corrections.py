"""A correction that fails stops nobody and comes later; differences are told once, by what happened."""

import asyncio
from types import SimpleNamespace

import msgspec
import pytest

from araz.app import _centre
from araz.app._corrections import differences
from araz.app._posts import CORRECTED_SOURCE, PostMemory
from araz.geography import LocalFrame
from araz.vocabulary import Area, Correction, Incident, IncidentKind

FRAME = LocalFrame(39.41, 47.40, 169.9)
SPAN = (0, 1_000_000_000)
SECOND_US = 1_000_000


def incident(name, at_s, kind=IncidentKind.DROP, east_m=0.0, **more):
    latitude, longitude, _ = (float(one[0]) for one in FRAME.to_geodetic([[east_m, 0.0, 0.0]]))
    area = Area(
        latitude_deg=latitude, longitude_deg=longitude, semi_major_m=9, semi_minor_m=9, azimuth_deg=0, probability=0.5
    )
    return Incident(
        incident_id=name, kind=kind, at_us=at_s * SECOND_US, known_at_us=at_s * SECOND_US, areas=[area], **more
    )


def told(said, found):
    return [
        (one.kind.value, one.at_us // SECOND_US, one.supersedes)
        for one in differences(said, found, SPAN, FRAME, "K9", ["P1"])
    ]


@pytest.mark.parametrize(
    ("said", "found", "changes"),
    [
        ([], [], []),
        ([incident("I1", 50)], [incident("I7", 50, east_m=20.0)], []),
        ([], [incident("I7", 50)], [("drop", 50, None)]),
        ([incident("I1", 50)], [], [("corrected", 50, "I1")]),
        ([incident("I1", 50)], [incident("I7", 70)], [("drop", 70, "I1")]),
        ([incident("I1", 50)], [incident("I7", 50, east_m=300.0)], [("drop", 50, "I1")]),
        ([incident("I1", 50)], [incident("I7", 50, east_m=3000.0)], [("drop", 50, None), ("corrected", 50, "I1")]),
        ([incident("I1", 50)], [incident("I7", 200)], [("corrected", 50, "I1"), ("drop", 200, None)]),
        ([incident("I1", 50)], [incident("I7", 50, IncidentKind.LANDING)], [("corrected", 50, "I1"),
                                                                           ("landing", 50, None)]),
        ([], [incident("I7", 5000)], []),
        ([], [incident("I7", 50, IncidentKind.APPROACH)], []),
        # What was superseded then, by a word of its own kind or by a correction, is not held against anything.
        ([incident("I1", 50), incident("I2", 90, supersedes="I1")], [incident("I7", 90)], []),
        ([incident("I1", 50), incident("K1", 50, IncidentKind.CORRECTED, supersedes="I1")], [], []),
        ([incident("I1", 50), incident("I2", 90, IncidentKind.LANDING, supersedes="I1")], [incident("I7", 50)],
         [("corrected", 90, "I2")]),
        # Two of a kind: each is the nearest one's, once.
        ([incident("I1", 50), incident("I2", 70)], [incident("I7", 69), incident("I8", 51)], []),
    ],
)  # fmt: skip
def test_what_is_told(said, found, changes):
    assert sorted(told(said, found)) == sorted(changes)


def test_a_correction_that_fails_is_tried_again_and_stops_nobody(monkeypatch):
    late = {"P1": PostMemory(late_us=(5, 9))}
    night, taken, asked = SimpleNamespace(state=SimpleNamespace(posts=late)), [], []
    found = Correction(from_us=5, to_us=9, upto_seq=3, posts=["P1"], incidents=[])

    async def correction(live, late_us):
        asked.append(dict(late_us))
        if len(asked) == 1:
            raise OSError("the disk is full")
        return found

    async def take(at_us, source, payload):
        taken.append((at_us, source, msgspec.json.decode(payload, type=Correction)))
        late.clear()

    monkeypatch.setattr(_centre, "QUIET_S", 0.01)
    monkeypatch.setattr(_centre, "_correction", correction)

    async def run():
        task = asyncio.ensure_future(_centre.correct_forever(SimpleNamespace(night=night, take=take, clock=lambda: 77)))
        async with asyncio.timeout(60):
            while not taken:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert not task.done()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    assert taken == [(77, CORRECTED_SOURCE, found)]
    assert asked == [{"P1": (5, 9)}] * 2
