"""Recordings: real captures against tshark and dpkt, made files against their makers, damaged ones against nothing."""

import io
import json
import shutil
import struct
import subprocess
import tracemalloc

import dpkt
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from araz.feeds import STEP_US, format_of_bytes, read_recording, sniff_format
from araz.vocabulary import LATEST_TIME_US, Feed, Format
from araz_testing import missing

CAPTURES = [
    "remote_id/parrot_anafi4_real.pcapng",
    "remote_id/mavic_multiple_spoofed.pcapng",
    "remote_id/odid_bt5_lr_sample.pcapng",
    "remote_id/odid_wifi_bcn_sample.pcap",
    "asterix/cat_034_048.pcap",
]


def feed(format, **more):
    return Feed(id="f", format=format, **more)


def read(path, format, **options):
    problems = []
    return list(read_recording(path, feed(format), problems=problems.append, **options)), problems


def made(tmp_path, data, name="file"):
    path = tmp_path / name
    path.write_bytes(data)
    return path


def tshark(path, *fields):
    if shutil.which("tshark") is None:
        missing("tshark (Debian package tshark)")
    wanted = [part for field in fields for part in ("-e", field)]
    command = ["tshark", "-r", str(path), "-T", "fields", *wanted]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split("\t") for line in lines]


@pytest.mark.parametrize("name", CAPTURES)
def test_real_captures_have_the_packets_times_and_sizes_of_tshark(shelf, name):
    path = shelf / "data" / name
    ours, problems = read(path, sniff_format(path))
    theirs = tshark(path, "frame.time_epoch", "frame.cap_len", "udp.length")
    assert problems == []
    assert len(ours) == len(theirs)
    latest = 0
    for (at_us, source, payload), (epoch, cap_len, udp_length) in zip(ours, theirs, strict=True):
        seconds, fraction = epoch.split(".")
        latest = max(latest, int(seconds) * 1_000_000 + int(fraction[:6]))
        assert (at_us, source) == (latest, "f")
        assert len(payload) == (int(udp_length) - 8 if udp_length else int(cap_len) + 2)


def test_the_shelf_is_told_apart_by_content(shelf):
    expected = {name: Format.REMOTE_ID if name.startswith("remote") else Format.ASTERIX for name in CAPTURES}
    expected["asterix/cat062cat065.ast"] = Format.ASTERIX
    data = shelf / "data"
    found = {str(path.relative_to(data)): sniff_format(path) for path in data.rglob("*") if path.is_file()}
    assert {name: format for name, format in found.items() if format is not None} == expected


def test_radio_frames_carry_their_link_type(shelf):
    for name, link_type in (("odid_wifi_bcn_sample.pcap", 127), ("odid_bt5_lr_sample.pcapng", 272)):
        ours, _ = read(shelf / "data" / "remote_id" / name, Format.REMOTE_ID)
        assert {payload[:2] for _, _, payload in ours} == {struct.pack(">H", link_type)}


def test_raw_asterix_splits_into_blocks_that_join_to_the_file(shelf):
    path = shelf / "data" / "asterix" / "cat062cat065.ast"
    ours, problems = read(path, Format.ASTERIX, start_at_us=5_000_000)
    assert b"".join(payload for _, _, payload in ours) == path.read_bytes()
    assert [(payload[0], at_us) for at_us, _, payload in ours] == [(62, 5_000_000), (65, 5_000_000 + STEP_US)]
    assert problems == []


# -- captures made here ------------------------------------------------------------------------------------------------


def udp_packet(payload, vlan=(), version=4, fragment=0):
    udp = struct.pack(">HHHH", 1, 8600, 8 + len(payload), 0) + payload
    if version == 4:
        ip = (
            struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, fragment, 9, 17, 0, b"\x7f\0\0\1", b"\x7f\0\0\1")
            + udp
        )
        kind = 0x0800
    else:
        options = bytes([17, 0]) + bytes(6)  # destination options, then UDP
        ip = struct.pack(">IHBB16s16s", 6 << 28, 8 + len(udp), 60, 9, bytes(16), bytes(16)) + options + udp
        kind = 0x86DD
    tags = b"".join(struct.pack(">HH", tag, 7) for tag in vlan)
    return ip, bytes(12) + tags + struct.pack(">H", kind) + ip + bytes(6)  # with Ethernet's padding


