"""Sources of what stands in the night's journal beside what is judged.

The journal is what both nodes of a centre have and what nobody can alter unseen, so what people did is in it too.
Nothing of it moves a track or tells the time: with it and without it the same is said at the same moments.
"""

from __future__ import annotations

from typing import Final

from araz.vocabulary import SOFTWARE_SOURCE

#: Who read what for which purpose: an ``Access`` as JSON, before the answer leaves.
ACCESS_SOURCE: Final = "@access"
#: A session began or ended: a ``SessionWord`` as JSON, in which no token stands, only its hash.
SESSION_SOURCE: Final = "@session"
#: A record of custody, signed by the hand that acted; and a photograph, the file itself.
CUSTODY_SOURCE: Final = "@custody"
PHOTOGRAPH_SOURCE: Final = "@photograph"
#: Revisions of the register of seizures: a list of ``SeizureRevision`` as JSON.
REGISTER_SOURCE: Final = "@register"
#: What concerns people and other cases: it is in the journal, and in no case.
OFFICE_SOURCES: Final = frozenset({ACCESS_SOURCE, SESSION_SOURCE, CUSTODY_SOURCE, PHOTOGRAPH_SOURCE, REGISTER_SOURCE})
ASIDE_SOURCES: Final = OFFICE_SOURCES | {SOFTWARE_SOURCE}
