"""A post's part of the sector, what the centre makes of a passed entry, the meter, the nearest patrol, the command."""

import contextlib

import msgspec
import pytest

from araz.app import _pipeline as pipeline
from araz.app._config import SITE_SOURCE, SiteError, bundle_from_file, parse_site, site_from_bundle
from araz.app._data import site_path
from araz.app._post import NearestPatrol
from araz.app._posts import POWER_SOURCE, site_of_post
from araz.app._power import read_power
from araz.app._runtime import Night
from araz.sensors import encode_asterix_034
from araz.store import Journal, erase, read_journal, read_raw, verify_journal
from araz.vocabulary import (
    POST_PREFIX,
    Alarm,
    AlarmState,
    Area,
    Message,
    PowerReading,
    Rejected,
    SensorHealth,
    SensorState,
)
from araz_posts import chain_of
from araz_testing import araz

START_US = 1_790_000_000_000_000


@pytest.fixture(scope="module")
def bundle():
    return bundle_from_file(site_path("chain"))


def entry(folder, *arrivals):
    """The bytes of a post's entries, as its journal holds them."""
    with Journal.open(folder) as journal:
        journal.append(arrivals)
    return [one.data for one in read_raw(folder)]


def judged(bundle, *arrivals):
    state, events = pipeline.init(), []
    for seq, (at_us, source, payload) in enumerate([(START_US, SITE_SOURCE, bundle), *arrivals]):
        state, said = pipeline.step(state, Message(seq=seq, received_at_us=at_us, source=source, payload=payload))
        events += said
    return state, events


def test_the_shipped_chain_is_longer_than_fifty_kilometres(bundle):
    site, place, _ = site_from_bundle(bundle)
    ends = [place.frame.to_enu(one.latitude_deg, one.longitude_deg, 0.0)[0, :2] for one in site.posts]
    assert len(site.posts) == 10
    assert sum((ends[0] - ends[-1]) ** 2) ** 0.5 > 50_000
    assert all(1_000 < abs(place.border.signed_distance_m(*end)[0]) < 4_000 for end in ends)


def test_a_post_judges_its_own_part(bundle):
    whole, _, _ = site_from_bundle(bundle)
    own, place, _ = site_from_bundle(bundle_from_file(site_path("chain"), "P03"))
    assert [one.id for one in own.sensors] == ["radar-03", "ears-03", "people"]
    assert {one.id for one in own.feeds} == {"radar-03", "ears-03", "reports", "console"}
    assert own.patrols == whole.patrols
    assert own.outputs == []
    assert (place.frame.latitude_deg, place.frame.longitude_deg) == (39.41, 47.4)
    with pytest.raises(ValueError, match="P01, P02"):
        site_of_post(whole, "P77")


def test_a_wrong_post_is_refused_with_its_name(root):
    text = site_path("chain").read_text()
    with pytest.raises(SiteError, match="radar-77"):
        parse_site(text.replace('feeds = ["radar-01", "ears-01"]', 'feeds = ["radar-77"]'))
    with pytest.raises(SiteError, match="twice"):
        parse_site(text.replace('feeds = ["radar-02", "ears-02"]', 'feeds = ["radar-01"]'))


def test_what_a_post_passes_on_is_judged_at_its_own_time(tmp_path, bundle):
    (data,) = entry(tmp_path / "a", (START_US + 5_000_000, "radar-01", encode_asterix_034(25, 1, 5.0)))
    state, _ = judged(bundle, (START_US + 9_000_000, POST_PREFIX + "P01", data))
    assert state.now_us == START_US + 9_000_000
    assert state.posts["P01"].heard_us == START_US + 5_000_000
    assert state.posts["P01"].late_us is None
    assert state.health.rows["radar-01"].messages == 1


