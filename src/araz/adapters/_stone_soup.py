"""Stone Soup's detections in, Stone Soup's tracks out.

Stone Soup (Dstl, MIT licence) describes a measurement by a model object: which elements of the state are position,
where the sensor stands, which covariance. Every such model becomes a row of the sensor table, every (time, detections)
one scan of each model that took part, and the picture after it becomes states on `Track` objects.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np

from araz.adapters._stone_soup_models import measured, place, sensor_of, state_order, table_of
from araz.tracking import State, init, predict_picture, step
from araz.vocabulary import MeasurementKind, Scan, SensorTable, TrackEvents, TrackingSettings, TrackPicture

START_US: Final = 1_000_000_000_000
MICROSECOND: Final = datetime.timedelta(microseconds=1)

Detections = Iterable[tuple[datetime.datetime, set[Any]]]


def stone_soup_tracker(
    detector: Detections,
    measurement_model: Any,
    *,
    detection_probability: float,
    clutter_per_scan: float,
    max_range_m: float,
    centre_enu_m: Sequence[float] = (0.0, 0.0, 0.0),
    velocity_mapping: Sequence[int] | None = None,
    min_existence: float = 0.5,
    settings: TrackingSettings | None = None,
) -> Any:
    """A Stone Soup `Tracker` that runs Araz: iterate it for (time, set of `Track`), in place of theirs.

    ``detector`` yields (datetime, set of `Detection`) in order of time, as every Stone Soup reader and simulator does;
    ``measurement_model`` is the sensor's model, or a list of several sensors' models. The state's x, y, z are metres
    east, north and up; its order is the one the models' ``mapping`` states, each velocity behind its position unless
    ``velocity_mapping`` says otherwise. ``max_range_m`` is how far a sensor sees from its ``translation_offset``
    (a `LinearGaussian` has none: from ``centre_enu_m``), and ``clutter_per_scan`` the mean number of false detections
    within.

    A (time, set) is one whole look: with one model an empty set says that nothing was there; with several, a model
    without a detection in the set did not look. A state is a `GaussianStateUpdate` whose `MultipleHypothesis` holds the
    detections that moved it and their probabilities, or a `GaussianStatePrediction` when none did. Tracks whose
    existence falls to ``min_existence`` leave the set; the id of a track is Araz's. Raises ImportError without Stone
    Soup, and ValueError for models it cannot take.
    """
    models = list(measurement_model) if isinstance(measurement_model, list | tuple) else [measurement_model]
    table = table_of(models, detection_probability, clutter_per_scan, max_range_m, centre_enu_m)
    soup = _stone_soup()
    position = tuple(models[0].mapping)
    velocity = tuple(k + 1 for k in position) if velocity_mapping is None else tuple(velocity_mapping)
    order = state_order(position, velocity, models)
    run = _Run(soup, models, table, order, min_existence, init(table, settings or TrackingSettings()))
    return _tracker_class(soup)(detector=detector, run=run)


def _stone_soup() -> Any:
    """Stone Soup's types in one place, or how to get them."""
    try:
        from stonesoup.base import Property
        from stonesoup.tracker.base import Tracker
        from stonesoup.types import detection, hypothesis, multihypothesis, prediction, track, update
    except ImportError as problem:
        raise ImportError(
            "Stone Soup is not in this environment; install it with: pip install 'araz[stonesoup]'"
        ) from problem
    import types

    return types.SimpleNamespace(
        Property=Property,
        Tracker=Tracker,
        Track=track.Track,
        Update=update.GaussianStateUpdate,
        Prediction=prediction.GaussianStatePrediction,
        Single=hypothesis.SingleProbabilityHypothesis,
        Multiple=multihypothesis.MultipleHypothesis,
        Missed=detection.MissedDetection,
    )


def _tracker_class(soup: Any) -> Any:
    """The class behind the iterator, a `Tracker` like any other; made late, for its base comes with the extra."""

    class ArazTracker(soup.Tracker):  # type: ignore[misc]
        """`araz.tracking` as a Stone Soup tracker."""

        detector: Any = soup.Property(doc="yields (time, set of Detection)")
        run: Any = soup.Property(doc="the tracker behind it")
        detector_iter: Any = None

        @property
        def tracks(self) -> set[Any]:
            return set(self.run.shown)

        def __next__(self) -> tuple[datetime.datetime, set[Any]]:
            if self.detector_iter is None:
                self.detector_iter = iter(self.detector)
            when, detections = next(self.detector_iter)
            return self.update_tracker(when, detections)

        def update_tracker(self, time: datetime.datetime, detections: set[Any]) -> tuple[datetime.datetime, set[Any]]:
            self.run.take(time, detections)
            return time, self.tracks

    return ArazTracker


