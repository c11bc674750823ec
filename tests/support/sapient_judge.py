"""Run by the other binding's environment: which rules of BSI Flex 335 v2.0 frames break, by the options in its files.

Reads hexadecimal frames a line, prints for each its content as JSON and the breaches: mandatory members that are
missing, identifiers that are no UUID or ULID.
"""

import json
import re
import sys
import uuid

from google.protobuf import json_format
from sapient_msg import proto_options_pb2
from sapient_msg.bsi_flex_335_v2_0 import sapient_message_pb2

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def breaches(message, path=""):
    """Every rule that a message and those inside it break."""
    found = []
    for oneof in message.DESCRIPTOR.oneofs:
        rule = oneof.GetOptions().Extensions[proto_options_pb2.oneof_options]
        if rule.is_mandatory and message.WhichOneof(oneof.name) is None:
            found.append(f"{path}{oneof.name}: mandatory")
    for field in message.DESCRIPTOR.fields:
        rule = field.GetOptions().Extensions[proto_options_pb2.field_options]
        many = hasattr(getattr(message, field.name), "append") or hasattr(getattr(message, field.name), "add")
        values = list(getattr(message, field.name)) if many else []
        if not many and (not field.has_presence or message.HasField(field.name)):
            values = [getattr(message, field.name)]
        if rule.is_mandatory and not values:
            found.append(f"{path}{field.name}: mandatory")
        for value in values:
            if field.message_type is not None and field.message_type.full_name.startswith("sapient_msg"):
                found += breaches(value, f"{path}{field.name}.")
            if rule.is_uuid:
                try:
                    uuid.UUID(value)
                except ValueError:
                    found.append(f"{path}{field.name}: no UUID")
            if rule.is_ulid and not ULID.fullmatch(value):
                found.append(f"{path}{field.name}: no ULID")
    return found


for line in sys.stdin:
    data = bytes.fromhex(line)
    message = sapient_message_pb2.SapientMessage()
    message.ParseFromString(data[4:])
    assert int.from_bytes(data[:4], "little") == len(data) - 4
    print(json.dumps({"breaches": breaches(message), "content": json_format.MessageToDict(message)}))
