"""Live feeds on real loopback sockets: whatever one peer does, the others go on."""

import asyncio
import contextlib
import socket
import time

import pytest

from araz.feeds import run_feeds
from araz.vocabulary import Feed, Format

GUARD_S = 60  # a guard against hanging, never a measure


def clock_us():
    return time.time_ns() // 1000


class Running:
    """``run_feeds`` in the background, with everything it gave kept in order."""

    def __init__(self, *feeds, sink=None, **options):
        self.feeds, self.options = feeds, {"clock_us": clock_us, **options}
        self.got, self.problems, self.ports = [], [], {}
        self.changed = asyncio.Event()
        self.own_sink = sink

    async def sink(self, at_us, source, payload):
        if self.own_sink is not None:
            await self.own_sink(at_us, source, payload)
        self.got.append((source, payload))
        self.changed.set()

    def problem(self, rejected):
        self.problems.append(rejected)
        self.changed.set()

    def ready(self, feed_id, port):
        self.ports[feed_id] = port
        self.changed.set()

    async def until(self, condition):
        async with asyncio.timeout(GUARD_S):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def of(self, feed_id):
        return b"".join(payload for source, payload in self.got if source.partition("#")[0] == feed_id)

    def reasons(self):
        return [p.reason for p in self.problems]

    async def __aenter__(self):
        self.task = asyncio.ensure_future(
            run_feeds(self.feeds, self.sink, self.problem, on_ready=self.ready, first_pause_s=0.01, **self.options)
        )
        listening = [feed.id for feed in self.feeds if feed.url and not feed.url.startswith("tcp://")]
        await self.until(lambda: all(feed_id in self.ports for feed_id in listening) or self.task.done())
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.task

    async def connect(self, feed_id):
        return await asyncio.open_connection("127.0.0.1", self.ports[feed_id])

    def datagrams(self, feed_id):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.connect(("127.0.0.1", self.ports[feed_id]))
        return sender


def udp(feed_id="radar", **more):
    return Feed(id=feed_id, format=Format.ASTERIX, url="udp://127.0.0.1:0", **more)


def listen(feed_id="nodes", format=Format.SAPIENT, **more):
    return Feed(id=feed_id, format=format, url="tcp-listen://127.0.0.1:0", **more)


def sapient(body):
    return len(body).to_bytes(4, "little") + body


def run(coroutine):
    return asyncio.run(coroutine)


def test_datagrams_arrive_whole_in_order_with_the_feed_as_source():
    async def scenario():
        async with Running(udp(), clock_us=lambda: 42) as running:
            sender = running.datagrams("radar")
            for n in range(200):
                sender.send(b"%03d" % n)
            await running.until(lambda: len(running.got) == 200)
            assert running.got == [("radar", b"%03d" % n) for n in range(200)]
            sender.close()

    run(scenario())


def test_each_peer_that_connects_has_a_source_of_its_own():
    async def scenario():
        async with Running(listen()) as running:
            first, second = await running.connect("nodes"), await running.connect("nodes")
            data = sapient(b"from the first") + sapient(b"again")
            for at in range(len(data)):  # a peer may send byte by byte
                first[1].write(data[at : at + 1])
                await first[1].drain()
            second[1].write(sapient(b"from the second"))
            await running.until(lambda: len(running.got) == 3)
            by_source = {}
            for source, payload in running.got:
                by_source.setdefault(source, []).append(payload)
            assert sorted(by_source.values()) == sorted(
                [[sapient(b"from the first"), sapient(b"again")], [sapient(b"from the second")]]
            )
            assert all(source.startswith("nodes#") for source in by_source)
            first[1].close()
            second[1].close()

    run(scenario())


