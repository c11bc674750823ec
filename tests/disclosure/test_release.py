"""Four eyes: two accounts of the owning service, never the same person; what comes out, and what is taken back."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from araz.app import _pipeline as pipeline
from araz.app._case import check_case_release
from araz.app._config import SITE_SOURCE
from araz.app._views import view_of_journal
from araz.console import Role
from araz.disclosure import GRANTING, Releases, is_released, next_end_us, release_objection, release_step
from araz.disclosure._release import LONGEST_US
from araz.store import Journal, Records
from araz.vocabulary import AlarmState, Message, Release, ReleaseScope, ReleaseStep
from araz_testing import araz
from hidden_lab import OURS, PLACES_M, THEIRS, night, site_toml

SEQ = itertools.count(1_000_000)


def step(what, account="a-1", service=THEIRS, **more):
    said = {
        "release_id": "r1",
        "alarm_id": "A1",
        "to_service": OURS,
        "scope": ReleaseScope.PICTURE,
        "reason": "joint operation",
    }
    return Release(step=what, account=account, service=service, at_us=1, **(said | more))


ASK, CONFIRM, REVOKE, REFUSE = ReleaseStep


def after(*steps):
    state = Releases()
    for one in steps:
        state = release_step(state, one)
    return state


def released(state, owners=(THEIRS,), scope=ReleaseScope.PICTURE, at_us=1):
    return is_released(state, "A1", OURS, frozenset(owners), scope, at_us)


def test_two_persons_of_the_owning_service():
    assert not released(after(step(ASK)))
    assert released(after(step(ASK), step(CONFIRM, "a-2")))
    assert not released(after(step(ASK), step(CONFIRM, "a-1"))), "the same person twice"
    assert not released(after(step(ASK), step(CONFIRM, "b-1", OURS))), "the service that wants it"
    assert not released(after(step(ASK, service=OURS, to_service=OURS), step(CONFIRM, "b-2", OURS)))
    assert not released(after(step(ASK), step(CONFIRM, "a-2"), step(REVOKE, "a-1")))
    assert not released(after(step(CONFIRM, "a-2"), step(ASK))), "nobody had asked yet"


def test_every_owner_must_release_and_a_picture_is_no_case():
    state = after(step(ASK), step(CONFIRM, "a-2"))
    assert not released(state, (THEIRS, "customs"))
    assert not released(state, scope=ReleaseScope.CASE)
    whole = after(step(ASK, scope=ReleaseScope.CASE), step(CONFIRM, "a-2", scope=ReleaseScope.CASE))
    assert released(whole)
    assert released(whole, scope=ReleaseScope.CASE)
    assert not released(after(step(ASK), step(CONFIRM, "a-2", scope=ReleaseScope.CASE))), "not what was asked for"


@pytest.mark.parametrize("lacking", [{"reason": "  "}, {"account": ""}, {"service": ""}, {"to_service": ""}])
def test_a_step_says_who_and_why(lacking):
    assert release_objection(Releases(), step(ASK, **lacking)) is not None


STEPS = st.builds(
    step, st.sampled_from(list(ReleaseStep)), account=st.sampled_from(["a-1", "a-2", "b-1"]),
    service=st.sampled_from([OURS, THEIRS]), release_id=st.sampled_from(["r1", "r2"]),
)  # fmt: skip


@given(st.lists(STEPS, max_size=12))
def test_whatever_is_sent_one_person_alone_releases_nothing(steps):
    """Held against the plain words: one asked, another of that service confirmed and had not refused, none revoked."""
    expected = False
    for name in ("r1", "r2"):
        mine = [one for one in steps if one.release_id == name]
        asks = [k for k, one in enumerate(mine) if one.step is ASK and one.service != OURS]
        if not asks:
            continue
        ask, later = mine[asks[0]], [one for one in mine[asks[0] + 1 :] if one.service == THEIRS]
        other = [one.account != ask.account for one in later]
        answer = next((k for k, one in enumerate(later) if one.step in (CONFIRM, REFUSE) and other[k]), len(later))
        is_granted = answer < len(later) and later[answer].step is CONFIRM
        expected |= is_granted and not any(one.step is REVOKE for one in later)
    assert released(after(*steps)) == expected


def test_it_ends_by_itself_and_a_refusal_is_for_good():
    state = after(step(ASK, until_us=100), step(CONFIRM, "a-2"))
    assert [released(state, at_us=at) for at in (1, 99, 100)] == [True, True, False]
    assert (next_end_us(state, OURS, 99), next_end_us(state, OURS, 100), next_end_us(state, THEIRS, 1)) == (
        100,
        None,
        None,
    )
    late = msgspec.structs.replace(step(CONFIRM, "a-2"), at_us=100)
    assert "ended" in release_objection(after(step(ASK, until_us=100)), late)
    refused = after(step(ASK), step(REFUSE, "a-2"), step(CONFIRM, "a-3"))
    assert not released(refused)
    assert "refused" in release_objection(refused, step(CONFIRM, "a-3"))
    assert "only take it back" in release_objection(after(step(ASK)), step(REFUSE, "a-1"))
    for until_us in (1, 1 + LONGEST_US + 1):
        assert "31 days" in release_objection(Releases(), step(ASK, until_us=until_us))


def test_who_answers_has_the_right_role():
    asked = after(step(ASK, role="liaison"))
    for role in Role:
        is_right = role in (Role.OFFICER, Role.COMMANDER)
        for answer in (CONFIRM, REFUSE):
            assert (release_objection(asked, step(answer, "a-2", role=role.value)) is None) == is_right
        assert release_objection(asked, step(REVOKE, "a-2", role=role.value)) is None
    assert set(Role) >= GRANTING


STATES = {
    (ASK,): "asked", (ASK, CONFIRM): "granted", (ASK, REFUSE): "refused", (ASK, REVOKE): "withdrawn",
    (ASK, CONFIRM, REVOKE): "revoked", (ASK, REFUSE, REVOKE): "refused",
}  # fmt: skip


@pytest.mark.parametrize(("steps", "state"), STATES.items())
def test_how_far_it_has_come(steps, state):
    made = after(*(step(one, "a-1" if one is ASK else "a-2", until_us=50 if one is ASK else None) for one in steps))
    assert made.by_id["r1"].state_at(49).value == state
    assert made.by_id["r1"].state_at(50).value == ("ended" if state in ("asked", "granted") else state)


def test_a_step_of_an_older_journal_is_read():
    old = b'{"type":"release","release_id":"r1","step":"ask","alarm_id":"A1","to_service":"x","scope":"picture",'
    old += b'"reason":"r","account":"a","service":"s","at_us":1}'
    read = msgspec.json.decode(old, type=Release)
    assert (read.role, read.until_us) == ("", None)


def say(made, payload, source=pipeline.RELEASE_SOURCE, said=()):
    message = Message(seq=next(SEQ), received_at_us=made.whole[-1].at_us, source=source, payload=payload)
    made.views.act(message, list(said))
    return list(made.made._said[-3:])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    one = night(PLACES_M[0], tmp_path_factory.mktemp("released"))
    alarm = next(a for a in one.alarms.values() if a.track_id and one.views.whole.sensors.get(a.alarm_id))
    seen = next(p for p in one.whole if any(t.track_id == alarm.track_id for t in p.tracks))
    alarm = msgspec.structs.replace(alarm, state=AlarmState.ACTIVE)
    one.views.whole.alarms[alarm.alarm_id] = alarm
    return one, alarm, seen


def test_a_released_alarm_comes_out_and_goes_again(made):
    one, alarm, seen = made
    view, whole = one.made, one.views.whole
    assert whole.owners(alarm, OURS) == {THEIRS}
    mine = {"alarm_id": alarm.alarm_id, "release_id": "live"}
    view._said.clear()
    say(one, msgspec.json.encode(step(ASK, **mine)))
    say(one, msgspec.json.encode(step(CONFIRM, "a-1", **mine)))
    say(one, b"no release at all")
    assert view._said == [], "one person alone"
    whole.picture = seen
    shown = say(one, msgspec.json.encode(step(CONFIRM, "a-2", **mine)))[-1]
    assert (shown.alarm_id, shown.areas, shown.priority) == (f"R-{alarm.alarm_id}", alarm.areas, alarm.priority)
    assert shown.reasons_for == shown.reasons_against == shown.not_seen == []
    assert b"hidden-radar" not in msgspec.json.encode(shown)
    track = next(t for t in view.picture(whole).tracks if t.track_id == f"R-{alarm.track_id}")
    exact = next(t for t in seen.tracks if t.track_id == alarm.track_id)
    assert (track.latitude_deg, track.longitude_deg) == (exact.latitude_deg, exact.longitude_deg)
    assert (track.sensors, track.ellipse_azimuth_deg) == ([], 0.0)
    assert track.ellipse_semi_minor_m == track.ellipse_semi_major_m == exact.ellipse_semi_major_m
    ended = say(one, msgspec.json.encode(step(REVOKE, "a-2", **mine)))[-1]
    assert (ended.alarm_id, ended.state, ended.areas) == (shown.alarm_id, AlarmState.CLEARED, [])
    assert ended.revision > shown.revision
    assert not any(t.track_id.startswith("R-") for t in view.picture(whole).tracks)


def test_a_released_alarm_goes_when_its_time_is_over(made):
    one, alarm, _ = made
    now_us = one.whole[-1].at_us
    mine = {"alarm_id": alarm.alarm_id, "release_id": "short", "until_us": now_us + 60_000_000}
    say(one, msgspec.json.encode(msgspec.structs.replace(step(ASK, **mine), at_us=now_us)))
    shown = say(one, msgspec.json.encode(msgspec.structs.replace(step(CONFIRM, "a-2", **mine), at_us=now_us)))[-1]
    assert (shown.alarm_id, shown.state) == (f"R-{alarm.alarm_id}", AlarmState.ACTIVE)
    for later_us, ends in ((59_000_000, False), (60_000_000, True)):
        one.made._said.clear()
        tick = Message(seq=next(SEQ), received_at_us=now_us + later_us, source=pipeline.TICK_SOURCE, payload=b"")
        one.views.act(tick, [])
        told = [event for event in one.made._said if getattr(event, "alarm_id", "") == shown.alarm_id]
        assert [event.state for event in told] == ([AlarmState.CLEARED] if ends else [])
    say(one, msgspec.json.encode(step(REVOKE, "a-1", **mine)))  # the night's clock goes on before its end


def test_who_releases_to_others_is_not_told(made):
    one, alarm, _ = made
    mine = {"alarm_id": alarm.alarm_id, "release_id": "second"}
    elsewhere = {"alarm_id": alarm.alarm_id, "release_id": "third", "service": "customs", "to_service": "police"}
    say(one, msgspec.json.encode(step(ASK, **mine)))
    say(one, msgspec.json.encode(step(ASK, **elsewhere)))
    shown = say(one, msgspec.json.encode(step(CONFIRM, "a-2", **mine)))[-1]
    ended = say(one, msgspec.json.encode(step(REVOKE, "a-2", **mine)))[-1]
    assert shown.sentence.startswith(f"Released by {THEIRS}:")
    assert ended.sentence == f"{THEIRS} no longer releases alarm {alarm.alarm_id}."


@pytest.fixture
def journal(tmp_path):
    from araz.app._config import site_from_bundle
    from araz.simulation import simulate
    from hidden_lab import bundle, flights

    payload = bundle(site_toml())
    night_of = simulate(flights(3), site_from_bundle(payload)[1], 3)
    with Journal.open(tmp_path / "night.journal") as made:
        made.append([(flights(3).start_us, SITE_SOURCE, payload), *itertools.islice(night_of.messages, 700)])
    return tmp_path / "night.journal"


def test_an_export_for_a_service_is_its_view(journal, tmp_path):
    assert araz("export", tmp_path, "--format", "csv", "--for", OURS, "--out", tmp_path / "ours.csv") == 0
    text = (tmp_path / "ours.csv").read_text()
    seen = view_of_journal(journal, OURS, tmp_path / "again")
    with Records.open(seen / "records.sqlite") as records:
        pictures = records.pictures(0, 1 << 60, 100_000)
    rows = sum(len(picture.tracks) for picture in pictures)
    assert rows > 20
    assert len(text.splitlines()) == rows + 1
    assert "hidden-radar" not in text
    assert araz("export", tmp_path, "--format", "courageous", "--for", OURS, "--out", tmp_path / "trial.json") == 0
    assert "hidden-radar" not in (tmp_path / "trial.json").read_text()
    assert araz("export", tmp_path / "none", "--format", "csv", "--for", OURS) == 2


def test_a_service_that_sees_all_has_no_view_and_nobody_judges_the_night_for_it(journal, tmp_path, monkeypatch):
    """Whether it sees all is in the site; the hours of a night are not judged to find that out."""

    def judge(*_):
        raise AssertionError("the night was judged")

    monkeypatch.setattr("araz.app._views.sees_all", lambda site, service: True)
    monkeypatch.setattr(pipeline, "step", judge)
    assert view_of_journal(journal, OURS, tmp_path / "again") is None
    assert not (tmp_path / "again").exists()
    monkeypatch.undo()
    with pytest.raises(ValueError, match="nothing of this night is open to"):
        view_of_journal(journal, "customs of elsewhere", tmp_path / "again")


def test_a_case_for_a_service_needs_a_release_of_the_whole(journal, capsys):
    with pytest.raises(ValueError, match="did not release A1"):
        check_case_release(journal, "A1", OURS)
    case = {"scope": ReleaseScope.CASE}
    with Journal.open(journal) as book:
        book.append([(1, pipeline.RELEASE_SOURCE, msgspec.json.encode(step(ASK, **case)))])
    with pytest.raises(ValueError, match="two accounts of each"):
        check_case_release(journal, "A1", OURS)
    assert araz("case", "seal", "A1", "--journal", journal, "--for", OURS) == 2
    assert "did not release" in capsys.readouterr().err
    with Journal.open(journal) as book:
        book.append([(1, pipeline.RELEASE_SOURCE, msgspec.json.encode(step(CONFIRM, "a-2", **case)))])
    check_case_release(journal, "A1", OURS)
    with pytest.raises(ValueError, match="did not release A1"):
        check_case_release(journal, "A1", "customs")
