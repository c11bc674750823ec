"""WORLD: how bytes come in, and go out to other systems.

**Takes** sockets and recordings, and the feeds of the site file.
**Gives** (received_at_us, source, payload) in the order of arrival, fairly among feeds.
**Keeps** nothing but what is on its way.
**May import** araz.vocabulary.
**Never** knows what a payload means; never acknowledges what the sink has not taken.
"""

from araz.feeds._channel import Channel, tls_contexts
from araz.feeds._jetstream import DOMAIN, Passing, Verdict, inbox_of, link_extra, receive_forever, ship_forever
from araz.feeds._live import run_feeds
from araz.feeds._pcap import is_capture
from araz.feeds._recording import STEP_US, read_recording
from araz.feeds._sender import Outbox, send_forever
from araz.feeds._sniff import format_of_bytes, sniff_format

__all__ = [
    "DOMAIN",
    "STEP_US",
    "Channel",
    "Outbox",
    "Passing",
    "Verdict",
    "format_of_bytes",
    "inbox_of",
    "is_capture",
    "link_extra",
    "read_recording",
    "receive_forever",
    "run_feeds",
    "send_forever",
    "ship_forever",
    "sniff_format",
    "tls_contexts",
]
