"""Whether a pairing is borne out: alone, a false plot or another bird of a flock looks like a sensor's error.

Errors are constant, so two comparisons of one track by the same two sensors differ by noise alone. With the linear
comparisons nu_i = J_i (b - mean) + noise of ``_registration_pairs``, at one and the same mean,

    nu_2 - nu_1  ~  N(0, (J_2 - J_1) P (J_2 - J_1)' + R_1 + R_2),

which tests a pairing on plots it was not chosen with, and hardly depends on the prior (where the target stays, J_2 is
J_1). The gate of one comparison holds every error still possible, some hundreds of metres at first; this one holds the
noise. Source: the consistency test of track-to-track association, docs/registration.md [1].
"""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec.structs import replace

from araz.tracking._registration_kernel import squared_distances
from araz.tracking._registration_pairs import GATE, Pairs
from araz.tracking._registration_state import Link, RegistrationState
from araz.vocabulary import BoolArray, IntArray

BORNE_OUT: Final = 3
"""A pairing teaches from this comparison in a row on."""
APART_US: Final = 30_000_000
"""The next comparison of a row comes within this; a known sensor has a turn every ten seconds."""


def borne_out(
    state: RegistrationState, pairs: Pairs, chosen: IntArray, sensor: int
) -> tuple[RegistrationState, BoolArray]:
    """The state that remembers the chosen comparisons of a sensor's scan, and which of them [C] are borne out."""
    anchor, count = pairs.anchor[chosen], np.ones(len(chosen), np.int64)
    track, other = state.anchors.track_id[anchor].tolist(), state.anchors.sensor[anchor].tolist()
    keys = [(track[i], other[i], sensor) for i in range(len(chosen))]
    links = {key: link for key, link in state.links.items() if state.at_us - link.at_us <= APART_US}
    known = np.array([i for i, key in enumerate(keys) if key in links], np.int64)
    if len(known):
        last = [links[keys[i]] for i in known.tolist()]
        rows = chosen[known]
        columns, jac = pairs.columns[rows], np.stack([link.jac for link in last])
        apart = pairs.nu[rows] - np.stack([link.seen for link in last])
        apart += np.einsum("cij,cj->ci", jac, state.mean[columns])
        noise = pairs.noise[rows] + np.stack([link.noise for link in last])
        far2 = squared_distances(apart, noise, pairs.jac[rows] - jac, columns, state.cov)
        agrees = far2 <= np.array(GATE)[pairs.compared[rows]]
        agrees &= (columns == np.stack([link.columns for link in last])).all(axis=1)  # a slot may have a new owner
        count[known] += np.where(agrees, [link.in_a_row for link in last], 0)
    seen = pairs.nu[chosen] + np.einsum("cij,cj->ci", pairs.jac[chosen], state.mean[pairs.columns[chosen]])
    for i, (key, k) in enumerate(zip(keys, chosen.tolist(), strict=True)):
        links[key] = Link(state.at_us, int(count[i]), seen[i], pairs.noise[k], pairs.jac[k], pairs.columns[k])
    return replace(state, links=links), count >= BORNE_OUT