def test_connecting_retries_until_the_peer_is_there_and_again_after_it_left():
    async def scenario():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        feed = Feed(id="sbs", format=Format.SBS, url=f"tcp://127.0.0.1:{port}")
        async with Running(feed) as running:
            await running.until(lambda: running.reasons().count("connect-failed") >= 2)

            async def serve(_, writer):
                writer.write(b"MSG,1\r\n")
                writer.close()

            async with await asyncio.start_server(serve, "127.0.0.1", port):
                await running.until(lambda: len(running.of("sbs")) >= 3 * 7)
            assert {source for source, _ in running.got} == {"sbs"}
            assert "disconnected" in running.reasons()

    run(scenario())


def test_a_half_open_peer_is_reported_and_closed_while_the_others_go_on():
    async def scenario():
        async with Running(listen(), udp(), idle_timeout_s=0.2) as running:
            silent, half = await running.connect("nodes"), await running.connect("nodes")
            half[1].write(sapient(b"x" * 100)[:50])
            sender = running.datagrams("radar")
            sender.send(b"before")
            await running.until(lambda: running.reasons().count("idle-peer") == 2)
            async with asyncio.timeout(GUARD_S):
                assert await silent[0].read() == b""
                assert await half[0].read() == b""
            sender.send(b"after")
            again = await running.connect("nodes")
            again[1].write(sapient(b"alive"))
            await running.until(lambda: len(running.got) == 3)
            assert running.of("radar") == b"beforeafter"
            assert running.of("nodes") == sapient(b"alive")
            for _, writer in (silent, half, again):
                writer.close()
            sender.close()

    run(scenario())


def test_a_message_of_100_mb_costs_its_sender_the_connection_and_nobody_else():
    async def scenario():
        async with Running(listen(), udp(), listen("sbs", Format.SBS)) as running:
            big, good, lines = [await running.connect(name) for name in ("nodes", "nodes", "sbs")]

            async def flood():
                with contextlib.suppress(ConnectionError):
                    big[1].write((100_000_000).to_bytes(4, "little"))
                    for _ in range(1000):
                        big[1].write(bytes(100_000))
                        await big[1].drain()

            sending = asyncio.ensure_future(flood())
            await running.until(lambda: "too-long" in running.reasons())
            good[1].write(sapient(b"hello"))
            lines[1].write(b"MSG,8\n")
            sender = running.datagrams("radar")
            sender.send(b"plot")
            await running.until(lambda: len(running.got) == 3)
            assert (running.of("nodes"), running.of("sbs"), running.of("radar")) == (
                sapient(b"hello"),
                b"MSG,8\n",
                b"plot",
            )
            await sending
            for _, writer in (big, good, lines):
                writer.close()
            sender.close()

    run(scenario())


def test_a_flooding_stream_waits_for_itself_and_loses_nothing():
    """The sink takes one message at a time; a quiet peer's message comes through in the next round."""

    async def scenario():
        taken = asyncio.Semaphore(0)
        order = []

        async def slow(_, source, payload):
            order.append(source)
            await taken.acquire()

        async with Running(listen("flood", Format.SBS), listen("quiet", Format.SBS), sink=slow) as running:
            flood, quiet = await running.connect("flood"), await running.connect("quiet")
            block = bytes(range(256)) * 256
            total = 300 * len(block)

            async def send():
                for _ in range(300):
                    flood[1].write(block)
                    await flood[1].drain()

            sending = asyncio.ensure_future(send())
            async with asyncio.timeout(GUARD_S):
                while not order:
                    await asyncio.sleep(0)
            quiet[1].write(b"MSG,1\n")
            await quiet[1].drain()
            while not running.of("quiet"):
                taken.release()
                await asyncio.sleep(0.001)
            # Back pressure: far less than all was taken when the quiet one was heard.
            assert len(running.of("flood")) < total
            while len(running.of("flood")) < total:
                taken.release()
                await asyncio.sleep(0)
            await sending
            assert running.of("flood") == block * 300
            assert running.problems == []
            flood[1].close()
            quiet[1].close()

    run(scenario())


