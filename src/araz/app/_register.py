"""The register of seizures at the rim: files in and out, revisions written, the current frame kept beside."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl

from araz.app._office import register_items
from araz.app._rim import wall_clock_us
from araz.app._station import handed_over
from araz.intelligence import (
    LINE_SCHEMA,
    ROW,
    ImportResult,
    Mapping,
    Table,
    import_own,
    import_table,
    is_own_layout,
    lines_of,
    mapping_from_toml,
    read_table,
    recognise,
    records_of,
)
from araz.store import Register
from araz.vocabulary import FloatArray, Seizure, SeizureRevision, phrase

MAPPINGS = Path(__file__).resolve().parent.parent / "intelligence" / "mappings"


def shipped_mappings() -> list[Mapping]:
    """Return the layouts that come with Araz."""
    return [mapping_from_toml(path.read_text("utf-8"), path.name) for path in sorted(MAPPINGS.glob("*.toml"))]


def find_mapping(name: str, header: list[str]) -> Mapping:
    """Return the mapping named (a shipped id or a file), or the one that fits the header."""
    if not name:
        return recognise(header, shipped_mappings())
    if name.endswith(".toml"):
        return mapping_from_toml(Path(name).read_text("utf-8"), name)
    known = {mapping.id: mapping for mapping in shipped_mappings()}
    if name not in known:
        raise ValueError(f"no mapping {name!r}; shipped are {', '.join(known)}; or give a path that ends in .toml")
    return known[name]


def load_table(path: Path, sheet: str | None = None, encoding: str | None = None) -> Table:
    """Read a CSV or XLSX file into a table; raises ValueError or OSError with the remedy."""
    return read_table(path.read_bytes(), path.name, sheet, encoding)


def load_whole(path: Path, needed: Sequence[str] = ()) -> Table:
    """Read a table of which every row counts; raises ValueError for a missing column and for the first bad row."""
    return whole(load_table(path), path.name, needed)


def whole(table: Table, name: str, needed: Sequence[str] = ()) -> Table:
    """Return a table of which every row counts; raises ValueError for a missing column and for the first bad row."""
    lacking = [column for column in needed if column not in table.header]
    if lacking:
        raise ValueError(
            phrase("refusal.no-column", name=name, column=repr(lacking[0]), header=", ".join(table.header))
        )
    if table.refused:
        bad = table.refused[0]
        raise ValueError(phrase("refusal.bad-row", name=name, row=bad.row, why=bad.message))
    return table


def numbers(table: Table, column: str, name: str) -> FloatArray:
    """Return a column of plain, finite numbers; raises ValueError naming the row of one that is none."""
    values = table.rows[column].cast(pl.Float64, strict=False)
    bad = table.rows.filter(values.is_null() | ~values.is_finite())
    if bad.height:
        raise ValueError(phrase("refusal.not-number", name=name, row=bad.row(0, named=True)[ROW], column=column))
    return np.asarray(values.to_numpy())


def load_lines(path: Path, mapping: str = "", sheet: str | None = None, encoding: str | None = None) -> ImportResult:
    """Read a file in a known layout, or in the register's own, into register lines and a report."""
    table = load_table(path, sheet, encoding)
    if not mapping and is_own_layout(table.header):
        return import_own(table)
    with _no_collection():
        return import_table(table, find_mapping(mapping, table.header))


