"""The figures, read by the parser of another project; alive and ready are two things."""

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families

from araz.app._config import bundle_from_file
from araz.app._data import site_path
from araz.app._live import Live
from araz.app._metrics import CONTENT_TYPE, Metric, Station, exposition, metrics, metrics_handlers
from araz.app._runtime import Night
from araz.console import Hub
from araz.vocabulary import AlarmState

START_US = 1_790_000_000_000_000


def parsed(text):
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for f in text_string_to_metric_families(text)
            for s in f.samples}  # fmt: skip


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.floats(allow_nan=False))
def test_any_label_and_figure_is_read_back(text, value):
    family = Metric("araz_x", "gauge", f"help of {text}", [({"feed": text, "reason": "a"}, value)])
    # The parser splits lines at what Python calls a line end; the format knows \n alone.
    assume = "".join(text.splitlines()) == text
    read = parsed(exposition([family]))
    if assume:
        assert read == {("araz_x", (("feed", text), ("reason", "a"))): value}


def alarm(priority, state):
    return SimpleNamespace(priority=priority, state=state)


BOOKS = SimpleNamespace(
    alarms=lambda: [alarm(1, AlarmState.ACTIVE), alarm(1, AlarmState.ACKNOWLEDGED), alarm(2, AlarmState.CLEARED)],
    reject_counts=lambda: [SimpleNamespace(source="radar-1", reason="truncated", total=7)],
)


def station(**more):
    said = {"believed": None, "messages": 5, "journalled": 9, "waiting": 2, "browsers": 1, "trouble": None,
            "free_bytes": 10**9}  # fmt: skip
    return Station(**(said | more))


def test_the_figures_are_those_of_the_station():
    read = parsed(exposition(metrics(station(), BOOKS)))
    assert read["araz_journal_entries_total", ()] == 9
    assert read["araz_ready", ()] == 0, "no site yet"
    assert read["araz_alarms_open", (("priority", "1"),)] == 2
    assert read["araz_alarms_open", (("priority", "2"),)] == 0
    assert read["araz_rejected_total", (("feed", "radar-1"), ("reason", "truncated"))] == 7


@pytest.fixture
def live(tmp_path):
    night = Night(tmp_path, log_events=False)
    night.set_site(bundle_from_file(site_path("horadiz")), START_US)
    made = Live(night, Hub(), lambda: START_US)
    yield made
    night.close()


def client_of(live):
    from litestar import Litestar

    return TestClient(Litestar(metrics_handlers(live.station, live.night.records)))


def test_a_running_night_tells_each_sensor(live):
    live.night.take([(START_US + k * 1_000_000, "@tick", b"") for k in range(1, 40)])
    with client_of(live) as client:
        answer = client.get("/metrics")
        assert answer.headers["content-type"] == f"{CONTENT_TYPE}; charset=utf-8"
        read = parsed(answer.text)
        assert client.get("/readyz").status_code == 200
    assert read["araz_ready", ()] == 1
    assert read["araz_journal_entries_total", ()] == read["araz_messages_judged_total", ()] == 41
    assert read["araz_data_time_seconds", ()] == START_US / 1e6 + 39
    sensors = {labels[0][1] for name, labels in read if name == "araz_sensor_ok"}
    assert sensors >= {"radar-1", "radar-2", "acoustic-1"}
    assert read["araz_sensor_ok", (("sensor", "radar-1"),)] == 0, "never heard in 39 s"


def test_a_station_that_takes_nothing_lives_but_is_not_ready(live):
    live._trouble = "no space left on the disk"
    with client_of(live) as client:
        answer = client.get("/readyz")
        assert (answer.status_code, answer.text) == (503, "not ready\n")
        assert parsed(client.get("/metrics").text)["araz_ready", ()] == 0
