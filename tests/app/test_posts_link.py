"""Posts and centre over real NATS servers: once and in order, whatever is killed, cut or lost."""

import asyncio
import contextlib
import os
import shutil
import signal
from types import SimpleNamespace

import nats
import pytest

from araz.app._nats_server import centre_server, host_and_port, leaf_server
from araz.app._post_book import passed_journal
from araz.app._post_keys import make_keys
from araz.app._rim import free_port
from araz.feeds import inbox_of
from araz.feeds._jetstream import _stand_of
from araz.store import Journal, read_raw, verify_journal
from araz_posts import Centre, end, ship
from araz_testing import missing

PATIENCE_S = 100


@pytest.fixture(autouse=True)
def nats_program():
    if shutil.which("nats-server") is None:
        missing("nats-server (apt install nats-server)")


def free_address():
    return f"127.0.0.1:{free_port()}"


def journal_of(path, post, count):
    journal = Journal.open(path / post / "night.journal", segment_bytes=60_000)
    journal.append(
        [(1, "@site", os.urandom(200_000)), *((n, f"radar-{n % 3}", os.urandom(n % 90)) for n in range(count))]
    )
    return journal


@contextlib.contextmanager
def one_line(folder, count):
    """The servers of a centre and of its one post, whose journal holds ``count`` entries after its site."""
    address = free_address()
    journal_of(folder, "P1", count).close()
    with (
        centre_server(folder / "hub", address, ["P1"], None) as hub,
        leaf_server(folder / "P1", address, "P1", None) as leaf,
    ):
        yield hub, leaf


async def until(reached):
    async with asyncio.timeout(PATIENCE_S):
        while not reached():
            await asyncio.sleep(0.05)


def is_the_same(folder, post):
    sent = [(one.message, one.hash) for one in read_raw(folder / post / "night.journal")]
    return [(message, digest) for _, message, digest in passed_journal(folder / "centre", post)] == sent


def test_every_entry_arrives_once_in_order_whatever_dies(tmp_path):
    """kill -9 of either server, of the centre and of a post's link, a line cut while a post goes on, a stream lost."""
    posts, address = ["P1", "P2"], free_address()

    async def night():
        writers = {post: journal_of(tmp_path, post, 900) for post in posts}
        with contextlib.ExitStack() as stack:
            hub = stack.enter_context(centre_server(tmp_path / "hub", address, posts, None))
            leaves = {post: stack.enter_context(leaf_server(tmp_path / post, address, post, None)) for post in posts}
            keepers = [asyncio.ensure_future(one.keep(lambda _: None)) for one in (hub, *leaves.values())]
            links = {post: ship(leaves[post], post, tmp_path) for post in posts}
            centre = Centre(tmp_path / "centre", hub.url, posts)
            await until(lambda: centre.book.position("P1")[0] > 300)
            os.kill(leaves["P1"].pid, signal.SIGKILL)
            os.kill(hub.pid, signal.SIGKILL)
            await end([links["P2"]])
            for writer in writers.values():
                writer.append([(n, "radar-1", os.urandom(40)) for n in range(400)])
            links["P2"] = ship(leaves["P2"], "P2", tmp_path)
            await until(lambda: centre.book.position("P2")[0] > 950)
            await centre.killed()
            for writer in writers.values():
                writer.append([(n, "radar-2", os.urandom(40)) for n in range(400)])
            centre = Centre(tmp_path / "centre", hub.url, posts)
            await until(lambda: all(centre.book.position(post)[0] == 1701 for post in posts))
            await centre.killed()
            # The centre's server loses its disk while it is down: the centre still knows what it has.
            hub.close()
            shutil.rmtree(tmp_path / "hub" / "jetstream")
            for writer in writers.values():
                writer.append([(n, "radar-2", b"after") for n in range(50)])
                writer.close()
            hub.__enter__()
            centre = Centre(tmp_path / "centre", hub.url, posts)
            await until(lambda: all(centre.book.position(post)[0] == 1751 for post in posts))
            await end([*links.values(), *keepers])
            await centre.killed()

    asyncio.run(night())
    for post in posts:
        assert is_the_same(tmp_path, post)
    assert verify_journal(tmp_path / "centre").ok


def test_a_centre_that_lost_entries_gets_them_again(tmp_path):
    """Its journal is brought back from an older copy: the stream has less than it lacks, so the post sends again."""

    async def night():
        with one_line(tmp_path, 300) as (hub, leaf):
            link = ship(leaf, "P1", tmp_path)
            centre = Centre(tmp_path / "centre", hub.url, ["P1"])
            await until(lambda: centre.book.position("P1")[0] == 301)
            await centre.killed()
            shutil.rmtree(tmp_path / "centre")
            centre = Centre(tmp_path / "centre", hub.url, ["P1"])
            await until(lambda: centre.book.position("P1")[0] == 301)
            assert any("asking for it again" in one for one in centre.said)
            await end([link])
            await centre.killed()

    asyncio.run(night())
    assert is_the_same(tmp_path, "P1")