@contextmanager
def _no_collection() -> Iterator[None]:
    """Pause the search for cycles: a million records hold none, and looking for them doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


class Book:
    """One register and, beside it, the current state as an Arrow file: derived, and made again when stale."""

    def __init__(self, path: Path) -> None:
        """Open or create the register at a path."""
        self.path = path
        self.register = Register.open(path)

    def __enter__(self) -> Book:
        return self

    def __exit__(self, *_: object) -> None:
        self.register.close()

    def _snapshot(self, entries: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{entries}.arrow")

    def frame(self) -> pl.DataFrame:
        """Return the current lines of every seizure that is not withdrawn."""
        entries = self.register.entries()
        path = self._snapshot(entries)
        if path.exists():
            frame = pl.read_ipc(path)
            if dict(frame.schema) == {name: _instance(kind) for name, kind in LINE_SCHEMA.items()}:
                return frame
        frame = lines_of(revision.record for revision in self.register.current() if revision.record is not None)
        self._keep(frame, entries)
        return frame

    def _keep(self, frame: pl.DataFrame, entries: int) -> None:
        new = self._snapshot(entries)
        part = new.with_suffix(".part")
        frame.write_ipc(part, compression="lz4")
        part.replace(new)
        for old in self.path.parent.glob(f"{self.path.name}.*.arrow"):
            if old != new:
                old.unlink(missing_ok=True)

    def take(self, lines: pl.DataFrame, changed_by: str, reason: str, batch_id: str) -> tuple[int, int, int]:
        """Write imported lines in one transaction; returns (new, changed, unchanged) seizures."""
        with _no_collection():
            return self._take(lines, changed_by, reason, batch_id)

    def _take(self, lines: pl.DataFrame, changed_by: str, reason: str, batch_id: str) -> tuple[int, int, int]:
        entries, heads = self.register.entries(), self.register.heads()
        before = self.frame()
        known = before.filter(pl.col("seizure_id").is_in(lines["seizure_id"].unique().implode()))
        standing = {record.seizure_id: record for record in records_of(known)}
        rows = dict(lines.select("seizure_id", "source_row").iter_rows())
        now, revisions, unchanged = wall_clock_us(), [], 0
        for record in records_of(lines):
            if standing.get(record.seizure_id) == record:
                unchanged += 1
                continue
            revisions.append(_revision(record.seizure_id, heads, now, changed_by, reason, record, batch_id, rows))
        if not revisions:
            return 0, 0, unchanged
        self._record(revisions)
        new = sum(revision.revision == 0 for revision in revisions)
        entries += len(revisions)
        if self.register.entries() == entries:  # else another wrote meanwhile, and the next frame is made from all
            mine = pl.col("seizure_id").is_in(pl.Series([r.seizure_id for r in revisions]).implode())
            fresh = lines.filter(mine).with_columns(pl.lit(None, dtype=pl.UInt32).alias("source_row"))
            self._keep(pl.concat([before.filter(~mine), fresh]), entries)
        return new, len(revisions) - new, unchanged

    def change(self, read: SeizureRevision, record: Seizure | None, changed_by: str, reason: str) -> SeizureRevision:
        """Add one revision by hand to the one that was read; ``None`` withdraws the seizure.

        Raises JournalError when somebody changed it since it was read.
        """
        which = read.seizure_id
        revision = _revision(which, {which: read.revision}, wall_clock_us(), changed_by, reason, record, "", {})
        self._record([revision])
        return revision

    def _record(self, revisions: Sequence[SeizureRevision]) -> None:
        """Add revisions; where a station runs in this folder, it adds them here and at its other node."""
        if not handed_over(self.path.parent, list(register_items(revisions))):
            self.register.add(revisions)

    def resolve(self, prefix: str) -> str:
        """Return the full identity for its first letters; raises ValueError when none or several fit."""
        found = self.register.ids(prefix)
        if len(found) != 1 and prefix not in found:
            none = phrase("refusal.no-seizure", prefix=repr(prefix))
            ids = ", ".join(found[:5])
            raise ValueError(
                phrase("refusal.many-seizures", prefix=repr(prefix), n=len(found), ids=ids) if found else none
            )
        return prefix if prefix in found else found[0]


def _instance(kind: object) -> object:
    return kind() if isinstance(kind, type) else kind


def _revision(seizure_id: str, heads: dict[str, int], now_us: int, changed_by: str, reason: str, record: Seizure | None,
              batch_id: str, rows: dict[str, int | None]) -> SeizureRevision:  # fmt: skip
    return SeizureRevision(seizure_id=seizure_id, revision=heads.get(seizure_id, -1) + 1, changed_at_us=now_us,
                           changed_by=changed_by, reason=reason, batch_id=batch_id, source_row=rows.get(seizure_id),
                           record=record)  # fmt: skip


def batch_of(path: Path) -> str:
    """Return the identity of an import: the file's name and the first letters of its digest."""
    with path.open("rb") as file:
        return f"{path.name}@{hashlib.file_digest(file, 'sha256').hexdigest()[:12]}"
