"""The site at the door: read once, carried as one bundle of bytes, so that a journal explains itself.

The bundle (the site file and the files it names, as canonical JSON) is the first message of every journal under the
source ``@site``. A replay therefore needs nothing but the journal, and evidence shows by which map and calibration
a night was judged. A changed site file is a new message: the pipeline starts anew from it.
"""

from __future__ import annotations

import base64
import io
import struct
import tomllib
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from araz.app._posts import site_of_post
from araz.disclosure import site_objection
from araz.exchange import read_zones
from araz.geography import Place, TerrainRaster, Zone, place_from_site
from araz.store import read_journal
from araz.vocabulary import Site

#: Source of the message that carries the site.
SITE_SOURCE = "@site"
#: A bundle larger than this is refused: a site is a few hundred kilobytes.
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
#: How a damaged archive of arrays fails, beside the usual ways.
_NO_ARCHIVE = (zipfile.BadZipFile, zlib.error, struct.error)


class SiteError(ValueError):
    """The site file is wrong: the sentence names the file, the field and the remedy."""


class Bundle(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A site file and the files it names, by the names it uses."""

    version: int
    site_toml: str
    files: dict[str, str]
    """Text files as they are; a terrain raster as base64."""
    post: str = ""
    """The post that judges only its own part of the sector; empty: the whole."""


def bundle_from_file(path: Path, post: str = "") -> bytes:
    """Read ``site.toml`` and what it names; return the canonical bundle, of the whole sector or of one post.

    Raises ``SiteError`` when a file is missing, misspelt or out of range.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SiteError(f"cannot read the site file {path}: {error.strerror}; give one with --site") from error
    site = parse_site(text, str(path))
    files: dict[str, str] = {}
    for name in filter(None, (site.border, site.towns, site.roads, site.water, site.zones, site.terrain.raster)):
        try:
            content = (path.parent / name).read_bytes()
        except OSError as error:
            raise SiteError(f"{path} names {name}, which cannot be read: {error.strerror}") from error
        files[name] = base64.b64encode(content).decode() if name == site.terrain.raster else content.decode("utf-8")
    return msgspec.json.encode(Bundle(version=1, site_toml=text, files=files, post=post), order="deterministic")


def site_bundle_of(journal: Path) -> bytes | None:
    """Return the site with which a journal begins; None where there is no journal or it begins otherwise."""
    first = next(iter(read_journal(journal)), None) if journal.exists() else None
    return None if first is None or first.source != SITE_SOURCE else first.payload


def parse_site(text: str, where: str = "site.toml") -> Site:
    """Return the typed site of a TOML text; raises ``SiteError`` naming the field that is wrong."""
    try:
        site = msgspec.convert(tomllib.loads(text), type=Site)
    except tomllib.TOMLDecodeError as error:
        raise SiteError(f"{where} is not valid TOML: {error}") from error
    except msgspec.ValidationError as error:
        raise SiteError(f"{where}: {error}; docs/site.md lists every field with its unit and range") from error
    _check_names(site, where)
    return site


def _check_names(site: Site, where: str) -> None:
    for what, names in (
        ("feeds", [feed.id for feed in site.feeds]),
        ("sensors", [sensor.id for sensor in site.sensors]),
        ("patrols", [patrol.id for patrol in site.patrols]),
        ("outputs", [output.id for output in site.outputs]),
        ("corridors", [corridor.id for corridor in site.corridors]),
        ("areas", [area.id for area in site.areas]),
        ("posts", [post.id for post in site.posts]),
        ("posts.feeds", [feed for post in site.posts for feed in post.feeds]),
    ):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SiteError(f"{where}: [[{what}]] has the id {twice[0]!r} twice; ids must differ")
    feeds = {feed.id for feed in site.feeds}
    for sensor in site.sensors:
        if sensor.feed not in feeds:
            raise SiteError(
                f"{where}: sensor {sensor.id!r} names the feed {sensor.feed!r}, which is not in [[feeds]] "
                f"({', '.join(sorted(feeds)) or 'none'})"
            )
    for post in site.posts:
        for feed_id in post.feeds:
            if feed_id not in feeds:
                raise SiteError(f"{where}: post {post.id!r} names the feed {feed_id!r}, which is not in [[feeds]]")
    if len(site.sensors) > 62:
        raise SiteError(f"{where}: {len(site.sensors)} sensors; one picture holds at most 62, split the sector")


def site_from_bundle(
    payload: bytes, narrow: Callable[[Site], Site] | None = None
) -> tuple[Site, Place, dict[str, Any]]:
    """Return site, place and the drawable geometry of a bundle; raises ``SiteError`` on anything else.

    ``narrow`` leaves out of the site what somebody may not see.
    """
    if len(payload) > MAX_BUNDLE_BYTES:
        raise SiteError(f"the site bundle has {len(payload)} bytes, more than {MAX_BUNDLE_BYTES}")
    try:
        bundle = msgspec.json.decode(payload, type=Bundle)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SiteError(f"not a site bundle: {error}") from error
    whole = parse_site(bundle.site_toml)
    try:
        whole = site_of_post(whole, bundle.post) if bundle.post else whole
    except ValueError as error:
        raise SiteError(str(error)) from error
    site = whole if narrow is None else narrow(whole)
    geometry = {
        name: json_file(bundle.files, file)
        for name, file in (("border", site.border), ("roads", site.roads), ("towns", site.towns), ("water", site.water))
    }
    try:
        place = place_from_site(
            site, geometry["border"], geometry["roads"], geometry["towns"] or (), raster=_raster(bundle.files, site),
            zones=_zones(bundle.files, site),
        )  # fmt: skip
    except SiteError:
        raise
    except (KeyError, TypeError, IndexError, ValueError) as error:
        raise SiteError(
            f"a geometry file of the site is not the GeoJSON expected: {error!r}; see docs/site.md"
        ) from error
    objection = site_objection(whole, place.frame)
    if objection is not None:
        raise SiteError(objection)
    return site, place, geometry


def json_file(files: Mapping[str, str], name: str) -> Any:
    """Return the JSON of one bundled file, None where the site names none."""
    if not name:
        return None
    try:
        return msgspec.json.decode(files[name])
    except KeyError as error:
        raise SiteError(f"the bundle lacks {name}") from error
    except msgspec.DecodeError as error:
        raise SiteError(f"{name} is not JSON: {error}") from error


def _zones(files: Mapping[str, str], site: Site) -> tuple[Zone, ...]:
    """The site's zones; one that cannot be used stops the site, because a zone that is silently missing misleads."""
    if not site.zones:
        return ()
    try:
        told = read_zones(files[site.zones].encode(), source=site.zones, received_at_us=0)
    except KeyError as error:
        raise SiteError(f"the bundle lacks {site.zones}") from error
    except ValueError as error:
        raise SiteError(f"{error}; araz zones FILE checks one") from error
    if told.rejected:
        raise SiteError(
            f"{site.zones}: {told.rejected[0].detail} ({len(told.rejected)} of "
            f"{len(told.rejected) + len(told.zones)} zones cannot be used); araz zones {site.zones} lists them, and "
            "with --out writes a file of the usable ones"
        )
    return told.zones


def _raster(files: Mapping[str, str], site: Site) -> TerrainRaster | None:
    if not site.terrain.raster:
        return None
    try:
        with np.load(io.BytesIO(base64.b64decode(files[site.terrain.raster])), allow_pickle=False) as data:
            return TerrainRaster(
                height_amsl_m=data["height_amsl_m"],
                latitude_deg=data["latitude_deg"],
                longitude_deg=data["longitude_deg"],
            )
    except (KeyError, TypeError, ValueError, OSError, EOFError, RuntimeError, *_NO_ARCHIVE) as error:
        raise SiteError(f"{site.terrain.raster} is not the raster expected: {error}; see docs/site.md") from error
