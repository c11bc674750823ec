"""Cursor on Target against OpenTAKServer: what it keeps in its database, and what its other clients get."""

import asyncio
from pathlib import Path

import pytest
from test_tak import ident, judge_relayed, relayed, told_in_a_night

from araz_opentakserver import OpenTak
from araz_programs import eventually

PATROL = ident("PATROL-2").replace(b"<__group", b'<takv device="phone" platform="ATAK-CIV"/><__group')


@pytest.fixture(scope="module")
def server(oracle_python):
    """Its newest release whose code Python 3.11 reads and whose clients without TLS get anything."""
    python = oracle_python("opentakserver", "--no-deps", "-r", str(Path(__file__).with_name("opentakserver.txt")))
    with OpenTak(python) as made:
        yield made


@pytest.mark.timeout(900)
def test_it_keeps_and_relays_our_tracks_areas_orders_and_removals(server):
    def is_heard():
        return server.said().count("Opening RabbitMQ channel for") > heard

    def is_known():
        return ("PATROL-2",) in server.rows("select uid from euds")

    async def joins(writer):
        # It opens a queue for each client, and gives nothing to one that said its name before.
        await asyncio.to_thread(eventually, is_heard)
        writer.write(PATROL)
        await writer.drain()
        await asyncio.to_thread(eventually, is_known)

    eventually(server.is_open)
    heard = server.said().count("Opening RabbitMQ channel for")
    judge_relayed(relayed(*told_in_a_night(f"tcp://127.0.0.1:{server.port}"), server.port, joins))

    ours = "araz.Horadiz"
    kept = dict(server.rows(f"select uid, type from cot where sender_uid = '{ours}'"))
    assert {kept[f"{ours}.{one}"] for one in ("1772999940.T0007", "A0001.0", "order.d-1")} == {
        "a-u-A-M-H-Q", "u-d-c-c", "b-m-p-w-GOTO",
    }  # fmt: skip
    figures = "latitude, longitude, hae, ce, le, course, speed"
    [said] = server.rows(f"select {figures} from points where uid = '{ours}.1772999940.T0007'")
    assert said == pytest.approx((39.4012345, 47.3123456, 245.2, 35.1, 16.4, 321.0, 13.5), abs=1e-6)
    places = dict(server.rows(f"select uid, hae from points where device_uid = '{ours}'"))
    assert (places[f"{ours}.A0001.0"], places[f"{ours}.order.d-1"]) == (41.5, -27.0)
    assert ours not in places  # the station itself is on no map
    assert server.rows(f"select callsign, platform from euds where uid = '{ours}'") == [("Araz Horadiz", "Araz")]
