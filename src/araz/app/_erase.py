"""The command of retention."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from araz.app._posts import source_of
from araz.app._rim import say, wall_clock_us
from araz.app._runtime import forget_derived
from araz.store import erase, read_journal
from araz.vocabulary import ERASED_SOURCE

DAY_US = 86_400_000_000


def erase_command(
    journal: Path,
    *,
    source: Annotated[tuple[str, ...], Parameter(help="Feed whose messages hold personal data; again for more.")],
    older_than_days: Annotated[float, Parameter(help="Only messages that arrived longer ago than this.")],
    by: Annotated[str, Parameter(help="Post that answers for it, never a person's name.")],
    reason: Annotated[str, Parameter(help="Why, and by which rule; it stays in the journal for ever.")],
) -> int:
    r"""Erase the content of old personal messages; chain, heads, proofs and sealed cases stay valid.

    Stop araz watch first. What was derived (records, in PostgreSQL too, events.jsonl, views beside the journal) is
    removed too, for it holds the same data; araz watch makes it again from what is left.

    Example: araz erase out/watch/night.journal --source reports --source rid --older-than-days 90 \
             --by records-office --reason "retention 90 days, order 12"
    """
    if older_than_days < 0 or not source:
        raise ValueError("name at least one --source, and --older-than-days of 0 or more")
    end_us = wall_clock_us() - int(older_than_days * DAY_US)
    feeds = frozenset(source)
    count = erase(
        journal,
        lambda message: source_of(message).partition("#")[0] in feeds and message.received_at_us < end_us,
        by=by,
        reason=reason,
        at_us=wall_clock_us(),
    )
    # Also when all of it was erased before: a crash may have come between that and this.
    is_gone = count or any(message.source == ERASED_SOURCE for message in read_journal(journal))
    removed = forget_derived(journal.parent) if is_gone else []
    say(f"{count} messages erased; why stands in the journal. Removed beside it: {', '.join(removed) or 'nothing'}.")
    return 0
