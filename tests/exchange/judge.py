"""Run by the judges' own environment: hold a file against programs and rules that are not Araz's.

python judge.py courageous FILE    the format's schema, restated, by jsonschema → number of breaches
"""

import json
import sys
from pathlib import Path


def courageous(path):
    """The rules of version 0.4.1 in our own words: what must be there, and of which kind it is."""
    import jsonschema

    number, whole, words = {"type": "number"}, {"type": "integer", "minimum": 0}, {"type": ["string", "null"]}

    def table(required, **members):
        return {"type": "object", "required": required.split(), "properties": members}

    def or_null(what):
        return {"anyOf": [what, {"type": "null"}]}

    def kind(name, members, **special):
        numbers = dict.fromkeys(members.split(), number)
        return table(f"$type {members}", **{"$type": {"enum": [name]}, **numbers, **special})

    quarter = {"enum": ["North", "East", "South", "West"]}
    location = {
        "oneOf": [
            kind("Arc", "from to"), kind("Quad", "quad", quad=quarter), kind("Bearing", "bearing"),
            kind("Position2d", "lat lon"), kind("Position3d", "lat lon height_amsl"),
            kind("BearingElevation", "bearing elevation"),
            kind("BearingElevationDistance", "bearing elevation distance"),
        ]
    }  # fmt: skip
    place = table("lat lon height_amsl", lat=number, lon=number, height_amsl=number)
    certainty = {"type": "number", "minimum": 0, "maximum": 1}
    alarm = table("active certainty", active={"type": "boolean"}, certainty=certainty)
    shared = {
        "classification": {"enum": ["Unknown", "UAV", "GCS", "Other"]}, "record_number": whole, "time": whole,
        "velocity": or_null(table("east north up", east=number, north=number, up=number)),
        "identification": words, "cuas_location": or_null(place),
    }  # fmt: skip
    always = "classification record_number time"
    tracked = table(f"{always} alarm location", alarm=alarm, location=location, **shared)
    detected = table(always, alarm=or_null(alarm), location=or_null(location), **shared)

    def sets(required, record, uas_id):
        own = {"name": words, "uas_id": uas_id, "uav_home_location": or_null(place)}
        return {"type": "array", "items": table(required, records={"type": "array", "items": record}, **own)}

    schema = table(
        "version vendor_name system_name static_cuas_location tracks detection",
        version={"enum": ["0.4.1"]}, vendor_name={"type": "string"}, system_name={"type": "string"},
        static_cuas_location=place, tracks=sets("records uas_id", tracked, whole),
        detection=sets("records", detected, or_null(whole)),
    )  # fmt: skip
    judge = jsonschema.Draft7Validator(schema)
    judge.check_schema(schema)
    return sum(1 for _ in judge.iter_errors(json.loads(path.read_text())))


if __name__ == "__main__":
    print(json.dumps({"courageous": courageous}[sys.argv[1]](Path(sys.argv[2]))))
