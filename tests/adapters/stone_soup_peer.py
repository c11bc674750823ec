"""Run by Stone Soup's own Python: what Stone Soup itself says, as JSON on standard output.

python stone_soup_peer.py adapt|kalman|gospa|refusals IN.json
"""

import datetime
import json
import sys
from pathlib import Path

import numpy as np
from stonesoup.measures import Euclidean
from stonesoup.metricgenerator.manager import MultiManager
from stonesoup.metricgenerator.ospametric import GOSPAMetric
from stonesoup.models.measurement.linear import LinearGaussian
from stonesoup.models.measurement.nonlinear import (
    CartesianToBearingRange,
    CartesianToElevationBearing,
    CartesianToElevationBearingRange,
    CartesianToElevationBearingRangeRate,
)
from stonesoup.models.transition.linear import CombinedLinearGaussianTransitionModel, ConstantVelocity
from stonesoup.predictor.kalman import KalmanPredictor
from stonesoup.tracker.base import Tracker
from stonesoup.types.angle import Bearing, Elevation
from stonesoup.types.array import StateVector
from stonesoup.types.detection import Detection
from stonesoup.types.groundtruth import GroundTruthPath, GroundTruthState
from stonesoup.types.hypothesis import SingleHypothesis
from stonesoup.types.prediction import GaussianStatePrediction
from stonesoup.types.state import GaussianState, State
from stonesoup.types.track import Track
from stonesoup.types.update import GaussianStateUpdate
from stonesoup.updater.kalman import ExtendedKalmanUpdater, KalmanUpdater

START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
POSITION = [0, 2, 4]
ORDER = [0, 3, 1, 4, 2, 5]
"""Of a state east, north, up, then their rates, the element for each of x, vx, y, vy, z, vz."""


def when(seconds):
    return START + datetime.timedelta(seconds=seconds)


def model_of(view, sigma, position=(0.0, 0.0, 0.0), mapping=(0, 2, 4), width=6):
    covar = np.diag(np.square(sigma))
    if view == "cart":
        return LinearGaussian(width, mapping, covar)
    here = StateVector(position[: len(mapping)])
    kind = {"sph": CartesianToElevationBearingRangeRate, "ebr": CartesianToElevationBearingRange}
    kind["plane"] = CartesianToBearingRange
    return kind[view](width, mapping, covar, translation_offset=here)


def vector_of(view, z):
    """Angles as Stone Soup's own types; ours come in Stone Soup's order already."""
    if view == "cart":
        return StateVector(z)
    if view == "plane":
        return StateVector([Bearing(z[0]), z[1]])
    return StateVector([Elevation(z[0]), Bearing(z[1]), *z[2:]])


def detections_of(case, model):
    view, times = case["view"], np.array(case["times_s"])
    for t in case["scan_times_s"]:
        rows = [case["z"][k] for k in np.flatnonzero(times == t)]
        yield when(t), {Detection(vector_of(view, z), timestamp=when(t), measurement_model=model) for z in rows}


def truths_of(case):
    paths = []
    for one in case["truth"]:
        states = [
            GroundTruthState(StateVector(x), timestamp=when(t)) for t, x in zip(case["scan_times_s"], one, strict=True)
        ]
        paths.append(GroundTruthPath(states))
    return set(paths)


def adapt(case):
    """The adapter in Stone Soup's place: its tracks under Stone Soup's own GOSPA, and what its states are."""
    from araz.adapters import stone_soup_tracker

    mapping, width = tuple(case["mapping"]), case["width"]
    models = [model_of(case["view"], case["sigma"], place, mapping, width) for place in case["places"]]
    single = models[0] if len(models) == 1 else models
    tracker = stone_soup_tracker(detections_of(case, models[0]), single, **case["known"])
    tracks, shown, sums, final = set(), [], [], []
    for time, current in tracker:
        tracks |= current
        assert current == tracker.tracks
        shown.append(len(current))
        for track in current:
            assert track.state.timestamp == time
            if isinstance(track.state, GaussianStateUpdate):
                sums.append(float(sum(h.probability for h in track.state.hypothesis)))
        final = [(track.state.mean.ravel().tolist(), track.state.covar.tolist(), track.id) for track in current]
    metric = GOSPAMetric(p=2, c=50, measure=Euclidean(mapping))
    manager = MultiManager([metric])
    manager.add_data({"groundtruth_paths": truths_of(case), "tracks": tracks})
    values = manager.generate_metrics()["gospa_generator"]["GOSPA Metrics"].value
    states = [state for track in tracks for state in track.states]
    return {
        "gospa": {str((v.timestamp - START).total_seconds()): float(v.value["distance"]) for v in values},
        "shown": shown,
        "is_tracker": isinstance(tracker, Tracker),
        "are_tracks": all(isinstance(track, Track) for track in tracks),
        "updates": sum(isinstance(state, GaussianStateUpdate) for state in states),
        "predictions": sum(isinstance(state, GaussianStatePrediction) for state in states),
        "probability_sums": sums,
        "final": final,
    }