def test_what_is_late_waits_for_a_correction(tmp_path, bundle):
    late = entry(tmp_path / "a", (START_US, "radar-01", encode_asterix_034(25, 1, 0.0)), (START_US + 1, "@tick", b""))
    state, _ = judged(bundle, *((START_US + 60_000_000, POST_PREFIX + "P01", one) for one in late))
    assert state.posts["P01"].late_us == (START_US, START_US)
    assert state.health.rows["radar-01"].messages == 0


@pytest.mark.parametrize(("post", "payload", "reason"), [
    ("P01", b"no entry", "bad-post-entry"), ("P01", b"", "bad-post-entry"), ("P77", None, "unknown-post"),
])  # fmt: skip
def test_a_bad_entry_is_a_counted_reject(tmp_path, bundle, post, payload, reason):
    (data,) = entry(tmp_path / "a", (START_US, "@tick", b""))
    _, events = judged(bundle, (START_US, POST_PREFIX + post, data if payload is None else payload))
    (refused,) = [one for one in events if isinstance(one, Rejected)]
    assert refused.reason == reason


def test_the_battery_of_a_post_is_told_at_the_post_and_at_the_centre(tmp_path, bundle):
    payload = msgspec.json.encode(PowerReading(at_us=START_US, charge=0.5, load_w=50.0, temperature_c=5.0))
    own = bundle_from_file(site_path("chain"), "P03")
    (data,) = entry(tmp_path / "a", (START_US, POWER_SOURCE, payload))
    for site, arrival in ((own, (START_US, POWER_SOURCE, payload)), (bundle, (START_US, POST_PREFIX + "P03", data))):
        _, events = judged(site, arrival)
        (health,) = [one for one in events if isinstance(one, SensorHealth) and one.sensor_id == "power P03"]
        assert health.state is SensorState.OK
        assert "50 % charged" in health.sentence
    _, events = judged(own, (START_US, POWER_SOURCE, b'{"charge": 7}'))
    assert [one.reason for one in events if isinstance(one, Rejected)] == ["bad-power"]


def test_a_lost_journal_is_made_again_from_the_centres(tmp_path, capsys):
    entries = entry(tmp_path / "p" / "night.journal", *((n, "radar-01", b"%d" % n) for n in range(30)))
    with Journal.open(tmp_path / "centre") as journal:
        journal.append([(50 + n, POST_PREFIX + ("P01" if n != 7 else "P02"), data) for n, data in enumerate(entries)])
        journal.append([(99, POST_PREFIX + "P01", entries[7])])
    words = ("post", "restore", "P01", "--journal", tmp_path / "centre", "--out")
    assert araz(*words, tmp_path / "torn") == 2, "an order that is not the post's gives no chain"
    assert "do not give its chain" in capsys.readouterr().err
    with Journal.open(tmp_path / "whole") as journal:
        journal.append([(50, POST_PREFIX + "P01", data) for data in entries])
    words = ("post", "restore", "P01", "--journal", tmp_path / "whole", "--out", tmp_path / "again")
    assert araz(*words) == 0
    again = list(read_raw(tmp_path / "again" / "night.journal"))
    assert [one.data for one in again] == entries
    assert araz(*words) == 2
    assert "already holds 30" in capsys.readouterr().err
    assert araz("post", "restore", "P09", "--journal", tmp_path / "whole", "--out", tmp_path / "none") == 2
    assert "nothing of a post 'P09'" in capsys.readouterr().err


def test_a_report_that_a_post_passed_on_can_be_erased_at_the_centre(tmp_path):
    (data,) = entry(tmp_path / "a", (5, "reports", b"a name"))
    with Journal.open(tmp_path / "centre") as journal:
        journal.append([(9, POST_PREFIX + "P01", data), (10, "@tick", b"")])
    assert erase(tmp_path / "centre", lambda one: b"a name" in one.payload, by="office", reason="r", at_us=11) == 1
    assert verify_journal(tmp_path / "centre").ok
    assert not any(b"a name" in one.payload for one in read_journal(tmp_path / "centre"))


