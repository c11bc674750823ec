"""The officer's decisions on the wire: one JSON ``Decision`` a message, written by the console.

They pass through the journal like any sensor's bytes, so that a replay decides again exactly as the night did.
"""

from __future__ import annotations

import msgspec

from araz.vocabulary import Decision


def encode_decision(decision: Decision) -> bytes:
    """Return the wire bytes of one decision."""
    return msgspec.json.encode(decision)


def decode_decision(payload: bytes) -> Decision | str:
    """Return the decision, or the sentence that says why the bytes are none."""
    try:
        return msgspec.json.decode(payload, type=Decision)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return f"not a decision: {error}"
