"""The coverage map as the browser gets it, and weather sent through the console."""

import base64
import contextlib

import numpy as np
from litestar import Litestar
from litestar.testing import TestClient

from araz.app._config import bundle_from_file
from araz.app._coverage import KEPT, CoverageDesk, coverage_handlers
from araz.app._data import site_path
from araz.app._logs import SIGHTINGS
from araz.app._runtime import Night
from araz.sensors import coverage
from araz.vocabulary import SensorHealth, SensorRegistration, SensorState

AT_US = 1_773_000_000_000_000


class Raced(dict):
    """A dictionary whose oldest entry another thread has just taken out."""

    def pop(self, key, *otherwise):
        super().pop(key, None)
        return super().pop(key, *otherwise)


def health(name, state, **more):
    return SensorHealth(
        sensor_id=name, at_us=AT_US, state=state, sentence="", last_heard_us=None, messages=0, observations=0,
        rejects=0, reject_reasons={}, **more,
    )  # fmt: skip


def test_not_counted_is_every_sensor_of_which_nothing_is_left(tmp_path):
    with contextlib.closing(Night(tmp_path, log_events=False)) as night:
        night.set_site(bundle_from_file(site_path("horadiz")), AT_US)
        *rest, one, two, three = (sensor.id for sensor in night.believed.line.site.sensors)
        lies = SensorRegistration(sensor_id=two, at_us=AT_US, pairs=99, biases=[], is_lying=True)
        records = [
            health(one, SensorState.SILENT), health(two, SensorState.LYING, registration=lies),
            health(three, SensorState.UNKNOWN), *(health(name, SensorState.DEGRADED) for name in rest),
        ]  # fmt: skip
        night.records.write(records)
        desk = CoverageDesk(night)
        desk._kept = Raced({(number,): {} for number in range(KEPT)})
        answer = desk.answer("", AT_US)
        assert answer["sensors_lost"] == [one, two, three]
        assert np.frombuffer(base64.b64decode(answer["bands"][2]["tracked"]), np.uint8).any(), "the rest still sees"


def test_map_weather_and_sightings_over_http(tmp_path):
    night = Night(tmp_path, log_events=False)
    night.set_site(bundle_from_file(site_path("horadiz")), AT_US)

    async def submit(source, payload):
        return night.take([(AT_US + 1_000_000, source, payload)])[0]

    with TestClient(Litestar(coverage_handlers(night, submit))) as client:
        assert client.get("/api/coverage?quarry=zeppelin").status_code == 400
        assert client.get("/api/coverage?at_us=-5").status_code == 400
        assert client.get("/api/coverage?at_us=²").status_code == 400, "a digit to Unicode, no number to Python"
        broken = {"content": b'{"wind_mps":"\xff"}', "headers": {"content-type": "application/json"}}
        assert client.post("/api/weather", **broken).status_code == 400
        # No sensor was heard yet: a map that claims nothing.
        blank = client.get("/api/coverage").json()
        assert not np.frombuffer(base64.b64decode(blank["bands"][2]["tracked"]), np.uint8).any()
        assert blank["sensors_lost"] == [sensor.id for sensor in night.believed.line.site.sensors]
        assert blank["weather_unknown"] == ["rain_mm_per_h", "visibility_m"]
        assert (
            client.post("/api/weather", content=b"{", headers={"content-type": "application/json"}).status_code == 400
        )
        sent = client.post("/api/weather", json={"rain_mm_per_h": 10.0, "visibility_m": 900.0})
        assert sent.status_code == 201
        wet = client.get("/api/coverage?quarry=small").json()
        assert wet["weather"]["rain_mm_per_h"] == 10.0
        assert wet["weather_unknown"] == []
        assert wet["quarry"]["rcs_dbsm"] == -15.0
        line = night.believed.line
        cover = coverage(line.place, line.table)
        assert (wet["columns"], wet["rows"]) == (len(cover.east_m), len(cover.north_m))
        (west, north), _, (east, south), _ = wet["corners"]
        assert west < line.site.origin_longitude_deg < east
        assert south < line.site.origin_latitude_deg < north
        row = [AT_US, 39.45, 47.335, cover.east_m[40], cover.north_m[40], 80.0, 1, "card.srt", 0.0]
        head = "at_us,latitude_deg,longitude_deg,east_m,north_m,height_agl_m,is_seen,log,claimed"
        (tmp_path / SIGHTINGS).write_text(head + "\n" + ",".join(map(str, row)) + "\n")
        learned = client.get("/api/coverage").json()
        assert learned["crossings_learned"] == 1
        cells = np.frombuffer(base64.b64decode(learned["bands"][2]["tracked"]), np.uint8)
        # One crossing seen beside a prior worth twenty, where the map claimed nothing: 1 / 21.
        assert cells.max() == 5
        assert not np.frombuffer(base64.b64decode(learned["bands"][0]["tracked"]), np.uint8).any()
    assert night.believed.weather.rain_mm_per_h == 10.0
    night.close()
