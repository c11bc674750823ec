"""Certificates: one that is its own authority, or one that an authority gives; its key in a file beside it."""

from __future__ import annotations

import datetime
import ipaddress
import time
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from araz.app._keys import write_key


def new_certificate_key() -> ec.EllipticCurvePrivateKey:
    """A fresh key to be certified."""
    return ec.generate_private_key(ec.SECP256R1())


def write_pair(out: Path, name: str, made: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Write NAME.key, for its owner alone, and NAME.crt; FileExistsError where there is such a key."""
    write_key(out / f"{name}.key", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (out / f"{name}.crt").write_bytes(made.public_bytes(Encoding.PEM))


def certificate_of(
    name: str,
    hosts: Sequence[str],
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    days: int,
) -> x509.Certificate:
    """Certify a key under a name and its hosts, from now on for so many days; without an issuer it is an authority."""
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
