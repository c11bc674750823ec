"""Mutual TLS between posts and centre: one small authority, the centre's certificate and one for each post."""

from __future__ import annotations

import datetime
import ipaddress
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from araz.app._keys import write_key
from araz.app._rim import say


def make_keys(centre: str, posts: Sequence[str], out: Path, days: int) -> None:
    """Make the authority (once), the centre's key (once) and a key for each new post; none is ever overwritten."""
    if (out / "ca.key").exists():
        authority = x509.load_pem_x509_certificate((out / "ca.crt").read_bytes())
        key = load_pem_private_key((out / "ca.key").read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
    else:
        key = ec.generate_private_key(ec.SECP256R1())
        authority = _certificate("araz posts", [], key, None, key, days)
        _write(out, "ca", authority, key)
    for name, hosts in [("centre", [centre, "localhost", "127.0.0.1"]), *((post, []) for post in posts)]:
        if (out / f"{name}.key").exists():
            continue
        own = ec.generate_private_key(ec.SECP256R1())
        _write(out, name, _certificate(name, hosts, own, authority, key, days), own)
    say(
        f"In {out}: ca.key stays here; the centre gets ca.crt, centre.crt, centre.key; each post ca.crt and its own two"
    )


def _write(out: Path, name: str, made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    write_key(out / f"{name}.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (out / f"{name}.crt").write_bytes(made.public_bytes(Encoding.PEM))


def _certificate(
    name: str,
    hosts: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    days: int,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.fromtimestamp(time.time(), datetime.UTC)
    both = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=0 if issuer is None else None), True)
    )
    if issuer is not None:
        made = made.add_extension(both, False)
    if hosts:
        made = made.add_extension(x509.SubjectAlternativeName([_host(one) for one in dict.fromkeys(hosts)]), False)
    return made.sign(issuer_key, hashes.SHA256())


def _host(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)