def test_a_full_disk_at_the_centre_loses_nothing(tmp_path, monkeypatch):
    async def night():
        with one_line(tmp_path, 30) as (hub, leaf):
            centre = Centre(tmp_path / "centre", hub.url, ["P1"])
            keep = centre.journal.append
            monkeypatch.setattr(centre.journal, "append", full_disk)
            link = ship(leaf, "P1", tmp_path)
            await until(lambda: any("was not kept" in one for one in centre.said))
            assert centre.book.position("P1")[0] == 0
            monkeypatch.setattr(centre.journal, "append", keep)
            await until(lambda: centre.book.position("P1")[0] == 31)
            await end([link])
            await centre.killed()

    asyncio.run(night())
    assert is_the_same(tmp_path, "P1")


def full_disk(entries):
    raise OSError("no space left on device")


def test_two_journals_never_mix_under_one_post(tmp_path):
    async def night():
        with one_line(tmp_path, 30) as (hub, leaf):
            centre = Centre(tmp_path / "centre", hub.url, ["P1"])
            link = ship(leaf, "P1", tmp_path)
            await until(lambda: centre.book.position("P1")[0] == 31)
            await end([link])
            shutil.rmtree(tmp_path / "P1" / "night.journal")
            journal_of(tmp_path, "P1", 90).close()
            said = []
            link = ship(leaf, "P1", tmp_path, said.append)
            await until(lambda: any("another journal" in one for one in said))
            assert centre.book.position("P1")[0] == 31
            await end([link])
            await centre.killed()

    asyncio.run(night())


def test_mutual_tls_lets_a_post_speak_for_itself_alone(tmp_path):
    address = free_address()
    make_keys("127.0.0.1", ["P1", "P2"], tmp_path / "keys", 2)
    make_keys("127.0.0.1", ["P1"], tmp_path / "stranger", 2)
    shutil.copy(tmp_path / "keys" / "ca.crt", tmp_path / "stranger" / "ca.crt")

    async def asked(server, ask):
        client = await nats.connect(server.url, inbox_prefix=inbox_of("P1").encode())
        try:
            return await ask(client.jetstream(domain="centre", timeout=2.0))
        finally:
            await client.close()

    async def night():
        journal_of(tmp_path, "P1", 100).close()
        with centre_server(tmp_path / "hub", address, ["P1", "P2"], tmp_path / "keys") as hub:
            centre = Centre(tmp_path / "centre", hub.url, ["P1", "P2"])
            with leaf_server(tmp_path / "P1", address, "P1", tmp_path / "stranger") as stranger:
                link = ship(stranger, "P1", tmp_path)
                log = tmp_path / "hub" / "nats.log"
                await until(lambda: "TLS leafnode handshake error" in log.read_text())
                await end([link])
            assert centre.book.position("P1")[0] == 0
            with leaf_server(tmp_path / "P1", address, "P1", tmp_path / "keys") as leaf:
                link = ship(leaf, "P1", tmp_path)
                await until(lambda: centre.book.position("P1")[0] == 101)
                assert (await asked(leaf, lambda js: js.stream_info("POST-P1"))).state.last_seq == 101
                for ask in (
                    lambda js: js.stream_info("POST-P2"),
                    lambda js: js.publish("araz.post.P2", b"forged"),
                    lambda js: js.delete_stream("POST-P1"),
                ):
                    with pytest.raises(nats.errors.Error):
                        await asked(leaf, ask)
                await end([link])
            await centre.killed()

    asyncio.run(night())
    assert is_the_same(tmp_path, "P1")


def test_an_empty_stream_is_not_asked_for_its_last_message():
    """The server of Debian 12 ends with a nil pointer now and then when it is, and every post is cut off."""

    class Stream:
        async def stream_info(self, name):
            assert name == "POST-P1"
            return SimpleNamespace(
                config=SimpleNamespace(description="7:ab"), state=SimpleNamespace(messages=0, last_seq=3)
            )

    journal = SimpleNamespace(hash_of={6: "ab"}.get)
    assert asyncio.run(_stand_of(Stream(), "P1", journal)) == (7, 3)


def test_beyond_this_machine_keys_are_asked_for(tmp_path):
    with pytest.raises(ValueError, match="araz post keys"):
        centre_server(tmp_path, "10.0.0.5:7422", ["P1"], None)
    with pytest.raises(ValueError, match="araz post keys"):
        leaf_server(tmp_path, "10.0.0.5", "P1", tmp_path / "nowhere")
    assert host_and_port("centre.example") == ("centre.example", 7422)
    for wrong in ("nats://centre:7422", ":7422", "centre:port"):
        with pytest.raises(ValueError, match="HOST:PORT"):
            host_and_port(wrong)
