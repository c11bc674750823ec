"""Accounts and TLS: nobody is asked on localhost; beyond it a console without either does not start."""

import asyncio
import ssl

import pytest

from access_log import AccessLog
from araz.app._accounts import check_exposure, names_of, open_entrance, read_accounts
from araz.app._aside import SESSION_SOURCE
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
    log = AccessLog(tmp_path / "access.journal")
    gate = open_entrance(made, None, log, lambda: 1_790_000_000_000_000).gate

    async def both():
        right = SignIn(account="officer-1", password="a long enough password", purpose="duty")
        wrong = SignIn(account="officer-1", password="another long password", purpose="duty")
        return await gate.sign_in(right), await gate.sign_in(wrong)

    right, wrong = asyncio.run(both())
    log.close()
    assert right[1].role == "officer"
    assert wrong.code == "wrong"
    assert verify_journal(tmp_path / "access.journal").ok
    assert [item["is_granted"] for item in log.said()] == [True, False]
    whole = b"".join(message.payload for message in read_journal(tmp_path / "access.journal"))
    assert right[0].encode() not in whole, "no token lies on a disk"


def test_a_session_outlives_a_restart_but_not_the_account_behind_it(made, tmp_path):
    def gate_of(accounts):
        gate = open_entrance(accounts, None, log, lambda: 1_790_000_000_000_000).gate
        for message in read_journal(log.path):
            if message.source == SESSION_SOURCE:
                gate.sessions.hear_text(message.payload)
        return gate

    def who(gate, token):
        return gate.session_of({b"cookie": f"__Host-araz={token}".encode()})

    log = AccessLog(tmp_path / "access.journal")
    right = SignIn(account="officer-1", password="a long enough password", purpose="duty")
    token, session = asyncio.run(gate_of(made).sign_in(right))
    assert who(gate_of(made), token) == (token, session)
    words = ["--service", "border service", "--accounts", made]
    assert araz("account", "add", "officer-1", "--role", "analyst", *words) == 0
    assert who(gate_of(made), token) is None, "the account has another role now"
    made.write_text("[]")
    assert who(gate_of(made), token) is None
    log.close()


def test_a_short_password_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("ARAZ_PASSWORD", "short")
    words = ["x", "--role", "officer", "--service", "s", "--accounts", tmp_path / "a.json"]
    assert araz("account", "add", *words) == 2
    assert not (tmp_path / "a.json").exists()