def tcp_packet(payload):
    tcp = struct.pack(">HHIIBBHHH", 1, 2, 0, 0, 6 << 4, 0, 0, 0, 0) + bytes(4) + payload
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 9, 6, 0, bytes(4), bytes(4)) + tcp
    return bytes(12) + b"\x08\x00" + ip


def pcap(packets, link_type=1, order="<", nano=False):
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link_type)]
    for seconds, fraction, data in packets:
        parts += [struct.pack(order + "IIII", seconds, fraction, len(data), len(data)), data]
    return b"".join(parts)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order):
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(order, link_type, options=b""):
    return block(order, 1, struct.pack(order + "HHI", link_type, 0, 0) + options)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def enhanced(order, index, ticks, data):
    return block(
        order, 6, struct.pack(order + "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data)) + data
    )


BLOCK = b"\x30\x00\x05ab"


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_in_both_byte_orders_and_resolutions_agrees_with_dpkt(tmp_path, order, nano):
    fraction = 123_456_789 if nano else 123_456
    data = pcap([(1_700_000_000, fraction, udp_packet(BLOCK)[1])] * 3, order=order, nano=nano)
    ours, problems = read(made(tmp_path, data), Format.ASTERIX)
    assert ours == [(1_700_000_000_123_456, "f", BLOCK)] * 3
    assert problems == []
    theirs = [bytes(dpkt.ethernet.Ethernet(frame).data.data.data) for _, frame in dpkt.pcap.Reader(io.BytesIO(data))]
    assert [payload for _, _, payload in ours] == theirs


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize(
    ("link_type", "wrap"),
    [
        (1, lambda ip, ether, kind: ether),
        (113, lambda ip, ether, kind: bytes(14) + kind + ip),
        (276, lambda ip, ether, kind: kind + bytes(18) + ip),
        (101, lambda ip, ether, kind: ip),
        (0, lambda ip, ether, kind: b"\2\0\0\0" + ip),
    ],
)
def test_every_link_layer_gives_the_same_payload(tmp_path, link_type, wrap, version):
    ip, ether = udp_packet(BLOCK, version=version)
    kind = b"\x08\x00" if version == 4 else b"\x86\xdd"
    ours, problems = read(made(tmp_path, pcap([(1, 0, wrap(ip, ether, kind))], link_type)), Format.ASTERIX)
    assert (ours, problems) == ([(1_000_000, "f", BLOCK)], [])


def test_vlan_tags_are_stepped_over_and_fragments_counted(tmp_path):
    frames = [udp_packet(BLOCK, vlan=(0x88A8, 0x8100))[1], udp_packet(BLOCK, fragment=0x2000)[1]]
    frames += [
        udp_packet(BLOCK, fragment=5)[1],
        bytes(12) + b"\x08\x06" + bytes(28),
        tcp_packet(BLOCK),
        b"",
        frames[0][:40],
    ]
    path = made(tmp_path, pcap([(n, 0, frame) for n, frame in enumerate(frames)]))
    ours, problems = read(path, Format.ASTERIX)
    assert [payload for _, _, payload in ours] == [BLOCK]
    counts = {p.reason: int(p.detail.split()[0]) for p in problems}
    assert counts == {"ip-fragment": 2, "not-ip": 2, "not-udp": 1, "truncated": 1}


def test_tcp_captures_give_their_payloads_in_order(tmp_path):
    data = pcap([(1, 0, tcp_packet(b"MSG,1,")), (2, 0, tcp_packet(b"")), (3, 0, tcp_packet(b"\r\n"))])
    ours, problems = read(made(tmp_path, data), Format.SBS)
    assert ours == [(1_000_000, "f", b"MSG,1,"), (3_000_000, "f", b"\r\n")]
    assert (problems, sniff_format(tmp_path / "file")) == ([], Format.SBS)


@pytest.mark.parametrize("order", "<>")
def test_pcapng_with_several_interfaces_resolutions_and_sections(tmp_path, order):
    other = ">" if order == "<" else "<"
    data = section(order)
    data += interface(order, 127, option(order, 9, b"\x09") + option(order, 14, struct.pack(order + "q", 100)))
    data += interface(
        order, 1, option(order, 2, b"eth0") + option(order, 9, bytes([0x80 | 10])) + option(order, 0, b"")
    )
    data += interface(order, 272)
    data += enhanced(order, 0, 1_500_000_000, b"radio")
    data += (
        enhanced(order, 1, 205 * 1024, b"ether") + block(order, 5, bytes(12)) + enhanced(order, 2, 300_000_000, b"ble")
    )
    data += block(order, 2, struct.pack(order + "HHIIII", 2, 0, 0, 400_000_000, 3, 3) + b"old")
    data += section(other) + interface(other, 105) + block(other, 3, struct.pack(other + "I", 6) + b"simple")
    ours, problems = read(made(tmp_path, data), Format.REMOTE_ID)
    expected = [
        (101_500_000, 127, b"radio"),
        (205_000_000, 1, b"ether"),
        (300_000_000, 272, b"ble"),
        (400_000_000, 272, b"old"),
        (400_000_000 + STEP_US, 105, b"simple"),
    ]
    assert ours == [(at_us, "f", struct.pack(">H", link) + payload) for at_us, link, payload in expected]
    assert problems == []


@pytest.mark.parametrize("name", ["asterix/cat_034_048.pcap", "remote_id/odid_bt5_lr_sample.pcapng"])
def test_a_cut_capture_gives_what_is_whole_and_says_so(shelf, tmp_path, name):
    path = shelf / "data" / name
    format = sniff_format(path)
    whole, _ = read(path, format)
    data = path.read_bytes()
    for cut in [5, 30, len(data) // 2, len(data) - 1]:
        ours, problems = read(made(tmp_path, data[:cut]), format)
        assert ours == whole[: len(ours)]
        assert len(ours) < len(whole)
        assert [p.reason for p in problems] == ["bad-capture"]


@given(data=st.data())
def test_no_bytes_of_a_capture_raise(shelf, tmp_path_factory, data):
    name = data.draw(st.sampled_from(["asterix/cat_034_048.pcap", "remote_id/odid_bt5_lr_sample.pcapng"]))
    spoilt = bytearray((shelf / "data" / name).read_bytes()[:3000])
    for _ in range(data.draw(st.integers(1, 8))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "spoilt"
    path.write_bytes(spoilt)
    for format in (Format.ASTERIX, Format.REMOTE_ID, Format.SBS):
        ours, problems = read(path, format)
        assert all(0 <= at_us <= LATEST_TIME_US for at_us, _, _ in ours)
        assert all(p.reason and p.detail for p in problems)
    sniff_format(path)


@given(data=st.binary(max_size=200), format=st.sampled_from(Format))
def test_no_bytes_of_a_file_raise(tmp_path_factory, data, format):
    assume(not data.startswith((b"ARAZJRN\n", b"\xfd7zXZ\x00")))  # a journal is refused, see below
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    ours, problems = read(path, format)
    if format in (Format.BEAST, Format.ASTERIX) and not problems:
        assert b"".join(payload for _, _, payload in ours) == data
    sniff_format(path)
    format_of_bytes(data)


def test_a_huge_length_costs_no_memory(tmp_path):
    path = made(tmp_path, pcap([]) + struct.pack("<IIII", 1, 0, 0xFFFFFFF0, 0xFFFFFFF0) + bytes(100))
    ng = made(tmp_path, section("<") + struct.pack("<II", 6, 0xFFFFFFF0), "ng")
    message = made(tmp_path, b"\xff\xff\xff\x7f\x0a", "sapient")
    tracemalloc.start()
    for file, format in ((path, Format.ASTERIX), (ng, Format.ASTERIX), (message, Format.SAPIENT)):
        ours, problems = read(file, format)
        assert (ours, len(problems)) == ([], 1)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


# -- files without packets ---------------------------------------------------------------------------------------------


def test_sbs_lines_come_at_the_time_they_were_logged(tmp_path):
    start = "MSG,3,1,1,4CA2D6,1,2023/11/14,22:13:20.500,2023/11/14,22:13:20.750,,37000,,,51.1,-0.5,,,0,0,0,0"
    data = "\r\n".join([start, "MSG,8,nonsense", start.replace("20.750", "21.000"), start, ""]).encode()
    path = made(tmp_path, data)
    ours, problems = read(path, sniff_format(path))
    base = 1_700_000_000_000_000
    times = [base + 750_000, base + 750_000 + STEP_US, base + 1_000_000, base + 1_000_000]
    assert [at_us for at_us, _, _ in ours] == times
    assert b"".join(payload for _, _, payload in ours) == data
    assert problems == []


def test_avr_lines_with_a_counter_keep_its_pace(tmp_path):
    frame = b"8D4840D6202CC371C32CE0576098;\n"
    data = b"*" + frame + b"@00000000000C" + frame + b"@000000B71B0C" + frame
    path = made(tmp_path, data)
    ours, _ = read(path, sniff_format(path), start_at_us=1000)
    assert [at_us for at_us, _, _ in ours] == [1000, 1000 + STEP_US, 1000 + STEP_US + 1_000_000]
    assert b"".join(payload for _, _, payload in ours) == data


@given(
    ticks=st.lists(st.integers(0, 2**40), min_size=1, max_size=30).map(sorted), body=st.binary(min_size=7, max_size=14)
)
def test_beast_splits_at_frames_and_keeps_the_receivers_pace(tmp_path_factory, ticks, body):
    body = b"\x1a" + body  # a doubled escape in every frame
    frames = []
    for tick in ticks:
        content = tick.to_bytes(6, "big") + body
        frames.append(b"\x1a3" + content.replace(b"\x1a", b"\x1a\x1a"))
    path = tmp_path_factory.getbasetemp() / "beast"
    path.write_bytes(b"".join(frames))
    ours, problems = read(path, Format.BEAST, start_at_us=7)
    assert [payload for _, _, payload in ours] == frames
    assert problems == []
    for (before, _, _), (after, _, _), first, second in zip(ours, ours[1:], ticks, ticks[1:], strict=False):
        pause_us = (second - first) // 12
        assert after - before == (pause_us if pause_us <= 3_600_000_000 else STEP_US)
    assert sniff_format(path) == Format.BEAST


def test_a_large_beast_file_is_read_in_a_stream(tmp_path):
    frame = b"\x1a2" + bytes(6) + b"\x40" + b"\x5d" * 7
    path = made(tmp_path, frame * 50_000)
    tracemalloc.start()
    assert sum(len(payload) for _, _, payload in read_recording(path, feed(Format.BEAST))) == len(frame) * 50_000
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


def test_sapient_files_split_into_messages(tmp_path):
    messages = [len(body).to_bytes(4, "little") + body for body in (b"\x0a\x02\x08\x01", b"\x12\x03abc")]
    path = made(tmp_path, b"".join(messages))
    ours, problems = read(path, sniff_format(path))
    assert ([payload for _, _, payload in ours], problems) == (messages, [])
    _, problems = read(made(tmp_path, messages[0][:-1]), Format.SAPIENT)
    assert [p.reason for p in problems] == ["truncated"]
    _, problems = read(made(tmp_path, (2_000_000).to_bytes(4, "little")), Format.SAPIENT)
    assert [p.reason for p in problems] == ["too-long"]


def test_json_lines_bring_their_time(tmp_path):
    rows = [{"received_at_us": 10, "observed_at_us": 5, "reporter": "p"}, {"observed_at_us": 20, "reporter": "p"}]
    data = "\n".join([json.dumps(row) for row in rows] + ["", "no json", '{"observed_at_us": "x"}']).encode()
    path = made(tmp_path, data)
    ours, problems = read(path, sniff_format(path))
    assert [at_us for at_us, _, _ in ours] == [10, 20, 20 + STEP_US, 20 + 2 * STEP_US]
    assert [payload for _, _, payload in ours] == [line for line in data.split(b"\n") if line]
    assert problems == []
    decision = b'{"decision_id":"D1","alarm_id":"A1","action":"send"}\n'
    assert format_of_bytes(decision) == Format.DECISION
    assert format_of_bytes(b'{"type":"FeatureCollection"}') is None


def test_what_cannot_be_a_recording_of_the_feed_is_said(tmp_path):
    _, problems = read(made(tmp_path, b"hello"), Format.REMOTE_ID)
    assert [(p.reason, p.raw) for p in problems] == [("not-a-capture", b"hello")]
    for start in (b"ARAZJRN\n", b"\xfd7zXZ\x00"):
        with pytest.raises(ValueError, match="read_journal"):
            read(made(tmp_path, start + bytes(100)), Format.ASTERIX)
        assert sniff_format(tmp_path / "file") is None
    with pytest.raises(OSError, match="absent"):
        read(tmp_path / "absent", Format.ASTERIX)