class _Run:
    """One stream: the tracker's state, and the Track objects made from it."""

    def __init__(
        self, soup: Any, models: list[Any], table: SensorTable, order: list[int], min_existence: float, state: State
    ) -> None:
        self.soup, self.models, self.table, self.order = soup, models, table, order
        self.min_existence, self.state = min_existence, state
        self.start: datetime.datetime | None = None
        self.by_id: dict[int, Any] = {}
        self.shown: list[Any] = []

    def take(self, when: datetime.datetime, detections: set[Any]) -> None:
        """One (time, detections): all sensors' looks, then new states on the tracks."""
        self.start = when if self.start is None else self.start
        at_us = START_US + (when - self.start) // MICROSECOND
        before = predict_picture(self.state, at_us)
        moved: dict[int, list[tuple[Any, float]]] = {}
        picture = before
        for sensor, members in self._looks(detections):
            self.state, events = step(self.state, self._scan(sensor, members, at_us))
            picture = events.picture
            self._collect(moved, events, members)
        self._show(when, before, picture, moved)

    def _looks(self, detections: set[Any]) -> Iterator[tuple[int, list[Any]]]:
        """Detections by sensor, in an order that does not hang on the set's."""
        by_sensor: dict[int, list[Any]] = {0: []} if len(self.models) == 1 else {}
        for detection in detections:
            by_sensor.setdefault(sensor_of(self.models, detection), []).append(detection)
        for sensor in sorted(by_sensor):
            yield sensor, sorted(by_sensor[sensor], key=lambda d: tuple(np.ravel(d.state_vector).astype(float)))

    def _scan(self, sensor: int, members: list[Any], at_us: int) -> Scan:
        assert self.start is not None
        count = len(members)
        z, sigma = np.full((count, 4), np.nan), np.full((count, 4), np.nan)
        origin = np.tile(self.table.origin_enu_m[sensor], (count, 1))
        own_us = np.full(count, at_us, np.int64)
        for row, detection in enumerate(members):
            model = detection.measurement_model or self.models[sensor]
            z[row], sigma[row] = measured(model, np.ravel(detection.state_vector).astype(float))
            origin[row] = place(model, self.table.origin_enu_m[sensor])
            if detection.timestamp is not None:
                own_us[row] = START_US + (detection.timestamp - self.start) // MICROSECOND
        return Scan(
            sensor_index=sensor,
            kind=MeasurementKind(int(self.table.kind[sensor])),
            at_us_end=at_us,
            is_complete=True,
            at_us=own_us,
            z=z,
            sigma=sigma,
            origin_enu_m=origin,
            velocity_enu_mps=np.full((count, 3), np.nan),
            claim_key=np.zeros(count, np.int64),
            rcs_dbsm=np.full(count, np.nan),
            message_seq=np.arange(count, dtype=np.int64),
        )

    def _collect(self, moved: dict[int, list[tuple[Any, float]]], events: TrackEvents, members: list[Any]) -> None:
        pairs = zip(events.pair_track_id, events.pair_row, events.pair_probability, strict=True)
        for track_id, row, probability in pairs:
            moved.setdefault(int(track_id), []).append((members[int(row)], float(probability)))

    def _show(
        self,
        when: datetime.datetime,
        before: TrackPicture,
        picture: TrackPicture,
        moved: dict[int, list[tuple[Any, float]]],
    ) -> None:
        """Append a state to every track that exists by now."""
        self.shown = []
        earlier = {int(track_id): row for row, track_id in enumerate(before.track_id)}
        for row in np.flatnonzero(picture.existence > self.min_existence):
            track_id = int(picture.track_id[row])
            prior = earlier.get(track_id)
            predicted = None if prior is None else self._state(self.soup.Prediction, before, prior, when)
            if track_id in moved:
                hypothesis = self._hypothesis(predicted, moved[track_id], when)
                state = self._state(self.soup.Update, picture, int(row), when, hypothesis=hypothesis)
            else:
                state = self._state(self.soup.Prediction, picture, int(row), when)
            track = self.by_id.setdefault(track_id, self.soup.Track(id=str(track_id)))
            track.append(state)
            self.shown.append(track)
        alive = set(picture.track_id.tolist())
        self.by_id = {track_id: track for track_id, track in self.by_id.items() if track_id in alive}

    def _hypothesis(self, predicted: Any, pairs: list[tuple[Any, float]], when: datetime.datetime) -> Any:
        single, missed = self.soup.Single, self.soup.Missed(timestamp=when)
        rest = max(0.0, 1.0 - sum(probability for _, probability in pairs))
        singles = [single(predicted, detection, probability=probability) for detection, probability in pairs]
        return self.soup.Multiple([*singles, single(predicted, missed, probability=rest)])

    def _state(self, kind: Any, picture: TrackPicture, row: int, when: datetime.datetime, **more: Any) -> Any:
        mean = np.concatenate((picture.position_enu_m[row], picture.velocity_enu_mps[row]))[self.order]
        cov = picture.covariance[row][np.ix_(self.order, self.order)]
        return kind(mean[:, None], cov, timestamp=when, **more)
