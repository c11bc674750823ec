"""Accounts and TLS: nobody is asked on localhost; beyond it a console without either does not start."""

import asyncio
import ssl

import pytest

from araz.app._accounts import check_exposure, names_of, open_entrance, read_accounts
from araz.console import SignIn
from araz.store import read_journal, verify_journal
from araz_testing import araz


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAZ_PASSWORD", "a long enough password")
    file = tmp_path / "accounts.json"
    words = ["officer-1", "--role", "officer", "--service", "border service", "--accounts", file]
    assert araz("account", "add", *words) == 0
    assert araz("account", "certificate", "10.0.0.5", "--out", tmp_path / "tls") == 0
    return file


def test_only_localhost_goes_without_accounts_and_tls(made, tmp_path):
    tls = tmp_path / "tls"
    for host in ("127.0.0.1", "localhost", "::1"):
        check_exposure(host, None, None)
    check_exposure("10.0.0.5", made, tls)
    for host, accounts, folder in (("0.0.0.0", None, None), ("10.0.0.5", None, tls), ("127.0.0.1", made, None),
                                   ("10.0.0.5", made, None), ("127.0.0.1", made, tmp_path)):  # fmt: skip
        with pytest.raises(ValueError, match=r"araz account|--accounts"):
            check_exposure(host, accounts, folder)
    assert araz("demo", "--host", "0.0.0.0", "--out", tmp_path / "demo") == 2
    assert not (tmp_path / "demo").exists()


def test_the_certificate_is_one_a_browser_could_trust(made, tmp_path):
    tls = tmp_path / "tls"
    context = ssl.create_default_context(cafile=str(tls / "console.crt"))
    context.load_cert_chain(tls / "console.crt", tls / "console.key")
    assert context.get_ca_certs()[0]["subjectAltName"] == (("IP Address", "10.0.0.5"),)
    assert names_of(tls / "console.crt") == {"10.0.0.5"}
    assert (tls / "console.key").stat().st_mode & 0o077 == 0


def test_passwords_are_hashed_and_sign_ins_journalled(made, tmp_path):
    assert made.stat().st_mode & 0o077 == 0
    assert b"long enough" not in made.read_bytes()
    assert read_accounts(made)[0].password_hash.startswith("$argon2id$")
    gate, log, _, _ = open_entrance(made, None, tmp_path / "access.journal", lambda: 1_790_000_000_000_000)

    async def both():
        right = SignIn(account="officer-1", password="a long enough password", purpose="duty")
        wrong = SignIn(account="officer-1", password="another long password", purpose="duty")
        return await gate.sign_in(right), await gate.sign_in(wrong)

    right, wrong = asyncio.run(both())
    log.close()
    assert right[1].role == "officer"
    assert wrong.code == "wrong"
    assert verify_journal(tmp_path / "access.journal").ok
    said = [message.payload for message in read_journal(tmp_path / "access.journal")]
    assert [b'"is_granted":true' in item for item in said] == [True, False]


def test_a_short_password_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAZ_PASSWORD", "short")
    words = ["x", "--role", "officer", "--service", "s", "--accounts", tmp_path / "a.json"]
    assert araz("account", "add", *words) == 2
    assert not (tmp_path / "a.json").exists()
