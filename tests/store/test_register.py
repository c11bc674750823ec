"""The register only grows, and what two people do at once is not lost."""

import msgspec
import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from araz.store import JournalError, Register
from araz.vocabulary import Seizure, SeizureRevision, SubstanceAmount


def revision(number, seizure_id="a", record=True, batch=""):
    amount = SubstanceAmount(
        substance="heroin", substance_reported="Heroin", quantity=number + 0.1, unit="kg", base_unit="kg"
    )
    kept = Seizure(seizure_id=seizure_id, date="2025-01-02", amounts=[amount]) if record else None
    who = {"changed_by": "analyst", "reason": "r", "batch_id": batch}
    return SeizureRevision(seizure_id=seizure_id, revision=number, changed_at_us=number, record=kept, **who)


def test_history_is_kept_and_the_newest_counts(tmp_path):
    with Register.open(tmp_path / "r.sqlite") as register:
        register.add([revision(0), revision(0, "b"), revision(1)])
        register.add([revision(2), revision(1, "b", record=False)])
        assert [item.revision for item in register.history("a")] == [0, 1, 2]
        assert [(item.seizure_id, item.revision) for item in register.current()] == [("a", 2)]
        assert register.heads() == {"a": 2, "b": 1}
        assert [item.seizure_id for item in register.changes(2)] == ["b", "a"]
    with Register.open(tmp_path / "r.sqlite") as register:
        assert register.history("a")[0] == revision(0)
        assert register.entries() == 5


@pytest.mark.parametrize("others", [1, 2000])
def test_the_heads_of_some_are_those_of_all(tmp_path, others):
    with Register.open(tmp_path / "r.sqlite") as register:
        register.add([revision(0, f"s{k}") for k in range(3000)])
        register.add([revision(1, f"s{k}") for k in range(0, 3000, 2)])
        every, some = register.heads(), {f"s{k}" for k in range(others)} | {"unknown"}
        found = register.heads(some)
        assert {name: found.get(name) for name in some} == {name: every.get(name) for name in some}
        assert set(register.heads({"s7"})) == {"s7"}


def test_an_edit_of_what_somebody_changed_meanwhile_is_refused_whole(tmp_path):
    with Register.open(tmp_path / "r.sqlite") as register:
        register.add([revision(0)])
        with pytest.raises(JournalError, match="meanwhile"):
            register.add([revision(0, "c"), revision(0)])
        assert register.heads() == {"a": 0}


@pytest.mark.parametrize(("purity", "reason"), [(150.0, "purity_percent"), (float("nan"), "cannot keep")])
def test_a_record_that_could_not_be_read_again_is_not_written(tmp_path, purity, reason):
    bad = revision(0, "b")
    amount = msgspec.structs.replace(bad.record.amounts[0], purity_percent=purity)
    bad = msgspec.structs.replace(bad, record=msgspec.structs.replace(bad.record, amounts=[amount]))
    with Register.open(tmp_path / "r.sqlite") as register:
        with pytest.raises(JournalError, match=reason):
            register.add([revision(0), bad])
        assert register.entries() == 0


def test_a_file_that_is_no_register_is_one_sentence(tmp_path):
    (tmp_path / "x.txt").write_text("no database, " * 100)
    with pytest.raises(JournalError, match="no register"):
        Register.open(tmp_path / "x.txt")


@pytest.mark.parametrize("statement", ["DELETE FROM register_revisions", "UPDATE register_revisions SET revision = 9"])
def test_the_file_itself_refuses_to_forget(tmp_path, statement):
    with Register.open(tmp_path / "r.sqlite") as register:
        register.add([revision(0)])
    engine = create_engine(f"sqlite:///{tmp_path / 'r.sqlite'}")
    with engine.begin() as connection, pytest.raises(IntegrityError, match="only grows"):
        connection.exec_driver_sql(statement)
    engine.dispose()
