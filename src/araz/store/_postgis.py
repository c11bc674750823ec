"""The records as geometry where their PostgreSQL has PostGIS: views for maps and questions, nothing kept twice.

==================  =================================================================================================
view                one row
==================  =================================================================================================
``track_points``    a confirmed track in a kept picture: point, with ellipsoidal height where known; claim, verdict
``incident_areas``  an area of an incident: its ellipse as a polygon and its centre; a drop's area among them
``alarm_areas``     an area of an alarm's revision
==================  =================================================================================================

Geometry is WGS 84 (EPSG 4326), ``at`` the time of the row as ``timestamptz``. An ellipse is drawn with 72 corners of
equal eccentric anomaly, each found by geodesic from the centre.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

_JSON: Final = "convert_from(json, 'UTF8')::jsonb"

_ELLIPSE: Final = """
create or replace function araz_ellipse(area jsonb) returns geometry language sql immutable parallel safe as $$
  select ST_MakePolygon(ST_AddPoint(line, ST_StartPoint(line))) from (
    select ST_MakeLine(corner order by k) as line from (
      select k, ST_Project(
        ST_SetSRID(ST_MakePoint((area->>'longitude_deg')::float8, (area->>'latitude_deg')::float8), 4326)::geography,
        sqrt(power(a * cos(t), 2) + power(b * sin(t), 2)),
        radians((area->>'azimuth_deg')::float8) + atan2(b * sin(t), a * cos(t))
      )::geometry as corner
      from (select k, 2 * pi() * k / 72 as t, greatest((area->>'semi_major_m')::float8, 0.01) as a,
                   greatest((area->>'semi_minor_m')::float8, 0.01) as b from generate_series(0, 71) as k) as around
    ) as corners
  ) as lines
$$"""

_AREA: Final = """
    (area->>'probability')::float8 as probability,
    ST_SetSRID(ST_MakePoint((area->>'longitude_deg')::float8, (area->>'latitude_deg')::float8), 4326) as centre,
    araz_ellipse(area) as area
"""

_VIEWS: Final = (
    f"""
create or replace view track_points as select
    at_us, to_timestamp(at_us / 1e6) as at, one->>'track_id' as track_id, one->>'claim' as claim,
    one->>'verdict' as verdict, (one->>'speed_mps')::float8 as speed_mps, (one->>'course_deg')::float8 as course_deg,
    ST_SetSRID(case when height is null then ST_MakePoint(east, north) else ST_MakePoint(east, north, height) end, 4326)
      as place
  from pictures, jsonb_array_elements({_JSON}->'tracks') as one,
    lateral (select (one->>'longitude_deg')::float8 as east, (one->>'latitude_deg')::float8 as north,
                    (one->>'altitude_hae_m')::float8 as height) as at_place
  where (one->>'is_confirmed')::boolean
""",
    f"""
create or replace view incident_areas as select
    incident_id, kind, at_us, to_timestamp(at_us / 1e6) as at, known_at_us, track_id, supersedes, {_AREA}
  from incidents, jsonb_array_elements({_JSON}->'areas') as area
""",
    f"""
create or replace view alarm_areas as select
    alarm_id, revision, state, changed_at_us, to_timestamp(changed_at_us / 1e6) as at, {_AREA}
  from alarms, jsonb_array_elements({_JSON}->'areas') as area
""",
)


def has_geometry(connection: Connection) -> bool:
    """Whether the views are there."""
    if connection.dialect.name != "postgresql":
        return False
    return connection.execute(text("select to_regclass('alarm_areas') is not null")).scalar_one() is True


def make_geometry(connection: Connection) -> bool:
    """Make the views where the server has PostGIS; False where it has not, or this user may not switch it on."""
    if connection.dialect.name != "postgresql":
        return False
    offered = connection.execute(text("select count(*) from pg_available_extensions where name = 'postgis'"))
    if not offered.scalar_one():
        return False
    try:
        with connection.begin_nested():
            connection.execute(text("create extension if not exists postgis"))
    except DBAPIError:  # only the administrator may, unless it is there
        return False
    for statement in (_ELLIPSE, *_VIEWS):
        connection.exec_driver_sql(statement)
    return True
