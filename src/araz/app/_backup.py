"""``araz backup`` and ``araz restore``: what cannot be derived again, in one file, checked before and after."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter

from araz.app._data import DERIVED, RECORDS
from araz.app._rim import say
from araz.app._runtime import Night
from araz.evidence import MerkleTree
from araz.store import VerifyResult, heads_objection, url_file, verify_journal

JOURNAL: Final = "night.journal"
#: Not in a backup: what follows from the journal again, and what belongs to one running process. The address of its
#: PostgreSQL too: it holds a password, and whoever restored elsewhere would clear the running station's records.
LEFT_OUT: Final = frozenset({*DERIVED, "lock", url_file(RECORDS).name})


def backup_command(
    folder: Path,
    *,
    to: Annotated[Path, Parameter(help="The backup to write, a .tar.gz; it is never overwritten.")],
    keys: Annotated[bool, Parameter(help="Also the station's private keys: then guard the file like them.")] = False,
) -> int:
    """Copy a night's folder, also while it runs: journals, heads, custody, photographs, accounts; not what is derived.

    The journal is checked first; one that is damaged is not backed up over a good copy.

    Example: araz backup /var/lib/araz --to /mnt/backup/araz-2026-11-29.tar.gz
    """
    if to.exists():
        raise ValueError(f"{to} exists; a backup is never overwritten, name another file")
    result = _checked(folder)
    part = to.with_name(to.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with tarfile.open(part, "w:gz") as archive:
        count = 0
        for path in _files(folder, with_keys=keys):
            _add(archive, path, str(path.relative_to(folder)))
            count += 1
    part.replace(to)
    say(f"{to}: {count} files, the journal's first {result.entries} entries among them, {to.stat().st_size} bytes")
    return 0


def restore_command(
    backup: Path, *, out: Annotated[Path, Parameter(name="--out", help="A folder that does not exist yet.")]
) -> int:
    """Unpack a backup into a fresh folder, check its journal and heads, and derive the records again.

    Example: araz restore /mnt/backup/araz-2026-11-29.tar.gz --out /var/lib/araz
    """
    if out.exists():
        raise ValueError(f"{out} exists; restore into a folder that does not, then move it")
    out.mkdir(parents=True)
    try:
        with tarfile.open(backup, "r:gz") as archive:
            archive.extractall(out, filter="data")
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ValueError(f"{backup} is no whole backup ({error}); take an older one") from None
    # Opening repairs an entry that was being written when the copy was made: nobody had been told that it was kept.
    night = Night(out)
    try:
        result = _checked(out)
        repaired, count = night.journal.recovered, night.resume()
    finally:
        night.close()
    if repaired:
        say(repaired)
    say(f"{out}: {result.entries} entries, chain and heads hold; {count} messages judged again")
    return 0


def _checked(folder: Path) -> VerifyResult:
    """The verdict on a folder's journal; ValueError when it does not hold."""
    if not (folder / JOURNAL).exists():
        raise ValueError(f"{folder} holds no {JOURNAL}; give the --out of araz watch or araz run")
    objection: str | None = None
    for _ in range(2):  # a running station may write a head over entries that came after the first look
        result = verify_journal(folder / JOURNAL)
        if not result.ok and not result.is_torn:
            raise ValueError(f"{result.sentence} Keep this folder for examination; a good copy is not written over.")
        objection = heads_objection(folder / JOURNAL, MerkleTree(result.leaves))
        if objection is None:
            return result
    raise ValueError(f"{objection} Keep this folder for examination.")


def _files(folder: Path, *, with_keys: bool) -> Iterator[Path]:
    """What belongs in a backup: heads first, so that none speaks of entries that are not in the copy yet."""
    left_out = LEFT_OUT if with_keys else LEFT_OUT | {"keys"}
    found = [
        path for path in sorted(folder.rglob("*"))
        if path.is_file() and not left_out & set(path.relative_to(folder).parts)
    ]  # fmt: skip
    yield from sorted(found, key=lambda path: path.name != "heads.jsonl")


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """Add a file as long as it is now: a journal that grows meanwhile is copied up to here."""
    with path.open("rb") as file:
        archive.addfile(archive.gettarinfo(arcname=name, fileobj=file), file)
