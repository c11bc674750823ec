"""Run by OpenTAKServer's own Python, with the broker's address: its tables by its migrations, and its exchanges."""

import sys
import time
from pathlib import Path

import opentakserver
import opentakserver.cot_parser.cot_parser  # all its tables
import pika
from flask_migrate import Migrate, upgrade
from opentakserver.eud_handler.eud_handler import app, db

PATIENCE_S = 240
EXCHANGES = {"cot": "fanout", "dms": "direct", "chatrooms": "direct", "missions": "topic"}


def broker(address):
    """A channel, once the broker is up."""
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return pika.BlockingConnection(pika.ConnectionParameters(host=address)).channel()
        except pika.exceptions.AMQPError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


Migrate(app, db)
with app.app_context():
    upgrade(directory=str(Path(opentakserver.__file__).parent / "migrations"))
channel = broker(sys.argv[1])
for name, kind in EXCHANGES.items():
    channel.exchange_declare(name, durable=True, exchange_type=kind)
channel.exchange_declare("cot_controller", exchange_type="fanout")