def test_a_flood_of_datagrams_is_counted_and_the_others_go_on(monkeypatch):
    monkeypatch.setattr("araz.feeds._inbox.DATAGRAMS", 10)

    async def scenario():
        gate = asyncio.Event()

        async def held(*_):
            await gate.wait()

        async with Running(udp("flood"), udp("quiet"), sink=held) as running:
            flood, quiet = running.datagrams("flood"), running.datagrams("quiet")
            flood.send(b"first")
            for n in range(100):
                flood.send(b"%02d" % n)
                await asyncio.sleep(0)
            quiet.send(b"here")
            # All datagrams are in the process before the gate opens.
            for _ in range(300):
                await asyncio.sleep(0)
            gate.set()
            await running.until(lambda: running.of("quiet") == b"here" and "overload" in running.reasons())
            flood.send(b"last")
            await running.until(lambda: running.of("flood").endswith(b"last"))
            counted = sum(int(p.detail.split()[0]) for p in running.problems if p.reason == "overload")
            kept = sum(source == "flood" for source, _ in running.got)
            assert counted + kept == 102
            assert counted > 0
            assert all(p.source == "flood" and p.raw for p in running.problems)
            flood.close()
            quiet.close()

    run(scenario())


def test_what_the_system_drops_is_counted_too(monkeypatch):
    """The process is busy while a burst overflows the socket's buffer: kept and counted add up to what was sent."""
    monkeypatch.setattr("araz.feeds._sockets.RECEIVE_BUFFER_BYTES", 20_000)

    async def scenario():
        async with Running(udp()) as running:
            sender = running.datagrams("radar")
            for n in range(500):
                sender.send(b"%04d" % n * 100)
            await running.until(lambda: running.got)
            # The count comes with the next datagram.
            sender.send(b"last")
            await running.until(lambda: running.of("radar").endswith(b"last") and running.problems)
            counted = sum(int(p.detail.split()[0]) for p in running.problems)
            assert set(running.reasons()) == {"overload"}
            assert counted > 0
            assert counted + len(running.got) == 501
            sender.close()

    run(scenario())


def test_a_datagram_beyond_the_limit_is_rejected():
    async def scenario():
        async with Running(udp(max_message_bytes=256)) as running:
            sender = running.datagrams("radar")
            sender.send(bytes(257))
            sender.send(bytes(256))
            await running.until(lambda: running.got and running.problems)
            assert running.got == [("radar", bytes(256))]
            assert running.reasons() == ["too-long"]
            sender.close()

    run(scenario())


def test_answers_are_written_only_after_the_sink_took_the_message():
    async def scenario():
        gate, answered = asyncio.Event(), []

        async def held(*_):
            await gate.wait()

        def reply(source, payload, at_us):
            answered.append(source)
            return None if b"bye" in payload else b"ack:" + payload[4:]

        async with Running(listen(), sink=held, reply=reply) as running:
            reader, writer = await running.connect("nodes")
            writer.write(sapient(b"hello"))
            await writer.drain()
            for _ in range(50):
                await asyncio.sleep(0.001)
            assert not answered
            gate.set()
            async with asyncio.timeout(GUARD_S):
                assert await reader.readexactly(9) == b"ack:hello"
                writer.write(sapient(b"last"))
                writer.write_eof()  # half-closed: it sends no more, and still gets its answer
                assert await reader.read() == b"ack:last"
                writer.close()
                second = await running.connect("nodes")
                second[1].write(sapient(b"bye"))
                assert await second[0].read() == b""
                second[1].close()

    run(scenario())


def test_a_full_disk_delays_and_loses_nothing():
    async def scenario():
        failures = [3]

        async def failing(*_):
            if failures[0]:
                failures[0] -= 1
                raise OSError("No space left on device")

        async with Running(listen(), sink=failing) as running:
            _, writer = await running.connect("nodes")
            writer.write(b"".join(sapient(b"%d" % n) for n in range(5)))
            await running.until(lambda: len(running.got) == 5)
            assert sorted(running.got) == sorted((running.got[0][0], sapient(b"%d" % n)) for n in range(5))
            assert "not-kept" in running.reasons()
            writer.close()

    run(scenario())


