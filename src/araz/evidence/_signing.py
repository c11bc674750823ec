"""Signatures and tree heads: Ed25519 (RFC 8032) over canonical bytes; keys come in and go out as PEM text."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from araz.evidence._merkle import is_consistent
from araz.vocabulary import Phrase


def canonical_json(value: Any) -> bytes:
    """The one JSON text of a value: keys sorted, no spaces, UTF-8; equal values give equal bytes.

    A phrase is written as its English text.
    """
    return msgspec.json.encode(value, order="sorted", enc_hook=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, Phrase):
        return str(value)
    raise NotImplementedError


def new_key(password: bytes | None = None) -> bytes:
    """Return a fresh Ed25519 private key as PKCS#8 PEM, under ``password`` if one is given. Source: RFC 8410."""
    return private_pem(Ed25519PrivateKey.generate(), password)


def private_pem(key: Ed25519PrivateKey, password: bytes | None = None) -> bytes:
    """PKCS#8 PEM of a private key."""
    shut: KeySerializationEncryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, shut)


def load_key(pem: bytes, password: bytes | None = None) -> Ed25519PrivateKey:
    """Read a private key; ValueError with the remedy for anything else or a wrong password."""
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError) as error:
        raise ValueError(f"this is no private key that opens ({error}); make one with: araz case key FILE") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError("the key is not Ed25519; make one with: araz case key FILE")
    return key


def public_pem(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """SubjectPublicKeyInfo PEM of a key: what others need to check its signatures. Source: RFC 8410."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def fingerprint(pem: str) -> str:
    """SHA-256 of the key's SubjectPublicKeyInfo in DER, hex: to be compared by phone or on paper."""
    return hashlib.sha256(_public(pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def is_signed_by(pem: str, signature: bytes, data: bytes) -> bool:
    """Whether ``signature`` over ``data`` was made with the private half of a public PEM."""
    try:
        _public(pem).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _public(pem: str) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(f"this is no public key: {error}") from None
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("the public key is not Ed25519")
    return key


class TreeHead(msgspec.Struct, frozen=True, kw_only=True):
    """What a journal held at one time, in 32 bytes: who has it can tell whether anything was altered or taken out."""

    journal: str
    """Hash of the journal's first entry, hex: which journal this is."""
    tree_size: int
    root_hash: str
    """MTH over the hashes of entries 0..tree_size-1, hex."""
    entry_hash: str
    """Hash of the last of them in the chain, hex."""
    at_us: int
    """Time of arrival of the last of them."""


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """One hand under a head: whose (public key, PEM), and the signature over the head's canonical JSON (hex)."""

    by: str
    key: str
    signature: str


def sign_head(head: TreeHead, by: str, key: Ed25519PrivateKey) -> Signed:
    """Sign a head: Ed25519 over the canonical JSON of ``{"by": …, "head": …}``."""
    return Signed(by=by, key=public_pem(key), signature=key.sign(_head_text(head, by)).hex())


def is_head_signed(head: TreeHead, signed: Signed) -> bool:
    """Whether a signature under a head holds, for the key that stands with it; whose key that is, others must know."""
    try:
        signature = bytes.fromhex(signed.signature)
        # One text for one key: else a byte of the PEM could change unseen.
        is_plain = public_pem(_public(signed.key)) == signed.key and signature.hex() == signed.signature
    except ValueError:
        return False
    return is_plain and is_signed_by(signed.key, signature, _head_text(head, signed.by))


def _head_text(head: TreeHead, by: str) -> bytes:
    return canonical_json({"by": by, "head": head})


def witness_objection(known: TreeHead | None, head: TreeHead, proof: list[bytes]) -> str | None:
    """Why the other service must not sign ``head`` after ``known``: a sentence, or None when all is well.

    ``proof`` is the consistency proof from one to the other. The first head is taken on trust and pins the journal.
    """
    if known is None:
        return None
    if head.journal != known.journal:
        return f"this is another journal: it begins with {head.journal[:16]}…, not {known.journal[:16]}…"
    if head.tree_size < known.tree_size:
        return f"the journal shrank: {known.tree_size} entries were witnessed, now there are {head.tree_size}"
    old, new = bytes.fromhex(known.root_hash), bytes.fromhex(head.root_hash)
    if not is_consistent(known.tree_size, old, head.tree_size, new, proof):
        return f"the {known.tree_size} entries that were witnessed are not all in it unaltered"
    return None
