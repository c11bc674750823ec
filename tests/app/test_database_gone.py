"""The database goes away in the middle of a night: journal and screen go on, and it gets all when it is back."""

import logging

import pytest
from sqlalchemy import create_engine

from araz.app._config import bundle_from_file
from araz.app._data import site_path
from araz.app._runtime import Night
from araz.store import Records, _records, read_journal
from araz.vocabulary import Picture

START_US = 1_790_000_000_000_000


def ticks(first, last):
    return [(START_US + k * 1_000_000, "@tick", b"") for k in range(first, last)]


def rejected(at_s):
    return (START_US + at_s * 1_000_000, "radar-1", b"\x30\x00")


@pytest.fixture
def night(tmp_path):
    made = Night(tmp_path / "out", log_events=False)
    made.set_site(bundle_from_file(site_path("horadiz")), START_US)
    yield made
    made.close()


def test_nothing_is_lost_while_the_database_is_gone(night, tmp_path, caplog):
    told = []
    night.listen(told.extend)
    night.take([*ticks(1, 10), rejected(10)])
    well = night._records._engine
    gone = create_engine(f"sqlite:///{tmp_path}/no/such/folder/records.sqlite")
    night._records._engine = gone
    with caplog.at_level(logging.ERROR, "araz"):
        for k in range(11, 31):
            taken = night.take([*ticks(k, k + 1), rejected(k)])
            assert len(taken) == 2, "acknowledged: it is in the journal"
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1, "once, not each second"
    assert "the journal goes on" in said[0]
    assert "unable to open database file" in said[0]
    assert night.unstored > 20
    assert [event.at_us for event in told if isinstance(event, Picture)][-1] == START_US + 30_000_000, "the screen too"
    night._records._engine = well
    gone.dispose()
    night.take(ticks(31, 33))
    assert night.unstored == 0
    assert (
        len(list(read_journal(tmp_path / "out" / "night.journal"))) == 1 + 10 + 40 + 2 + 1
    )  # one says by which software
    assert [picture.at_us for picture in told if isinstance(picture, Picture)] == [
        picture.at_us for picture in night.records.pictures(0, 1 << 60, 10_000)
    ]
    assert sum(count.total for count in night.records.reject_counts("radar-1")) == 21, "each counted once"


def test_what_waits_is_not_encoded_again_with_each_batch(night, tmp_path, monkeypatch):
    encoder, encoded = _records._ENCODER, []

    class Counting:
        def encode(self, item):
            encoded.append(item)
            return encoder.encode(item)

    monkeypatch.setattr(_records, "_ENCODER", Counting())
    well, gone = night._records._engine, create_engine(f"sqlite:///{tmp_path}/no/x.sqlite")
    night._records._engine = gone
    for k in range(1, 41):
        night.take(ticks(k, k + 1))
    assert night.unstored > 40
    assert encoded == [], "nothing, however often it was offered"
    night._records._engine = well
    gone.dispose()
    night.take(ticks(41, 42))
    assert night.unstored == 0
    assert len([event for event in encoded if isinstance(event, Picture)]) == 41


def test_the_records_are_the_same_as_if_it_had_never_gone(night, tmp_path):
    arrivals = [*ticks(1, 10), rejected(10), *ticks(11, 40)]
    other = Night(tmp_path / "other", log_events=False)
    other.set_site(bundle_from_file(site_path("horadiz")), START_US)
    well = night._records._engine
    for number, arrival in enumerate(arrivals):
        is_gone = 5 <= number < 25
        night._records._engine = create_engine(f"sqlite:///{tmp_path}/no/x.sqlite") if is_gone else well
        night.take([arrival])
        if is_gone:
            night._records._engine.dispose()
        other.take([arrival])
    a, b = (Records.open(tmp_path / name / "records.sqlite") for name in ("out", "other"))
    for ask in ("alarms", "incidents", "health", "health_history", "reject_counts", "rejects"):
        assert getattr(a, ask)() == getattr(b, ask)()
    assert a.pictures(0, 1 << 60, 10_000) == b.pictures(0, 1 << 60, 10_000)
    for one in (a, b, other):
        one.close()