def kalman(case):
    """Prediction, and prediction with update, by Stone Soup's filters, from one prior; in our order."""
    back = np.argsort(ORDER)
    mean, cov = np.array(case["mean"])[ORDER], np.array(case["cov"])[np.ix_(ORDER, ORDER)]
    prior = GaussianState(StateVector(mean), cov, timestamp=START)
    parts = [ConstantVelocity(case["q"]), ConstantVelocity(case["q"]), ConstantVelocity(case["q_up"])]
    predictor = KalmanPredictor(CombinedLinearGaussianTransitionModel(parts))
    model = model_of(case["view"], case["sigma"])
    updater = (KalmanUpdater if case["view"] == "cart" else ExtendedKalmanUpdater)(model)
    out = []
    for seconds, z in zip(case["seconds"], case["z"], strict=True):
        state = predictor.predict(prior, timestamp=when(seconds))
        if z is not None:
            found = Detection(vector_of(case["view"], z), timestamp=when(seconds), measurement_model=model)
            state = updater.update(SingleHypothesis(state, found))
        out.append({"mean": state.mean.ravel()[back].astype(float).tolist(),
                    "cov": np.array(state.covar)[np.ix_(back, back)].astype(float).tolist()})  # fmt: skip
    return out


def gospa(case):
    metric = GOSPAMetric(p=case["p"], c=case["c"])
    out = []
    for truth, tracks in case["sets"]:
        value, _ = metric.compute_gospa_metric([State(x) for x in tracks], [State(x) for x in truth])
        out.append({name: float(value.value[name]) for name in ("distance", "localisation", "missed", "false")})
    return out


def refusals(case):
    """What the adapter says to models it cannot take."""
    from araz.adapters import stone_soup_tracker

    turned = model_of("sph", [0.1, 0.1, 1, 1])
    turned.rotation_offset = StateVector([0, 0, 0.1])
    moving = model_of("sph", [0.1, 0.1, 1, 1])
    moving.velocity = StateVector([1, 0, 0])
    wrong = {
        "angles only": CartesianToElevationBearing(6, (0, 2, 4), np.eye(2)),
        "turned": turned,
        "moving": moving,
        "disagree": [model_of("cart", [1, 1, 1]), model_of("cart", [1, 1], mapping=(0, 2), width=4)],
        "wide": LinearGaussian(9, (0, 3, 6), np.eye(3)),
        "none": [],
        "correlated": LinearGaussian(6, (0, 2, 4), np.eye(3) + 0.1),
    }
    said = {}
    known = {"detection_probability": 0.9, "clutter_per_scan": 1.0, "max_range_m": 1e4}
    for name, model in wrong.items():
        try:
            found = Detection(StateVector([1.0, 2, 3]), timestamp=START, measurement_model=model)
            next(iter(stone_soup_tracker([(START, {found})], model, **known)))
            said[name] = "taken"
        except ValueError as problem:
            said[name] = str(problem)
    pair = [model_of("cart", [1, 1, 1]), model_of("cart", [2, 2, 2])]
    stranger = Detection(StateVector([1.0, 2, 3]), timestamp=START, measurement_model=model_of("cart", [3, 3, 3]))
    try:
        next(iter(stone_soup_tracker([(START, {stranger})], pair, **known)))
    except ValueError as problem:
        said["stranger"] = str(problem)
    return said


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](json.loads(Path(sys.argv[2]).read_text()))))
