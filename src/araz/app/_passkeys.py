"""Passkeys of local accounts: registered by whoever is signed in, then a sign-in without a password.

A challenge is used once and within five minutes. A key whose counter goes back was copied: it is shut, both copies of
it. Source: W3C Web Authentication, Level 2, 7.1 and 7.2.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from araz.app._keys import write_key
from araz.console import Account, Identity
from araz.vocabulary import phrase

CHALLENGE_US: Final = 300_000_000
MOST_CHALLENGES: Final = 1_000
MOST_KEYS: Final = 8
"""Of one account."""


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """One registered key: what is public of it, and how often it was used by its own count."""

    id: str
    """The credential's id, base64url."""
    account: str
    name: str
    public_key: bytes
    sign_count: int
    made_at_us: int
    used_at_us: int | None = None
    is_shut: bool = False
    """Its counter went back: somebody has a copy."""


class PasskeyRefused(Exception):
    """A registration or sign-in that does not hold, in a sentence."""


class Passkeys:
    """The keys of a file, and the challenges that wait for an answer. Stands being called from several threads."""

    def __init__(self, path: Path, accounts: Mapping[str, Account], clock: Callable[[], int]) -> None:
        self._path, self._accounts, self._clock = path, accounts, clock
        self._challenges: OrderedDict[bytes, tuple[str, int]] = OrderedDict()
        self._lock = threading.RLock()
        try:
            kept = msgspec.json.decode(path.read_bytes(), type=list[Passkey]) if path.exists() else []
        except (OSError, msgspec.DecodeError) as error:
            raise ValueError(
                f"{path} holds no passkeys ({error}); put it away, and let them be registered anew"
            ) from None
        self._keys = {key.id: key for key in kept}

    def of(self, account: str) -> list[Passkey]:
        """The keys of an account, oldest first."""
        return sorted((key for key in self._keys.values() if key.account == account), key=lambda key: key.made_at_us)

    def registration_options(self, account: str, host: str) -> bytes:
        """What the browser needs to make a key for this account; JSON."""
        from webauthn import generate_registration_options, options_to_json
        from webauthn.helpers import base64url_to_bytes
        from webauthn.helpers.structs import (
            AuthenticatorSelectionCriteria,
            PublicKeyCredentialDescriptor,
            ResidentKeyRequirement,
            UserVerificationRequirement,
        )

        known = [PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.id)) for key in self.of(account)]
        if len(known) >= MOST_KEYS:
            raise PasskeyRefused(phrase("refused.many-passkeys", account=account, n=MOST_KEYS))
        options = generate_registration_options(
            rp_id=host, rp_name="Araz", user_name=account, challenge=self._challenge(account),
            user_id=hashlib.sha256(b"araz passkey\0" + account.encode()).digest(),
            exclude_credentials=known,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
            ),
        )  # fmt: skip
        return options_to_json(options).encode()

    def register(self, account: str, name: str, credential: Mapping[str, Any], host: str, origin: str) -> Passkey:
        """Keep a new key of ``account``; PasskeyRefused when the answer does not hold."""
        from webauthn import verify_registration_response
        from webauthn.helpers import bytes_to_base64url
        from webauthn.helpers.exceptions import WebAuthnException

        challenge = self._answered(credential, account)
        try:
            done = verify_registration_response(
                credential=dict(credential), expected_challenge=challenge, expected_rp_id=host, expected_origin=origin,
                require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PasskeyRefused(phrase("refused.passkey-new", why=str(error))) from None
        key = Passkey(
            id=bytes_to_base64url(done.credential_id), account=account, name=name, sign_count=done.sign_count,
            public_key=done.credential_public_key, made_at_us=self._clock(),
        )  # fmt: skip
        with self._lock:
            if key.id in self._keys:
                raise PasskeyRefused(phrase("refused.passkey-known"))
            self._keep({**self._keys, key.id: key})
        return key

    def remove(self, account: str, key_id: str) -> bool:
        """Forget a key of ``account``; False when it has none of that id."""
        with self._lock:
            found = self._keys.get(key_id)
            if found is None or found.account != account:
                return False
            self._keep({name: key for name, key in self._keys.items() if name != key_id})
        return True

    def signin_options(self, host: str) -> bytes:
        """What the browser needs to sign in with a key it finds itself: no account is named to a stranger; JSON."""
        from webauthn import generate_authentication_options, options_to_json
        from webauthn.helpers.structs import UserVerificationRequirement

        options = generate_authentication_options(
            rp_id=host, challenge=self._challenge(""), user_verification=UserVerificationRequirement.REQUIRED
        )
        return options_to_json(options).encode()

    def sign_in(self, credential: Mapping[str, Any], host: str, origin: str) -> Identity:
        """Whose key it is; PasskeyRefused for an answer that does not hold, and for a copied key."""
        from webauthn import verify_authentication_response
        from webauthn.helpers.exceptions import WebAuthnException

        challenge = self._answered(credential, "")
        key = self._keys.get(str(credential.get("id", "")))
        account = None if key is None else self._accounts.get(key.account)
        if key is None or account is None or key.is_shut:
            raise PasskeyRefused(phrase("refused.passkey-opens-nothing"))
        try:
            # The count is held against ours below: the library would only say that something is wrong.
            done = verify_authentication_response(
                credential=dict(credential), expected_challenge=challenge, expected_rp_id=host, expected_origin=origin,
                credential_public_key=key.public_key, credential_current_sign_count=0, require_user_verification=True,
            )  # fmt: skip
        except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PasskeyRefused(phrase("refused.passkey-answer", why=str(error))) from None
        with self._lock:
            key = self._keys.get(key.id, key)
            is_copied = (key.sign_count > 0 or done.new_sign_count > 0) and done.new_sign_count <= key.sign_count
            changed = replace(key, is_shut=True) if is_copied else replace(
                key, sign_count=done.new_sign_count, used_at_us=self._clock()
            )  # fmt: skip
            self._keep({**self._keys, key.id: changed})
        if is_copied or key.is_shut:
            raise PasskeyRefused(phrase("refused.passkey-copied", name=repr(key.name)))
        return Identity(id=account.id, role=account.role, service=account.service)

    def _challenge(self, account: str) -> bytes:
        made = secrets.token_bytes(32)
        with self._lock:
            self._challenges[made] = account, self._clock() + CHALLENGE_US
            while len(self._challenges) > MOST_CHALLENGES:
                self._challenges.popitem(last=False)
        return made

    def _answered(self, credential: Mapping[str, Any], account: str) -> bytes:
        """The challenge that an answer names, used up by it."""
        from webauthn.helpers import base64url_to_bytes

        try:
            data = json.loads(base64url_to_bytes(credential["response"]["clientDataJSON"]))
            named = base64url_to_bytes(data["challenge"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise PasskeyRefused(phrase("refused.passkey-none")) from None
        with self._lock:
            whose, until_us = self._challenges.pop(named, ("", -1))
        if until_us < self._clock() or whose != account:
            raise PasskeyRefused(phrase("refused.passkey-stale"))
        return named

    def _keep(self, keys: dict[str, Passkey]) -> None:
        part = self._path.with_suffix(".part")
        part.unlink(missing_ok=True)
        write_key(part, msgspec.json.format(msgspec.json.encode(list(keys.values()))))
        part.replace(self._path)
        self._keys = keys
