"""What registration says: which errors are sure enough to take off, who lies, and the technician's sentence."""

from __future__ import annotations

from typing import Final

import numpy as np
from msgspec.structs import replace

from araz.tracking._registration_book import MOVES, forget, judge
from araz.tracking._registration_state import CLOCK, PER_SENSOR, RegistrationState, components_of, errors_of, without
from araz.vocabulary import BiasEstimate, BoolArray, FloatArray, Phrase, SensorRegistration, phrase

SURE: Final = 4.0
"""Standard deviations by which an error must differ from zero before it is taken off."""
WORTH: Final = 0.3
"""... and it must exceed this share of the sensor's own noise (a clock: WORTH_CLOCK_S), or correcting gains nothing."""
WORTH_CLOCK_S: Final = 0.25
LEAST_PAIRS: Final = 30
TELL_US: Final = 30_000_000
NAMES: Final = ("range", "azimuth", "elevation", "clock")
UNITS: Final = ("m", "deg", "deg", "s")
SCALE: Final = np.array([1.0, 180.0 / np.pi, 180.0 / np.pi, 1.0])


def judged(state: RegistrationState) -> tuple[RegistrationState, list[SensorRegistration]]:
    """Judge the sensors by the books, decide what to take off, and report what is due."""
    verdicts = judge(state.book, state.sensors, errors_of(state)[0][:, :3], state.restarts, state.is_lying)
    before = state
    state = replace(
        state,
        noise_factor=verdicts.noise_factor,
        is_lying=verdicts.is_lying,
        is_disputed=verdicts.is_disputed,
        reasons=verdicts.reasons,
    )
    for s in np.flatnonzero(verdicts.is_moved & (state.restarts < MOVES) | (before.is_lying & ~state.is_lying)):
        state = _anew(state, int(s), has_moved=not before.is_lying[s])
    if (state.is_lying & ~before.is_lying).any():
        state = _all_anew(state)
    state = replace(state, is_applied=_applied(state))
    changed = (state.is_applied != before.is_applied).any(axis=1)
    changed |= (state.is_lying != before.is_lying) | (state.is_disputed != before.is_disputed)
    due = (state.pairs >= LEAST_PAIRS) & (state.at_us - state.told_us >= TELL_US) & (state.pairs != state.told_pairs)
    rows = np.flatnonzero(changed | due)
    if not len(rows):
        return state, []
    told_us, told_pairs = state.told_us.copy(), state.told_pairs.copy()
    told_us[rows], told_pairs[rows] = state.at_us, state.pairs[rows]
    return replace(state, told_us=told_us, told_pairs=told_pairs), [_report(state, int(s)) for s in rows]


def _anew(state: RegistrationState, s: int, *, has_moved: bool) -> RegistrationState:
    """Forget what was learned of a sensor's errors, for they are not what they were."""
    mean, cov = without(state.mean, state.cov, PER_SENSOR * s + np.arange(PER_SENSOR), state.prior_sigma)
    restarts, since = state.restarts.copy(), state.since.copy()
    restarts[s], since[s] = restarts[s] + 1 if has_moved else 0, 0
    return replace(state, mean=mean, cov=cov, restarts=restarts, since=since, book=forget(state.book, s))


def _all_anew(state: RegistrationState) -> RegistrationState:
    """A liar's comparisons stand in everybody's errors: start again without it; its own books stay."""
    book = state.book
    for s in np.flatnonzero(~state.is_lying).tolist():
        kept = book.partner.copy()
        kept[s] = -1
        book = book._replace(partner=kept)
    mean, cov, since = np.zeros_like(state.mean), np.diag(state.prior_sigma**2), np.zeros_like(state.since)
    return replace(state, mean=mean, cov=cov, since=since, book=book)


