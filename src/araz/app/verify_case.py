#!/usr/bin/env python3
"""Check an Araz case with nothing but Python's standard library and the openssl command.

    python3 verify.py case.zip [--key station.pem] [--tsa-ca authority.pem] [--json]

Ends with 0 when everything holds, 1 when something was altered, 2 when something could not be checked. It names the
first altered byte, the missing message, the wrong signature. ``--key`` is the station's public key as you got it by
another way than with the case; without it compare the fingerprint that is printed.

What is checked, in this order: every byte of the container against the one way to write it; every file against the
signed list; the signature (Ed25519); the time-stamp (RFC 3161); every message against its hash and the one before it;
that the messages stand in the journal whose head was signed (the tree of RFC 6962); that heads signed earlier, by
this station or by a witness, fit it too. One file on purpose, long as it is: it is read and run apart from Araz.
"""

from __future__ import annotations

import argparse
import binascii
import hashlib
import json
import struct
import subprocess
import sys
import tempfile
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST, SIGNATURE, KEY, SUMS, STAMP = "manifest.json", "manifest.sig", "signer.pem", "sums.json", "manifest.tsr"
MESSAGES, PROOF, BLOCKS, HEADS = "messages.bin", "proof.json", "blocks.json", "heads.json"
LOOSE = (MANIFEST, SIGNATURE, KEY, STAMP)
"""Files the manifest cannot list, for they follow from it; the sums tell where they were altered."""
BLOCK = 1024
ERASED = b"\xa5RE\n"
"""An entry whose content was erased for a reason on record: its hash still stands in chain and tree."""
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_ENTRY = struct.Struct(">4sIHQQ")


class Finding(NamedTuple):
    """One thing that does not hold. ``at`` is a byte of the case file, or -1; unchecked: nobody could look."""

    what: str
    sentence: str
    at: int = -1
    unchecked: bool = False


class Entry(NamedTuple):
    """One entry of a journal; ``text`` is what is hashed after the hash before it."""

    seq: int
    at_us: int
    source: str
    payload: bytes
    digest: bytes
    end: int
    text: bytes
    is_erased: bool = False


class Member(NamedTuple):
    """A file of the case, and the byte of the case at which it begins."""

    name: str
    data: bytes
    at: int


def container(files: dict[str, bytes]) -> bytes:
    """Write files as the one zip they can be: stored, in order, without dates; what else a zip may say is zero."""
    body, directory = bytearray(), bytearray()
    for name, data in files.items():
        text, crc, size = name.encode(), binascii.crc32(data), len(data)
        if len(body) + size >= 1 << 32:
            raise ValueError("the case is larger than 4 GiB; seal a shorter span")
        directory += _CENTRAL.pack(
            b"PK\x01\x02",
            0x0314,
            20,
            0x0800,
            0,
            0,
            0x21,
            crc,
            size,
            size,
            len(text),
            0,
            0,
            0,
            0,
            0o100644 << 16,
            len(body),
        )
        directory += text
        body += _LOCAL.pack(b"PK\x03\x04", 20, 0x0800, 0, 0, 0x21, crc, size, size, len(text), 0) + text + data
    end = _END.pack(b"PK\x05\x06", 0, 0, len(files), len(files), len(directory), len(body), 0)
    return bytes(body + directory + end)


def sums_of(files: dict[str, bytes], names: tuple[str, ...]) -> dict[str, str]:
    """First 8 bytes of SHA-256 of each block of 1,024 bytes, hex: they say where a file was altered, not whether."""
    return {
        name: "".join(
            hashlib.sha256(files[name][at : at + BLOCK]).hexdigest()[:16] for at in range(0, len(files[name]), BLOCK)
        )
        for name in names
        if name in files
    }


