"""Instances and plans on disk: one .npz each, arrays and a few names, nothing pickled."""

from __future__ import annotations

import dataclasses
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import msgspec
import numpy as np
from scipy.sparse import csr_array

from araz.deployment import Instance, Limits, Lottery, Plan
from araz.vocabulary import FloatArray, LatitudeDeg, LongitudeDeg

T = TypeVar("T")
_SPARSE = ("hazard", "response")
_NAMES = ("aircraft_names", "post_names", "sensor_names")
_DERIVED = ("at_stake_kg", "net_kg")


def ready(out: Path) -> Path:
    """The name a file of arrays will have, ending in .npz, and its folder made."""
    out.parent.mkdir(parents=True, exist_ok=True)
    return out if out.suffix == ".npz" else Path(f"{out}.npz")


def write_instance(instance: Instance, path: Path) -> None:
    """Write an instance; a sparse table becomes data, indices, indptr and shape."""
    arrays: dict[str, Any] = {}
    for item in dataclasses.fields(Instance):
        value = getattr(instance, item.name)
        if item.name in _SPARSE:
            arrays |= {f"{item.name}_{part}": getattr(value, part) for part in ("data", "indices", "indptr")}
            arrays[f"{item.name}_shape"] = np.array(value.shape)
        elif item.name not in (*_NAMES, *_DERIVED, "limits") and value is not None:
            arrays[item.name] = np.asarray(value)
    told = {"limits": dataclasses.asdict(instance.limits)} | {name: getattr(instance, name) for name in _NAMES}
    np.savez_compressed(path, told=np.array(json.dumps(told)), **arrays)


def read_instance(path: Path) -> Instance:
    """Read an instance; ValueError with the cause when the file is not one."""
    return _read(path, "an instance", "araz plan example writes one", _instance)


def _instance(path: Path) -> Instance:
    held = _arrays(path)
    told = json.loads(str(held.pop("told")))
    for name in _SPARSE:
        parts = [held.pop(f"{name}_{part}") for part in ("data", "indices", "indptr")]
        held[name] = csr_array(tuple(parts), shape=tuple(held.pop(f"{name}_shape").tolist()))
    sorties = int(held.pop("sorties"))
    held |= {name: tuple(told[name]) for name in _NAMES}
    return Instance(**held, sorties=sorties, limits=Limits(**told["limits"]))


def write_plan(plan: Plan, path: Path) -> None:
    """Write a plan: sensors, lotteries, guarantee and bound."""
    arrays: dict[str, Any] = {"sensors_on": plan.sensors_on, "response": plan.response, "mixture": plan.mixture}
    for k, lottery in enumerate(plan.lotteries):
        arrays |= {
            f"windows_{k}": lottery.windows,
            f"placement_{k}": lottery.placement,
            f"probability_{k}": lottery.probability,
        }
    told = {
        "guarantee_kg": plan.guarantee_kg,
        "bound_kg": plan.bound_kg,
        "worst": plan.worst,
        "tolerance": plan.tolerance,
    }
    np.savez_compressed(path, told=np.array(json.dumps(told)), **arrays)


def read_plan(path: Path) -> Plan:
    """Read a plan; ValueError with the cause when the file is not one."""
    return _read(path, "a plan", "araz plan patrols writes one", _plan)


def _plan(path: Path) -> Plan:
    held = _arrays(path)
    told = json.loads(str(held["told"]))
    count = sum(name.startswith("windows_") for name in held)
    lotteries = tuple(
        Lottery(held[f"windows_{k}"], held[f"placement_{k}"], held[f"probability_{k}"]) for k in range(count)
    )
    return Plan(
        held["sensors_on"], lotteries, held["response"], told["guarantee_kg"], told["bound_kg"], told["worst"],
        held["mixture"], told["tolerance"],
    )  # fmt: skip


class _Layout(msgspec.Struct):
    sensors_on: list[float]


def read_layout(path: Path) -> FloatArray:
    """Read which sites stand, x [S]; ValueError with the cause when the file is no layout."""
    sites = _read(
        path, "a layout", "araz plan sensors writes one", lambda p: msgspec.json.decode(p.read_bytes(), type=_Layout)
    )
    return np.array(sites.sensors_on, dtype=np.float64)


def read_places(path: Path) -> dict[str, tuple[LongitudeDeg, LatitudeDeg]]:
    """Read where the posts are, in degrees; ValueError with the cause when the file does not say."""
    kind = dict[str, tuple[LongitudeDeg, LatitudeDeg]]
    remedy = 'write {"post 1": [longitude, latitude], …} in degrees'
    return _read(path, "a list of places", remedy, lambda p: msgspec.json.decode(p.read_bytes(), type=kind))


def _arrays(path: Path) -> dict[str, Any]:
    # Opened here: numpy leaves a file open that turns out to be no archive.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def _read(path: Path, what: str, remedy: str, build: Callable[[Path], T]) -> T:
    try:
        return build(path)
    except (OSError, EOFError, BadZipFile, zlib.error, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not {what} ({error}); {remedy}") from error