def _applied(state: RegistrationState) -> BoolArray:
    """Which errors [S, 4] are taken off: sure, worth it, and of a sensor that does not lie.

    An error is sure when it is SURE standard deviations from zero. Of clocks often only the difference shows; when that
    is sure and twice what is worth it, each clock gets its likeliest share, and the picture is whole. The other errors
    of a sensor with a sure one need half of that, for it is not well set up. One taken off stays so until a quarter.
    """
    mean, _ = errors_of(state)
    worth = _worth(state)
    seen = np.flatnonzero((state.pairs >= LEAST_PAIRS) & ~state.is_lying & ~state.is_disputed).tolist()
    out = np.zeros_like(state.is_applied)
    for s in seen:
        components = components_of(int(state.sensors.kind[s]))
        if components == (CLOCK,):
            continue
        standing = {c: _standing(state, s, c, seen) for c in components}
        doubted = max(standing[c] for c in components if c != CLOCK) > SURE
        for c in components:
            scale = 0.25 if state.is_applied[s, c] else 1.0
            need = SURE * (0.5 if doubted else 1.0)
            out[s, c] = standing[c] > scale * need and abs(mean[s, c]) > scale * worth[s, c]
    return out


def _standing(state: RegistrationState, s: int, c: int, seen: list[int]) -> float:
    """Standard deviations by which an error differs from zero, a clock's also from another sensor's."""
    mean, sigma = errors_of(state)
    own = abs(mean[s, c]) / sigma[s, c]
    if c == CLOCK:
        for p in seen:
            apart_s = abs(mean[s, c] - mean[p, c])
            if p != s and _shows(state, p, c) and apart_s > 2.0 * WORTH_CLOCK_S:
                own = max(own, apart_s / _apart(state, s, p, c))
    return float(own)


def _shows(state: RegistrationState, p: int, c: int) -> bool:
    return c in components_of(int(state.sensors.kind[p])) and not state.sensors.is_claim[p]


def _apart(state: RegistrationState, s: int, p: int, c: int) -> float:
    """Standard deviation of the difference of one error of two sensors."""
    i, j = PER_SENSOR * s + c, PER_SENSOR * p + c
    return float(np.sqrt(max(state.cov[i, i] + state.cov[j, j] - 2.0 * state.cov[i, j], 1e-18)))


def _worth(state: RegistrationState) -> FloatArray:
    """Smallest error [S, 4] that is worth taking off."""
    noise = np.full((len(state.pairs), PER_SENSOR), np.nan)
    is_polar = state.sensors.kind == 0
    noise[is_polar, :3] = state.sensors.sigma[is_polar, :3]
    noise[~is_polar, 1:3] = state.sensors.sigma[~is_polar, :2]
    out: FloatArray = WORTH * np.nan_to_num(noise)
    out[:, CLOCK] = WORTH_CLOCK_S
    return out


def _report(state: RegistrationState, s: int) -> SensorRegistration:
    mean, sigma = errors_of(state)
    biases = [
        BiasEstimate(
            component=NAMES[c],
            value=round(float(mean[s, c] * SCALE[c]), 4),
            sigma=round(float(sigma[s, c] * SCALE[c]), 4),
            unit=UNITS[c],
            is_applied=bool(state.is_applied[s, c]),
        )
        for c in components_of(int(state.sensors.kind[s]))
    ]
    sentence = _sentence(state, s, biases)
    return SensorRegistration(
        sensor_id=state.sensors.sensor_id[s],
        at_us=state.at_us,
        pairs=int(state.pairs[s]),
        biases=biases,
        is_lying=bool(state.is_lying[s]),
        is_disputed=bool(state.is_disputed[s]),
        reasons=[str(reason) for reason in state.reasons[s]],
        sentence=str(sentence),
        said=sentence.said,
    )


def _sentence(state: RegistrationState, s: int, biases: list[BiasEstimate]) -> Phrase:
    name, why = state.sensors.sensor_id[s], state.reasons[s]
    if state.is_lying[s]:
        return phrase("health.lies", sensor=name, reasons=why)
    if state.is_disputed[s]:
        return phrase("health.disputed", sensor=name, reasons=why)
    taken = [bias for bias in biases if bias.is_applied]
    if taken:
        return phrase("health.corrected", sensor=name, errors=[_words(bias) for bias in taken])
    return phrase("health.agrees", sensor=name)


def _words(bias: BiasEstimate) -> Phrase:
    digits = 0 if bias.unit == "m" else 2
    mark = "°" if bias.unit == "deg" else f" {bias.unit}"
    value = f"{bias.value:+.{digits}f} ± {2.0 * bias.sigma:.{digits}f}{mark}"
    return phrase("health.error", component=phrase(f"component.{bias.component}"), value=value)