@pytest.mark.parametrize(
    ("format", "data", "reason"),
    [
        (Format.SAPIENT, sapient(b"cut off")[:-2], "truncated"),
        (Format.ASTERIX, b"\x30\x00\x01", "bad-length"),
        (Format.REPORT, b"x" * 100_000, "too-long"),
    ],
)
def test_broken_framing_is_reported_with_its_bytes(format, data, reason):
    async def scenario():
        async with Running(listen("peer", format, max_message_bytes=1000)) as running:
            _, writer = await running.connect("peer")
            writer.write(data)
            writer.write_eof()
            await running.until(lambda: running.problems)
            assert running.reasons() == [reason]
            assert running.problems[0].raw
            assert running.problems[0].source.startswith("peer#")
            writer.close()

    run(scenario())


@pytest.mark.parametrize(
    ("format", "pieces"),
    [(Format.ASTERIX, [b"\x30\x00\x04a", b"\x22\x00\x05bc"]), (Format.REPORT, [b'{"a":1}', b'{"b":2}'])],
)
def test_framed_formats_come_as_whole_messages(format, pieces):
    async def scenario():
        async with Running(listen("peer", format)) as running:
            _, writer = await running.connect("peer")
            writer.write((b"\n" if format == Format.REPORT else b"").join([*pieces, b""]))
            await running.until(lambda: len(running.got) == 2)
            assert [payload for _, payload in running.got] == pieces
            writer.close()

    run(scenario())


def test_too_many_peers_are_turned_away(monkeypatch):
    monkeypatch.setattr("araz.feeds._live.MAX_PEERS", 2)

    async def scenario():
        async with Running(listen()) as running:
            peers = [await running.connect("nodes") for _ in range(3)]
            await running.until(lambda: "too-many-peers" in running.reasons())
            peers[0][1].write(sapient(b"still here"))
            await running.until(lambda: running.got)
            for _, writer in peers:
                writer.close()

    run(scenario())


def test_a_port_in_use_is_retried_and_stops_nobody():
    async def scenario():
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        busy = Feed(id="busy", format=Format.SBS, url=f"tcp-listen://127.0.0.1:{taken.getsockname()[1]}")
        running = Running(busy, udp())
        running.feeds = (busy, udp())
        task = asyncio.ensure_future(
            run_feeds(
                running.feeds, running.sink, running.problem, clock_us, on_ready=running.ready, first_pause_s=0.01
            )
        )
        await running.until(lambda: "listen-failed" in running.reasons() and "radar" in running.ports)
        sender = running.datagrams("radar")
        sender.send(b"plot")
        await running.until(lambda: running.got)
        taken.close()
        await running.until(lambda: "busy" in running.ports)
        sender.close()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    run(scenario())


@pytest.mark.parametrize("url", ["http://a:1", "udp://", "udp://h", "tcp://h:99999", "nonsense", "tcp://:80"])
def test_a_bad_url_is_refused_before_anything_is_opened(url):
    with pytest.raises(ValueError, match="udp://"):
        run(run_feeds([Feed(id="x", format=Format.SBS, url=url)], None, None, clock_us))
    with pytest.raises(ValueError, match="udp://"):
        run(run_feeds([Feed(id="x", format=Format.REMOTE_ID, url="tcp://h:1")], None, None, clock_us))


def test_what_the_sink_raises_beside_disk_errors_stops_the_feeds():
    async def scenario():
        async def wrong(*_):
            raise ZeroDivisionError("a bug of ours")

        async with Running(udp(), sink=wrong) as running:
            sender = running.datagrams("radar")
            sender.send(b"plot")
            with pytest.raises(ZeroDivisionError):
                async with asyncio.timeout(GUARD_S):
                    await running.task
            sender.close()
            running.task = asyncio.ensure_future(asyncio.sleep(0))

    run(scenario())


def test_a_feed_without_url_is_left_alone():
    async def scenario():
        async with Running(Feed(id="people", format=Format.REPORT), udp()) as running:
            assert set(running.ports) == {"radar"}

    run(scenario())