def json_bytes(value: Any) -> bytes:
    """Keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def examine(case: bytes, key: str | None = None, tsa_ca: str | None = None) -> tuple[list[Finding], dict[str, Any]]:
    """Return what does not hold (nothing: all is well), worst first, and the manifest ({} if unreadable)."""
    best: tuple[list[Finding], dict[str, Any]] | None = None
    for members in (_by_directory(case), _by_headers(case)):
        if members is None:
            continue
        found, manifest = _examine_members(members, key, tsa_ca)
        found += _container_findings(case, members, bool(found))
        if best is None or len(found) < len(best[0]):
            best = found, manifest
    if best is None:
        return [Finding("container", "byte 0: this is no case file, or its directory was destroyed", 0)], {}
    return best


def _by_directory(case: bytes) -> list[Member] | None:
    """Members as the directory at the end tells them; None where it does not hold together."""
    at = len(case) - _END.size
    if at < 0:
        return None
    magic, _, _, _, count, size, start, _ = _END.unpack_from(case, at)
    if magic != b"PK\x05\x06" or start + size != at:
        return None
    members, offset, expected = list[Member](), start, 0
    for _ in range(count):
        if offset + _CENTRAL.size > at:
            return None
        fields = _CENTRAL.unpack_from(case, offset)
        length, name_bytes, begins = fields[9], fields[10], fields[16]
        name = case[offset + _CENTRAL.size : offset + _CENTRAL.size + name_bytes].decode(errors="replace")
        data_at = begins + _LOCAL.size + name_bytes
        if begins != expected or data_at + length > start:
            return None
        members.append(Member(name, case[data_at : data_at + length], data_at))
        offset, expected = offset + _CENTRAL.size + name_bytes, data_at + length
    return members if expected == start and offset == at else None


def _by_headers(case: bytes) -> list[Member] | None:
    """Members as the headers before them tell them, from the first byte on."""
    members, offset = list[Member](), 0
    while case[offset : offset + 4] == b"PK\x03\x04" and offset + _LOCAL.size <= len(case):
        fields = _LOCAL.unpack_from(case, offset)
        length, name_bytes = fields[8], fields[9]
        data_at = offset + _LOCAL.size + name_bytes
        if data_at + length > len(case):
            break
        name = case[offset + _LOCAL.size : data_at].decode(errors="replace")
        members.append(Member(name, case[data_at : data_at + length], data_at))
        offset = data_at + length
    return members or None


def _first_difference(a: bytes, b: bytes) -> int:
    """Where two texts differ first, by halves; the length of the shorter where it begins the other."""
    same, most = 0, min(len(a), len(b))
    while same < most:
        middle = (same + most + 1) // 2
        same, most = (middle, most) if a[same:middle] == b[same:middle] else (same, middle - 1)
    return same


def _container_findings(case: bytes, members: list[Member], is_content_bad: bool) -> list[Finding]:
    names = [member.name for member in members]
    if len(set(names)) < len(names):
        return [Finding("container", f"the name {max(names, key=names.count)!r} stands in the case twice")]
    right = container({member.name: member.data for member in members})
    if right == case:
        return []
    at = _first_difference(right, case)
    if is_content_bad and any(member.at - 16 - len(member.name.encode()) <= at < member.at for member in members):
        return []  # the check sum before a file that was altered: said already
    near = next((f" near {member.name}" for member in reversed(members) if member.at <= at + _LOCAL.size + 255), "")
    return [Finding("container", f"byte {at} of the case: the container was altered{near}, not a file in it", at)]


def _examine_members(
    members: list[Member], key: str | None, tsa_ca: str | None
) -> tuple[list[Finding], dict[str, Any]]:
    files = {member.name: member.data for member in members}
    places = {member.name: member.at for member in members}
    found = [
        Finding("missing", f"the file {name} is missing")
        for name in (MANIFEST, SIGNATURE, KEY, SUMS)
        if name not in files
    ]
    if found:
        return found, {}
    found += _seal_findings(files, places)
    is_trusted = not found
    if key is not None and _plain(key) != _plain(files[KEY].decode(errors="replace")):
        found.append(
            Finding("signature", "wrong signature: the case was signed with another key than the one you gave")
        )
    try:
        manifest = json.loads(files[MANIFEST])
        listed = {str(name): (str(item["sha256"]), int(item["size"])) for name, item in manifest["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return found or [Finding("manifest", "manifest.json is no list of files")], {}
    found += _file_findings(files, places, listed)
    if STAMP in files and is_trusted:
        found += _stamp_findings(files, tsa_ca)
    if MESSAGES in files and PROOF in files:
        found += _message_findings(files, places, manifest)
    if HEADS in files and not found:
        found += _head_findings(files, manifest)
    return found, manifest


def _seal_findings(files: dict[str, bytes], places: dict[str, int]) -> list[Finding]:
    """Is the list signed, and where was it altered if not."""
    names = tuple(name for name in (*LOOSE, BLOCKS) if name in files)
    right = json_bytes(
        {"sha256": {n: hashlib.sha256(files[n]).hexdigest() for n in names}, "blocks": sums_of(files, names)}
    )
    signed = _openssl_verify(files)
    if signed is None:
        return [
            Finding(
                "signature",
                "the signature was not checked: the openssl command (3.0 or newer) is needed",
                unchecked=True,
            )
        ]
    if signed:
        if right == files[SUMS]:
            return []
        at, old = _stray(files, names), files[SUMS]
        if at is not None:
            return [_located(at, files, places, _blocks(old)[at])]
        byte = next((i for i, (a, b) in enumerate(zip(right, old, strict=False)) if a != b), min(len(right), len(old)))
        return [
            Finding(
                "sums",
                f"byte {places[SUMS] + byte} of the case, byte {byte} of {SUMS}, was altered",
                places[SUMS] + byte,
            )
        ]
    at = _stray(files, names)
    if at is None:
        return [
            Finding("signature", f"wrong signature: {SIGNATURE} was not made over {MANIFEST} with the key in {KEY}")
        ]
    located = _located(at, files, places, _blocks(files[SUMS])[at])
    return [located._replace(sentence=f"wrong signature; {located.sentence}")]


def _blocks(sums: bytes) -> dict[str, str]:
    try:
        value = json.loads(sums)["blocks"]
        return {str(name): str(text) for name, text in value.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _stray(files: dict[str, bytes], names: tuple[str, ...]) -> str | None:
    """The first loose file that both kinds of sums call altered."""
    try:
        whole = json.loads(files[SUMS])["sha256"]
    except (ValueError, KeyError, TypeError):
        return None
    blocks = _blocks(files[SUMS])
    for name in names:
        is_same = isinstance(whole, dict) and whole.get(name) == hashlib.sha256(files[name]).hexdigest()
        if not is_same and name in blocks and sums_of(files, (name,))[name] != blocks[name]:
            return name
    return None


def _located(name: str, files: dict[str, bytes], places: dict[str, int], blocks: str, note: str = "") -> Finding:
    """Find the first altered byte of a file from its blocks' sums: exactly when one byte changed, else its block."""
    data, base = files[name], places[name]
    for number in range(max(-(-len(data) // BLOCK), len(blocks) // 16)):
        block, right = data[number * BLOCK : (number + 1) * BLOCK], blocks[number * 16 : (number + 1) * 16]
        if hashlib.sha256(block).hexdigest()[:16] == right:
            continue
        first = number * BLOCK
        hit = _mend(block, right)
        if hit is not None:
            byte, was = first + hit[0], hit[1]
            now = data[byte]
            text = f"byte {base + byte} of the case, byte {byte} of {name}{note}, was 0x{was:02x} and is 0x{now:02x}"
            return Finding("altered", text, base + byte)
        last = max(first, first + len(block) - 1)
        text = f"{name}{note} was altered; the first altered byte lies at {base + first} to {base + last} of the case"
        return Finding("altered", text, base + first)
    return Finding("altered", f"{name}{note} is not the file that was signed", base)


def _mend(block: bytes, right: str) -> tuple[int, int] | None:
    """Which one byte must be what for the block to have its sum: one flipped bit first, then any value."""
    masks = [1 << bit for bit in range(8)]
    for turn in (masks, [mask for mask in range(1, 256) if mask not in masks]):
        for at in range(len(block)):
            before = hashlib.sha256(block[:at])
            for mask in turn:
                trial = before.copy()
                trial.update(bytes((block[at] ^ mask,)))
                trial.update(block[at + 1 :])
                if trial.hexdigest()[:16] == right:
                    return at, block[at] ^ mask
    return None


def _file_findings(
    files: dict[str, bytes], places: dict[str, int], listed: dict[str, tuple[str, int]]
) -> list[Finding]:
    found = [Finding("missing", f"the file {name} is missing") for name in listed if name not in files]
    extra = [name for name in files if name not in listed and name not in (*LOOSE, SUMS)]
    found += [
        Finding("extra", f"the file {name} was put in; it is not in the signed list", places[name]) for name in extra
    ]
    try:
        blocks = json.loads(files[BLOCKS])
    except (KeyError, ValueError):
        blocks = {}
    if not isinstance(blocks, dict):
        blocks = {}
    if BLOCKS in files:
        blocks[BLOCKS] = _blocks(files[SUMS]).get(BLOCKS, "")
    for name, (sha256, size) in listed.items():
        if name in files and hashlib.sha256(files[name]).hexdigest() != sha256:
            length = "" if len(files[name]) == size else f" ({len(files[name])} bytes, not {size})"
            found.append(_located(name, files, places, str(blocks.get(name, "")), length))
    return found


def _openssl_verify(files: dict[str, bytes]) -> bool | None:
    with tempfile.TemporaryDirectory() as folder:
        for name in (MANIFEST, SIGNATURE, KEY):
            (Path(folder) / name).write_bytes(files[name])
        words = ["pkeyutl", "-verify", "-pubin", "-inkey", KEY, "-rawin", "-in", MANIFEST, "-sigfile", SIGNATURE]
        done = _openssl(words, folder)
    return None if done is None else done[0] == 0


def _stamp_findings(files: dict[str, bytes], tsa_ca: str | None) -> list[Finding]:
    if tsa_ca is None:
        return [
            Finding(
                "stamp",
                f"the time-stamp {STAMP} was not checked: give the authority's certificate with --tsa-ca",
                unchecked=True,
            )
        ]
    with tempfile.TemporaryDirectory() as folder:
        for name in (SIGNATURE, STAMP):
            (Path(folder) / name).write_bytes(files[name])
        done = _openssl(
            ["ts", "-verify", "-data", SIGNATURE, "-in", STAMP, "-CAfile", str(Path(tsa_ca).resolve())], folder
        )
    if done is None or done[0] != 0:
        why = "openssl is missing" if done is None else done[1].strip().splitlines()[-1:] or ["refused"]
        return [Finding("stamp", f"wrong time-stamp: {STAMP} does not vouch for {SIGNATURE} ({why})")]
    return []


def _openssl(words: list[str], folder: str) -> tuple[int, str] | None:
    try:
        done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True, check=False)
    except OSError:
        return None
    if done.returncode != 0 and "Usage" in done.stderr:
        return None
    return done.returncode, done.stderr


def _message_findings(files: dict[str, bytes], places: dict[str, int], manifest: dict[str, Any]) -> list[Finding]:
    """Walk over the messages: each against its hash, all against the signed head of the journal."""
    try:
        proof = json.loads(files[PROOF])
        runs = [(int(r["first_seq"]), int(r["count"]), bytes.fromhex(r["previous_hash"])) for r in proof["runs"]]
        head, path = proof["head"], [bytes.fromhex(item) for item in proof["path"]]
        size, root = int(head["tree_size"]), bytes.fromhex(head["root_hash"])
    except (ValueError, KeyError, TypeError):
        return [Finding("proof", f"{PROOF} is no proof")]
    leaves, at, data = dict[int, bytes](), 0, files[MESSAGES]
    for first, count, previous in runs:
        for seq in range(first, first + count):
            entry = message_at(data, at)
            where = places[MESSAGES] + at
            if entry is None:
                return [
                    Finding(
                        "message", f"message {seq} is missing: no message begins at byte {where} of the case", where
                    )
                ]
            if entry.seq != seq:
                return [Finding("message", f"message {seq} is missing: message {entry.seq} stands in its place", where)]
            if not (len(entry.digest) == 32 if entry.is_erased else _hash_of(previous, entry) == entry.digest):
                return [
                    Finding(
                        "message",
                        f"message {seq} from {entry.source!r} was altered (from byte {where} on)",
                        where,
                    )
                ]
            leaves[seq], previous, at = hashlib.sha256(b"\x00" + entry.digest).digest(), entry.digest, entry.end
    if at != len(data):
        return [
            Finding(
                "message",
                f"messages were put in from byte {places[MESSAGES] + at} of the case on",
                places[MESSAGES] + at,
            )
        ]
    if root_of(size, leaves, path) != root:
        return [Finding("proof", f"the {len(leaves)} messages do not stand in the journal whose head was signed")]
    if manifest.get("head") != head:
        return [Finding("proof", "the proof is about another head than the signed one")]
    return []


def entries_of(data: bytes) -> Iterator[Entry]:
    """The entries of messages.bin, unchecked, up to its end or where none begins."""
    at = 0
    while (entry := message_at(data, at)) is not None:
        yield entry
        at = entry.end


def message_at(data: bytes, at: int) -> Entry | None:
    """Read the entry that begins at a byte of messages.bin, unchecked; None where none does."""
    if at + _ENTRY.size > len(data):
        return None
    magic, size, name, seq, at_us = _ENTRY.unpack_from(data, at)
    begins, ends = at + _ENTRY.size, at + _ENTRY.size + name + size + 32
    if magic not in (b"\xa5RZ\n", ERASED) or ends > len(data):
        return None
    if magic == ERASED:
        empty = data[begins + name : ends - 32] == bytes(size)
        return Entry(seq, at_us, "@erased", b"", data[ends - 32 : ends] if empty else b"", ends, b"", True)
    text = struct.pack(">QQHI", seq, at_us, name, size) + data[begins : ends - 32]
    source = data[begins : begins + name].decode(errors="replace")
    return Entry(seq, at_us, source, data[begins + name : ends - 32], data[ends - 32 : ends], ends, text)


def _head_findings(files: dict[str, bytes], manifest: dict[str, Any]) -> list[Finding]:
    """Earlier heads of the journal: only added to since, and signed by whom they say."""
    try:
        lines, size, root = json.loads(files[HEADS]), manifest["head"]["tree_size"], manifest["head"]["root_hash"]
        for line in lines:
            head, path = line["head"], [bytes.fromhex(item) for item in line["consistency"]]
            old = bytes.fromhex(head["root_hash"])
            if not is_consistent(head["tree_size"], old, size, bytes.fromhex(root), path):
                text = f"the journal was rewritten after its head of {head['tree_size']} entries was signed"
                return [Finding("head", text)]
            for hand in line["signed"]:
                said = json_bytes({"by": hand["by"], "head": head})
                signed = {MANIFEST: said, SIGNATURE: bytes.fromhex(hand["signature"]), KEY: hand["key"].encode()}
                if _openssl_verify(signed) is False:
                    return [Finding("head", f"wrong signature of {hand['by']!r} under the head of {head['tree_size']}")]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [Finding("head", f"{HEADS} holds no heads")]
    return []


def _witnesses(files: dict[str, bytes]) -> list[str]:
    """A line for each other hand under the heads, with the largest of them; call it when the heads were checked."""
    largest = dict[tuple[str, str], int]()
    for line in json.loads(files.get(HEADS, b"[]")):
        for hand in line["signed"]:
            if _plain(hand["key"]) != _plain(files[KEY].decode()):
                name = hand["by"], fingerprint(hand["key"].encode())
                largest[name] = max(line["head"]["tree_size"], largest.get(name, 0))
    return [f"Its first {n} entries were witnessed by {by!r}, key {key}." for (by, key), n in largest.items()]


def is_consistent(old_size: int, old_root: bytes, size: int, root: bytes, path: list[bytes]) -> bool:
    """Whether a tree was only added to since it had ``old_size`` entries (RFC 9162, 2.1.4.2)."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not path and old_root == root
    path = [old_root, *path] if old_size & (old_size - 1) == 0 else path
    if not path:
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = _node(sibling, old), _node(sibling, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = _node(new, sibling)
        node, last = node >> 1, last >> 1
    return old == old_root and new == root and last == 0


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _hash_of(previous: bytes, entry: Entry) -> bytes:
    return hashlib.sha256(previous + entry.text).digest()


def root_of(size: int, leaves: dict[int, bytes], path: list[bytes]) -> bytes | None:
    """Root of the tree of RFC 6962 over ``size`` entries, from some leaves and the subtrees that hold none of them."""
    indices, rest = sorted(leaves), iter(path)
    if not indices or indices[-1] >= size:
        return None

    def build(low: int, high: int) -> bytes:
        if bisect_left(indices, high) == bisect_left(indices, low):
            return next(rest)
        if high - low == 1:
            return leaves[low]
        middle = low + (1 << (high - low - 1).bit_length() - 1)
        left = build(low, middle)
        return _node(left, build(middle, high))

    try:
        root = build(0, size)
    except StopIteration:
        return None
    return root if next(rest, None) is None else None


def _plain(pem: str) -> str:
    return "".join(pem.split())


def fingerprint(pem: bytes) -> str:
    """SHA-256 of the key's DER bytes, hex."""
    try:
        return hashlib.sha256(binascii.a2b_base64(b"".join(pem.splitlines()[1:-1]))).hexdigest()
    except (ValueError, IndexError):
        return "unreadable"


def main(arguments: list[str] | None = None) -> int:
    """Run as a command; see the top of this file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("case")
    parser.add_argument("--key", help="the station's public key (PEM), got by another way than with the case")
    parser.add_argument("--tsa-ca", help="certificate of the time-stamping authority's root (PEM)")
    parser.add_argument("--json", action="store_true", help="for machines")
    given = parser.parse_args(arguments)
    try:
        case = Path(given.case).read_bytes()
        key = None if given.key is None else Path(given.key).read_text()
    except OSError as error:
        sys.stderr.write(f"cannot read {error.filename}: {error.strerror}\n")
        return 2
    found, manifest = examine(case, key, given.tsa_ca)
    altered = [item for item in found if not item.unchecked]
    files = {member.name: member.data for member in _by_directory(case) or _by_headers(case) or []}
    erased = sum(entry.is_erased for entry in entries_of(files.get(MESSAGES, b"")))
    if given.json:
        said = {"ok": not found, "found": [item._asdict() for item in found], "erased": erased}
        sys.stdout.write(json.dumps(said) + "\n")
        return 1 if altered else 2 if found else 0
    print_key = fingerprint(files[KEY]) if KEY in files else "none"
    lines = [f"ALTERED: {item.sentence}" for item in altered]
    lines += [f"NOT CHECKED: {item.sentence}" for item in found if item.unchecked]
    if not altered:
        head = manifest.get("head", {})
        lines.append(
            f"{'Nothing was altered in what was checked' if found else 'Everything holds'}: "
            f"{len(manifest['files'])} files, "
            f"{manifest.get('messages', 0)} messages that stand in the journal of {head.get('tree_size', 0)} entries "
            f"with head {head.get('root_hash', '')}."
        )
        lines += _witnesses(files)
        if erased:
            lines.append(f"Erased, with only their hashes left: {erased} of the messages.")
    lines.append(f"Key that signed (SHA-256, compare it with the station's): {print_key}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if altered else 2 if found else 0


if __name__ == "__main__":
    sys.exit(main())
