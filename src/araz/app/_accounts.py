"""Local accounts: a file of ids, roles and argon2 hashes; the console's certificate."""

from __future__ import annotations

import getpass
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import cyclopts
import msgspec
from cyclopts import Parameter

from araz.app._aside import ACCESS_SOURCE, SESSION_SOURCE
from araz.app._keys import write_key
from araz.app._oidc import Oidc, fetcher, read_provider
from araz.app._passkeys import Passkeys
from araz.app._rim import say
from araz.console import Access, Account, Gate, Role, Session, SessionWord

accounts = cyclopts.App(name="account", help="Who may sign in to the console, and its certificate.")
MIN_PASSWORD: Final = 12
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
File = Annotated[Path, Parameter(name="--accounts", help="The accounts file.")]
DEFAULT: Final = Path("out/accounts.json")


@accounts.command
def add(
    account: str,
    *,
    role: Role,
    service: str,
    accounts: File = DEFAULT,
    password: Annotated[str, Parameter(env_var="ARAZ_PASSWORD", show=False)] = "",
) -> int:
    """Add an account, or give it a new password and role; the password is asked for, never shown.

    Example: araz account add officer-1 --role officer --service "border service" --accounts out/accounts.json
    """
    from argon2 import PasswordHasher

    password = password or getpass.getpass(f"password of {account}: ")
    if len(password) < MIN_PASSWORD:
        raise ValueError(f"the password has {len(password)} characters; take at least {MIN_PASSWORD}")
    made = Account(id=account, role=role, service=service, password_hash=PasswordHasher().hash(password))
    kept = [item for item in (read_accounts(accounts) if accounts.exists() else []) if item.id != account]
    accounts.parent.mkdir(parents=True, exist_ok=True)
    part = accounts.with_suffix(".part")
    part.unlink(missing_ok=True)
    write_key(part, msgspec.json.format(msgspec.json.encode([*kept, made])))
    part.replace(accounts)
    say(f"{account}: {role.value} of {service}; {len(kept) + 1} accounts in {accounts}")
    return 0


@accounts.command
def certificate(name: str, *, out: Path = Path("out/tls"), days: int = 365) -> int:
    """Make a certificate for the console, signed by itself: give console.crt to the browsers that may trust it.

    Example: araz account certificate console.example --out out/tls
    """
    from araz.app._certificates import certificate_of, new_certificate_key, write_pair

    if (out / "console.key").exists():
        raise ValueError(f"{out / 'console.key'} exists; a key is never overwritten, name another --out")
    key = new_certificate_key()
    write_pair(out, "console", certificate_of(name, [name], key, None, key, days), key)
    say(f"{out / 'console.crt'} for {name}, {days} days; its key beside it")
    return 0


def read_accounts(path: Path) -> list[Account]:
    """The accounts of a file; ValueError with the remedy for anything else."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Account])
    except (OSError, msgspec.DecodeError) as error:
        raise ValueError(f"{path} is no accounts file ({error}); make one with: araz account add") from None


class Entrance(NamedTuple):
    """The gate, and the ways through it beside the password."""

    gate: Gate
    passkeys: Passkeys | None
    oidc: Oidc | None


Journalled = Callable[[str, bytes], Awaitable[object]]
"""Has a source and its payload in the journal; back when it is safe there."""


def open_entrance(
    accounts: Path | None, provider: Path | None, journalled: Journalled, clock: Callable[[], int]
) -> Entrance:
    """Return the entrance over an accounts file, the settings of a provider, or both; ValueError with the remedy.

    Who read what, and who is signed in, goes to the journal before anything is answered.
    """
    known = {} if accounts is None else {account.id: account for account in read_accounts(accounts)}
    keys = None if accounts is None else Passkeys(accounts.with_name("passkeys.json"), known, clock)
    oidc = None
    if provider is not None:
        settings, secret = read_provider(provider)
        fetch = fetcher(provider.parent / settings.ca_file if settings.ca_file else None)
        oidc = Oidc(settings, secret, fetch, time.time)
    return Entrance(_gate_over(known, oidc is not None, journalled, clock), keys, oidc)


def _gate_over(
    known: Mapping[str, Account], has_provider: bool, journalled: Journalled, clock: Callable[[], int]
) -> Gate:
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    hasher = PasswordHasher()
    nobody = hasher.hash("nobody has this password")

    def check(name: str, password: str) -> Account | None:
        account = known.get(name)
        try:
            # Unknown accounts cost the same time, so that nobody learns which there are.
            hasher.verify(nobody if account is None else account.password_hash, password)
        except VerificationError:
            return None
        return account

    async def note(access: Access) -> None:
        await journalled(ACCESS_SOURCE, msgspec.json.encode(access))

    async def keep(word: SessionWord) -> None:
        await journalled(SESSION_SOURCE, msgspec.json.encode(word))

    def still(session: Session) -> bool:
        if session.how == "provider":
            return has_provider
        account = known.get(session.account)
        return account is not None and (account.role, account.service) == (session.role, session.service)

    return Gate(check, note, clock, keep, still)


def names_of(certificate_file: Path) -> set[str]:
    """The names and addresses a certificate is made out to: under these the console answers."""
    from cryptography import x509

    found = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def check_exposure(host: str, accounts_file: Path | None, tls: Path | None, oidc: Path | None = None) -> None:
    """Refuse a console that others can reach without accounts and TLS; ValueError with the remedy.

    On this machine alone (loopback) neither is asked for: whoever sits at it is the duty officer, and ``make demo``
    opens at once.
    """
    if tls is not None and not ((tls / "console.crt").is_file() and (tls / "console.key").is_file()):
        raise ValueError(f"{tls} holds no console.crt and console.key; make them with: araz account certificate NAME")
    has_gate = accounts_file is not None or oidc is not None
    if has_gate and tls is None:
        raise ValueError("accounts need TLS: make a certificate with araz account certificate NAME, then give --tls")
    if host not in LOOPBACK and not has_gate:
        raise ValueError(
            f"{host} can be reached by others: give --accounts or --oidc, and --tls (see docs/security.md), or leave "
            "--host out"
        )
