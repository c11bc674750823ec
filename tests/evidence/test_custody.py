"""Custody: a hand-over needs both hands, and nobody can speak for another."""

import msgspec
import pytest

from araz.evidence import (
    Accepted,
    Custody,
    CustodyRecord,
    Destroyed,
    Examined,
    ExhibitTaken,
    HandRegistered,
    Offered,
    custody_of,
    custody_step,
    load_key,
    new_key,
    public_pem,
    sign_record,
)

KEYS = {name: load_key(new_key()) for name in ("post-4", "lab-2", "court")}


def record(at, who, what, exhibit="E-1", why="order 7", key=None):
    return sign_record(CustodyRecord(at_us=at, who=who, exhibit=exhibit, what=what, why=why), KEYS[key or who])


def begun():
    records = [
        record(i, n, HandRegistered(key=public_pem(k), service="s"), "") for i, (n, k) in enumerate(KEYS.items())
    ]
    records.append(record(10, "post-4", ExhibitTaken(category="drone", description="hexacopter", seal="B-77")))
    return records


def test_a_hand_over_needs_both_hands():
    state, wrong = custody_of([*begun(), record(11, "post-4", Offered(to="lab-2"))])
    assert wrong == []
    assert state.exhibits["E-1"].holder == "post-4"  # offered is not given
    taken = custody_step(state, record(12, "lab-2", Accepted(seal="B-77")))
    assert isinstance(taken, Custody)
    assert taken.exhibits["E-1"].holder == "lab-2"


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (record(12, "lab-2", Accepted(seal="B-77"), key="post-4"), "signature"),
        (record(12, "court", Accepted(seal="B-77")), "both hands"),
        (record(12, "lab-2", Accepted(seal="B-78")), "seal"),
        (record(12, "lab-2", Examined(finding="log read")), "held by"),
        (record(12, "post-4", Offered(to="nobody")), "no key"),
        (record(5, "lab-2", Accepted(seal="B-77")), "forward"),
        (record(12, "lab-2", Accepted(seal="B-77"), exhibit="E-9"), "no exhibit"),
        (record(12, "post-4", ExhibitTaken(category="card", description="again")), "taken"),
        (record(12, "lab-2", Accepted(seal="B-77"), why=" "), "why"),
        (
            record(12, "post-4", HandRegistered(key=public_pem(KEYS["court"]), service=""), "", key="court"),
            "another key",
        ),
    ],
)
def test_what_breaks_a_rule_changes_nothing(bad, word):
    state, _ = custody_of([*begun(), record(11, "post-4", Offered(to="lab-2"))])
    answer = custody_step(state, bad)
    assert isinstance(answer, str)
    assert word in answer


def test_after_the_end_nothing_happens_to_it():
    state, _ = custody_of([*begun(), record(11, "post-4", Destroyed(description="court order 3"))])
    assert state.exhibits["E-1"].is_closed
    assert "ended" in custody_step(state, record(12, "post-4", Offered(to="lab-2")))


def test_an_altered_record_is_found_wherever_it_was_altered():
    records = begun()
    for field, value in (("why", "other"), ("who", "lab-2"), ("exhibit", "E-2"), ("at_us", 11)):
        changed = [*records[:-1], msgspec.structs.replace(records[-1], **{field: value})]
        assert custody_of(changed)[1], field