def test_a_meter_tells_what_it_knows(tmp_path):
    meter = tmp_path / "meter.json"
    assert read_power(meter, 7) == PowerReading(at_us=7)
    meter.write_text('{"charge": 0.25, "solar_w": 0}')
    told = read_power(meter, 7)
    assert (told.at_us, told.charge, told.solar_w, told.load_w) == (7, 0.25, 0.0, None)
    meter.write_text('{"charge": 25}')
    assert read_power(meter, 7).charge is None
    supply = tmp_path / "BAT0"
    supply.mkdir()
    for name, text in {"capacity": "81", "power_now": "12500000", "status": "Discharging", "temp": "-50"}.items():
        (supply / name).write_text(text + "\n")
    told = read_power(supply, 7)
    assert (told.charge, told.load_w, told.temperature_c, told.solar_w) == (0.81, 12.5, -5.0, None)
    (supply / "status").write_text("Charging\n")
    assert read_power(supply, 7).load_w is None


def alarm(**fields):
    return Alarm(
        alarm_id="A0001", revision=0, priority=1, state=AlarmState.ACTIVE, raised_at_us=1, changed_at_us=1,
        sentence="T0001 crossed", confidence=0.9, **fields,
    )  # fmt: skip


def test_an_alarm_goes_to_the_nearest_patrol_once(bundle):
    own, _, _ = site_from_bundle(bundle_from_file(site_path("chain"), "P03"))
    said = []
    nearest = NearestPatrol(own, said.append)
    nearest.note([alarm()])
    nearest.note([alarm()])
    assert said == ["ALARM A0001 for patrol-03: T0001 crossed"]
    far = next(one for one in own.patrols if one.id == "patrol-09")
    area = Area(
        latitude_deg=far.latitude_deg, longitude_deg=far.longitude_deg, semi_major_m=1.0, semi_minor_m=1.0,
        azimuth_deg=0.0, probability=0.5,
    )  # fmt: skip
    nearest.note([alarm(areas=[area])])
    assert said[-1].startswith("ALARM A0001 for patrol-09")


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (("post", "--post", "P77", "--centre", "127.0.0.1"), "no post 'P77'"),
        (("post", "--post", "P01", "--centre", "10.0.0.5"), "--keys"),
        (("post", "keys", "10.0.0.5"), "name the posts"),
        (("watch", "--site", "horadiz", "--posts", "127.0.0.1"), "no [[posts]]"),
    ],
)
def test_a_wrong_command_says_what_to_do(tmp_path, monkeypatch, capsys, words, cause):
    monkeypatch.chdir(tmp_path)
    assert araz(*words) == 2
    assert cause in capsys.readouterr().err


def test_a_service_hears_of_a_post_only_what_is_open_to_it(tmp_path):
    site = chain_of(tmp_path / "site", ["P01"])
    shown = site.read_text().replace('id = "radar-01"\nformat', 'id = "radar-01"\nshown_to = ["state"]\nformat')
    site.write_text(shown.replace('name = "Araz chain"', 'name = "Araz chain"\nservice = "border"'))
    with contextlib.closing(Night(tmp_path / "out", services=["state"])) as night:
        night.set_site(bundle_from_file(site), START_US)
        battery = msgspec.json.encode(PowerReading(at_us=START_US))
        marks = [(START_US + k, "radar-01", encode_asterix_034(25, 1, 5.0 + k)) for k in range(3)]
        entries = entry(tmp_path / "a", *marks, (START_US, "ears-01", b"x"), (START_US, POWER_SOURCE, battery))
        night.take([(START_US + 9, POST_PREFIX + "P01", data) for data in entries])
        (view,) = night.views.all()
        assert night.believed.health.rows["radar-01"].messages == 3
        assert view.believed.health.rows["radar-01"].messages == 3
        assert "ears-01" not in view.believed.health.rows
        (post,) = view.believed.line.site.posts
        assert (post.feeds, post.battery_wh) == (["radar-01"], None)
        assert not view.believed.posts["P01"].readings
        assert view.records.rejects() == []
