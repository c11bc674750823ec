"""Who sees what: closed unless opened, one word for an area, hidden places, and the site files that are refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.app._config import SiteError, parse_site, site_from_bundle
from araz.app._live import services_of
from araz.disclosure import (
    Shield,
    VeilState,
    open_site,
    rules_of,
    sees_all,
    shield_keeps,
    shield_moved,
    veil_note,
    withheld_at,
)
from araz.vocabulary import Alarm, Area, Incident, IncidentKind, PeopleReport, Picture, ReportReceived, Track
from hidden_lab import OURS, START_US, THEIRS, bundle, degrees, site_toml

SITE = parse_site(site_toml())
RULES = rules_of(SITE, OURS)


def track(name="T1", east_m=0.0, north_m=0.0, sensors=("hidden-radar",)):
    latitude, longitude = degrees(east_m, north_m)
    return Track(
        track_id=name, latitude_deg=latitude, longitude_deg=longitude, altitude_hae_m=300.0, altitude_amsl_m=290.0,
        altitude_agl_m=130.0, altitude_sigma_m=10.0, speed_mps=15.0, course_deg=0.0, climb_mps=0.0,
        ellipse_semi_major_m=40.0, ellipse_semi_minor_m=10.0, ellipse_azimuth_deg=33.0, existence=0.99,
        is_confirmed=True, class_name="multirotor", class_probability=0.9, started_at_us=START_US,
        updated_at_us=START_US, sensors=list(sensors),
    )  # fmt: skip


def picture(at_s, *tracks):
    return Picture(at_us=START_US + int(at_s * 1e6), tracks=list(tracks))


def told(state, at_s):
    return [one.is_active for one in withheld_at(state, RULES, START_US + int(at_s * 1e6))]


def test_what_is_not_opened_is_closed():
    assert not sees_all(SITE, OURS)
    assert sees_all(SITE, "") is False
    assert open_site(SITE, "somebody else").sensors == []
    assert [feed.id for feed in open_site(SITE, OURS).feeds] == ["open"], "decisions of another's picture are none"
    everything = parse_site(site_toml(shown_to=f'"{OURS}"'))
    assert sees_all(everything, OURS)
    assert not sees_all(everything, THEIRS), "the border service's radar is not shown to them"


def test_a_site_without_services_has_one_alone():
    plain = msgspec.structs.replace(
        SITE, service="", areas=[], feeds=[msgspec.structs.replace(feed, owner="") for feed in SITE.feeds]
    )
    assert sees_all(plain, "anybody")


def test_two_services_need_a_site_that_says_whose_its_sources_are(tmp_path):
    hashed = {"password_hash": "", "role": "officer"}
    accounts = tmp_path / "accounts.json"

    def write(*services):
        accounts.write_bytes(msgspec.json.encode([{"id": s, "service": s, **hashed} for s in services]))

    write(OURS, THEIRS)
    plain = msgspec.structs.replace(
        SITE, service="", areas=[], feeds=[msgspec.structs.replace(feed, owner="") for feed in SITE.feeds]
    )
    with pytest.raises(ValueError, match="does not say whose"):
        services_of(plain, accounts)
    with pytest.raises(ValueError, match="nobody could decide"):
        services_of(SITE, accounts)
    whole = msgspec.structs.replace(
        SITE, feeds=[msgspec.structs.replace(feed, shown_to=[THEIRS]) for feed in SITE.feeds]
    )
    assert services_of(whole, accounts) == sorted([OURS, THEIRS])
    write(OURS)
    assert services_of(plain, accounts) == [OURS]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("from_cell = [-1, -1]", "from_cell = [0, 0]"), "would betray where that stands"),
        (("from_cell = [-1, -1]", "from_cell = [1, 1]"), "exchange them"),
        (('area = "box"', 'area = "bax"'), "not in"),
        (("cell_m = 12000.0", "cell_m = 2000.0"), "would betray where that stands"),
    ],
)
def test_an_area_that_would_betray_its_source_is_refused(change, sentence):
    with pytest.raises(SiteError, match=sentence):
        site_from_bundle(bundle(site_toml().replace(*change)))
    site_from_bundle(bundle(site_toml()))


def test_an_area_is_told_of_when_its_window_has_ended():
    state = veil_note(VeilState(), RULES, picture(10, track()), None)
    start = START_US // RULES.window_us * RULES.window_us - START_US
    window_s, begin_s = RULES.window_us / 1e6, start / 1e6
    assert told(state, 10) == [False]
    assert told(state, begin_s + window_s + 0.1) == [True]
    assert told(state, begin_s + 2 * window_s + 0.1) == [False]
    shown = withheld_at(state, RULES, START_US + 10_000_000)[0]
    assert shown.from_us % RULES.window_us == 0
    assert shown.to_us - shown.from_us == RULES.window_us


@given(st.integers(0, 599), st.lists(st.booleans(), min_size=600, max_size=600))
def test_where_the_service_sees_something_itself_the_answer_does_not_tell_what_the_hidden_source_saw(until_s, follows):
    """An open track leaves the picture at ``until_s``; up to the window after it, both answers are the same."""
    blind, sharp = VeilState(), VeilState()
    for s in range(until_s + 1):
        own = picture(s, track("T9", 1000.0, 1000.0, sensors=("open-radar",)))
        blind = veil_note(blind, RULES, None, own)
        whole = picture(s, track()) if follows[s] else picture(s)
        sharp = veil_note(veil_note(sharp, RULES, whole, None), RULES, None, own)
    for later_s in range(0, int(RULES.window_us / 1e6), 7):
        assert told(blind, until_s + later_s) == told(sharp, until_s + later_s)


def test_sources_without_an_area_are_never_told_of():
    silent = rules_of(parse_site(site_toml(area="")), OURS)
    state = veil_note(VeilState(), silent, picture(10, track()), None)
    said = withheld_at(state, silent, START_US + 300_000_000)
    assert [(one.area_id, one.owner, one.is_active) for one in said] == [("", THEIRS, None)]


HIDDEN = rules_of(parse_site(site_toml() + """
[[areas]]
id = "yard"
from_cell = [0, 0]
to_cell = [0, 0]
is_hidden = true
"""), OURS)  # fmt: skip


def test_a_hidden_place_is_empty_whoever_sees_it():
    shield, shown = shield_moved(HIDDEN, picture(0, track("T1", 500, 500), track("T2", -500, 500)))
    assert [one.track_id for one in shown.tracks] == ["T2"]
    area = {"semi_major_m": 1.0, "semi_minor_m": 1.0, "azimuth_deg": 0.0, "probability": 0.9}
    inside = Area(**dict(zip(("latitude_deg", "longitude_deg"), degrees(500, 500), strict=True)), **area)
    outside = Area(**dict(zip(("latitude_deg", "longitude_deg"), degrees(-500, 500), strict=True)), **area)

    def incident(**more):
        return Incident(incident_id="I1", kind=IncidentKind.DROP, at_us=1, known_at_us=1, **more)

    assert not shield_keeps(shield, HIDDEN, incident(track_id="T1"))
    assert not shield_keeps(shield, HIDDEN, incident(track_id="T2", areas=[outside, inside]))
    assert shield_keeps(shield, HIDDEN, incident(track_id="T2", areas=[outside]))
    alarm = Alarm(alarm_id="A1", revision=1, priority=1, state="active", raised_at_us=1, changed_at_us=1,
                  sentence="", confidence=1.0, areas=[inside])  # fmt: skip
    assert not shield_keeps(shield, HIDDEN, alarm)
    report = PeopleReport(kind="heard", reporter="p", report_id="r")
    assert not shield_keeps(Shield(), HIDDEN, ReportReceived(report=report, observed_at_us=1, received_at_us=1))
    assert [(w.area_id, w.is_active) for w in withheld_at(VeilState(), HIDDEN, START_US)] == [
        ("box", False), ("yard", None),
    ]  # fmt: skip
