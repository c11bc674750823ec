"""The line between two nodes: whole messages, silence noticed, and nobody who is not who his certificate says."""

import socket
import ssl
import threading

import pytest

from araz.app._post_keys import make_keys
from araz.feeds import Channel, tls_contexts


@pytest.fixture
def ends():
    opened = []

    def make(silence_s=5.0):
        door = socket.create_server(("127.0.0.1", 0))
        left = socket.create_connection(door.getsockname())
        right, _ = door.accept()
        door.close()
        opened.extend([Channel(left, silence_s), Channel(right, silence_s)])
        return opened[-2:]

    yield make
    for one in opened:
        one.close()


def test_messages_come_whole_and_in_order(ends):
    left, right = ends()
    sent = [b"", b"x", bytes(range(256)) * 5000, b"y" * 70_000]
    thread = threading.Thread(target=lambda: [left.send(one) for one in sent])
    thread.start()
    assert [right.receive() for _ in sent] == sent
    thread.join()


def test_silence_and_an_end_are_noticed(ends):
    left, right = ends(0.2)
    with pytest.raises(TimeoutError):
        right.receive()
    left.close()
    with pytest.raises(ConnectionError, match="ended"):
        right.receive()


def test_an_absurd_length_costs_no_memory(ends):
    left, right = ends()
    left._socket.sendall(b"\xff\xff\xff\xff")
    with pytest.raises(ConnectionError, match="4294967295 bytes"):
        right.receive()


def secured(left, right, keys, client, server):
    thread = threading.Thread(target=lambda: left.secure(tls_contexts(keys, client)[1], is_client=True))
    thread.start()
    right.secure(tls_contexts(keys, server)[0])
    thread.join()


def test_a_node_is_who_its_certificate_says(ends, tmp_path):
    make_keys("127.0.0.1", ["a", "b", "P01"], tmp_path, 2)
    left, right = ends()
    secured(left, right, tmp_path, "a", "b")
    left.check_named("b")
    right.check_named("a")
    left.send(b"secret")
    assert right.receive() == b"secret"
    left, right = ends()
    secured(left, right, tmp_path, "P01", "b")
    with pytest.raises(ConnectionError, match="of P01, not of a"):
        right.check_named("a")


def test_who_has_no_certificate_of_the_authority_is_refused(ends, tmp_path):
    make_keys("127.0.0.1", ["a", "b"], tmp_path / "ours", 2)
    make_keys("127.0.0.1", ["a"], tmp_path / "theirs", 2)
    left, right = ends()
    refused = []

    def client():
        try:
            left.secure(tls_contexts(tmp_path / "theirs", "a")[1], is_client=True)
        except OSError as error:
            refused.append(error)

    thread = threading.Thread(target=client)
    thread.start()
    with pytest.raises(OSError):
        right.secure(tls_contexts(tmp_path / "ours", "b")[0])
    thread.join()
    assert isinstance(refused[0], ssl.SSLCertVerificationError)
    with pytest.raises(ValueError, match="araz post keys CENTRE-HOST c"):
        tls_contexts(tmp_path / "ours", "c")
