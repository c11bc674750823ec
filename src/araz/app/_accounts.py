"""Local accounts: a file of ids, roles and argon2 hashes; the console's certificate; the log of who read what."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Final

import cyclopts
import msgspec
from cyclopts import Parameter

from araz.app._keys import write_key
from araz.app._rim import say
from araz.console import Access, Account, Gate, Role
from araz.store import Journal

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


def open_gate(path: Path, log: Path, clock: Callable[[], int]) -> tuple[Gate, Journal]:
    """Return the gate over an accounts file, and the journal of who read what, which its caller closes."""
    from argon2 import PasswordHasher
    from argon2.exceptions import VerificationError

    known = {account.id: account for account in read_accounts(path)}
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

    journal = Journal.open(log)
    lock = asyncio.Lock()

    async def note(access: Access) -> None:
        async with lock:
            await asyncio.to_thread(journal.append, [(access.at_us, "@access", msgspec.json.encode(access))])

    noted: Callable[[Access], Awaitable[None]] = note
    return Gate(check, noted, clock), journal


def names_of(certificate_file: Path) -> set[str]:
    """The names and addresses a certificate is made out to: under these the console answers."""
    from cryptography import x509

    found = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in names}


def check_exposure(host: str, accounts_file: Path | None, tls: Path | None) -> None:
    """Refuse a console that others can reach without accounts and TLS; ValueError with the remedy.

    On this machine alone (loopback) neither is asked for: whoever sits at it is the duty officer, and ``make demo``
    opens at once.
    """
    if tls is not None and not ((tls / "console.crt").is_file() and (tls / "console.key").is_file()):
        raise ValueError(f"{tls} holds no console.crt and console.key; make them with: araz account certificate NAME")
    if accounts_file is not None and tls is None:
        raise ValueError("accounts need TLS: make a certificate with araz account certificate NAME, then give --tls")
    if host not in LOOPBACK and accounts_file is None:
        raise ValueError(
            f"{host} can be reached by others: give --accounts and --tls (see docs/security.md), or leave --host out"
        )
