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


def ed269(path):
    """Each zone as another implementation of ED-269 holds it."""
    from uas_standards.eurocae_ed269 import ED269Schema

    zones = ED269Schema.from_dict(json.loads(path.read_text())).features
    return [
        {
            "identifier": zone.identifier,
            "kind": zone.restriction.value,
            "radius": zone.geometry[0].horizontalProjection.get("radius"),
            "days": [day.value for day in zone.applicability[0].get("schedule", [{"day": []}])[0]["day"]],
        }
        for zone in zones
    ]


def ed318(path):
    """Each zone as another implementation of ED-318 holds it."""
    from implicitdict import ImplicitDict
    from uas_standards import eurocae_ed318

    zones = []
    for feature in json.loads(path.read_text())["features"]:
        # Part by part: its reader of whole files tries every geometry as a Point.
        inner = ImplicitDict.parse(feature["properties"], eurocae_ed318.UASZone)
        shape = ImplicitDict.parse(feature["geometry"], getattr(eurocae_ed318, feature["geometry"]["type"]))
        periods = inner.get("limitedApplicability") or []
        zones.append(
            {
                "identifier": inner.identifier,
                "kind": inner.type.value,
                "radius": (shape.get("extent") or {}).get("radius"),
                "days": [day.value for day in periods[0].schedule[0].day] if periods else [],
            }
        )
    return zones


def misp(path):
    """The objects of an event after pymisp read it; it raises on a relation that its templates lack."""
    import jsonschema
    import pymisp

    schema = json.loads((Path(pymisp.__file__).parent / "data" / "schema.json").read_text())
    document = json.loads(path.read_text())
    document["Event"].pop("Object")  # its schema is older than objects; the templates judge them
    breaches = [str(error.message)[:200] for error in jsonschema.Draft7Validator(schema).iter_errors(document)]
    event = pymisp.MISPEvent()
    event.load_file(str(path))
    again = pymisp.MISPEvent()
    again.from_json(event.to_json())
    objects = []
    for found in again.objects:
        strict = pymisp.MISPObject(found.name, strict=True)
        for attribute in found.attributes:
            made = strict.add_attribute(attribute.object_relation, value=attribute.value)
            assert made.type == attribute.type, (attribute.object_relation, made.type, attribute.type)
        strict.to_json()
        assert (strict.template_uuid, str(strict.template_version)) == (found.template_uuid, found.template_version)
        objects.append(
            {
                "name": found.name,
                "values": {a.object_relation: str(a.value) for a in found.attributes},
                "references": [r.referenced_uuid for r in found.references],
                "uuid": found.uuid,
            }
        )
    return {"breaches": breaches, "objects": objects}


def misp_written(path):
    """An event that pymisp makes of plain values, with what Araz must pass over in it."""
    import pymisp

    wanted = json.loads(path.read_text())
    event = pymisp.MISPEvent()
    event.info = "theirs"
    for name, values in wanted:
        made = pymisp.MISPObject(name, strict=True)
        for relation, value in values.items():
            made.add_attribute(relation, value=value)
        event.add_object(made)
    gone = pymisp.MISPObject("uav", strict=True)
    gone.add_attribute("serial-number", value="DELETED")
    gone.deleted = True
    event.add_object(gone)
    other = pymisp.MISPObject("geolocation")
    other.add_attribute("latitude", value=39.0)
    event.add_object(other)
    return json.loads(event.to_json())


if __name__ == "__main__":
    print(
        json.dumps(
            {"courageous": courageous, "ed269": ed269, "ed318": ed318, "misp": misp, "misp_written": misp_written}[
                sys.argv[1]
            ](Path(sys.argv[2]))
        )
    )
