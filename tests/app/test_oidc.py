"""OpenID Connect: a real provider in a process of its own, and tokens signed here that must not pass."""

import base64
import hashlib
import hmac
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from litestar import Litestar
from litestar.testing import TestClient

from access_log import AccessLog
from araz.app._accounts import check_exposure, open_entrance
from araz.app._live import services_of
from araz.app._oidc import Oidc, OidcRefused, Provider, fetcher, read_provider
from araz.app._rim import free_port
from araz.app._signin_ways import way_handlers
from araz.console._signin import signin_handlers
from araz.vocabulary import Site
from oidc_provider import provider

BACK = "https://console.example/signin/back"
ISSUER = "https://id.example"
USERS = {"d-17": ["staff", "araz-duty"], "cleaner": ["staff"], "both": ["araz-duty", "araz-lab"], "lab-2": ["araz-lab"]}
GRANTS = [("araz-duty", "officer", "border service"), ("araz-lab", "examiner", "state security")]


def settings(folder, issuer=ISSUER, **more):
    (folder / "oidc.secret").write_text("a secret\n")
    said = {"issuer": issuer, "client_id": "araz", "redirect_uri": BACK, "client_secret_file": "oidc.secret"} | more
    lines = [f"{name} = {json.dumps(value)}" for name, value in said.items()]
    for value, role, service in GRANTS:
        lines += ["[[grants]]", f'value = "{value}"', f'role = "{role}"', f'service = "{service}"']
    path = folder / "oidc.toml"
    path.write_text("\n".join(lines))
    return path


class Door:
    """The sign-in of a console, and a browser's part in it."""

    def __init__(self, path, log):
        self.journal = AccessLog(log)
        entrance = open_entrance(None, path, self.journal, lambda: int(time.time() * 1e6))
        self.oidc = entrance.oidc
        gate = entrance.gate
        app = Litestar([*signin_handlers(gate), *way_handlers(gate, None, entrance.oidc)], openapi_config=None)
        app.asgi_handler = gate.wrap(app.asgi_handler)
        self.client = TestClient(app, base_url="https://console.example")

    def begin(self, purpose="duty"):
        away = self.client.get("/signin/provider", params={"purpose": purpose}, follow_redirects=False)
        assert away.status_code == 303, away.text
        return away.headers["location"]

    def at_provider(self, url, sub):
        """What somebody does on the provider's page; returns where that sends the browser."""
        done = httpx.post(url, data={"sub": sub}, follow_redirects=False)
        assert done.status_code == 302, done.text
        return done.headers["location"].removeprefix("https://console.example")

    def sign_in(self, sub):
        return self.client.get(self.at_provider(self.begin(), sub))

    def logged(self):
        return self.journal.said()


@pytest.fixture(scope="module")
def real():
    port = free_port()
    with provider(port, USERS) as issuer:
        yield port, issuer


@pytest.fixture
def door(real, tmp_path):
    made = Door(settings(tmp_path, real[1]), tmp_path / "access.journal")
    with made.client:
        yield made
    made.journal.close()


def test_who_signs_in_has_the_role_of_his_claim_and_signs_out_of_both(door):
    url = door.begin("case 17")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    page = door.client.get(door.at_provider(url, "d-17"))
    assert 'content="0; url=/"' in page.text
    who = door.client.get("/api/session").json()
    assert [who[name] for name in ("account", "role", "service", "purpose", "how")] == [
        "d-17", "officer", "border service", "case 17", "provider",
    ]  # fmt: skip
    assert door.client.get("/api/passkeys").status_code == 404, "there are no local accounts"
    away = door.client.delete("/api/session").json()["away"]
    assert away.startswith(f"{door.oidc.provider.issuer}/oauth2/end_session?")
    assert parse_qs(urlsplit(away).query)["post_logout_redirect_uri"] == ["https://console.example/signin"]
    assert door.client.get("/api/session").status_code == 401
    assert [(one["account"], one["role"], one["is_granted"]) for one in door.logged()] == [("d-17", "officer", True)]


@pytest.mark.parametrize(("sub", "code"), [("cleaner", "no-role"), ("stranger", "no-role"), ("both", "two-roles")])
def test_an_unknown_claim_gives_nothing(door, sub, code):
    assert f"refused={code}" in door.sign_in(sub).text
    assert door.client.get("/api/session").status_code == 401
    assert door.logged()[-1]["is_granted"] is False


def test_an_answer_is_used_once_and_by_the_browser_that_asked(door):
    back = door.at_provider(door.begin(), "lab-2")
    cookies = dict(door.client.cookies)
    door.client.cookies.clear()
    assert "refused=stale" in door.client.get(back).text, "another browser"
    door.client.cookies.update(cookies)
    assert "refused=stale" in door.client.get(back).text, "used up by the attempt"
    back = door.at_provider(door.begin(), "lab-2")
    assert "refused" not in door.client.get(back).text
    assert "refused=stale" in door.client.get(back).text
    door.client.cookies.clear()
    for path in ("/signin/back", "/signin/back?state=x&code=y", "/signin/back?error=access_denied"):
        assert "refused=stale" in door.client.get(path).text
    assert door.client.get("/api/session").status_code == 401


def test_the_provider_changes_its_keys(tmp_path):
    port = free_port()
    with provider(port, USERS) as issuer:
        door = Door(settings(tmp_path, issuer), tmp_path / "access.journal")
        with door.client:
            assert "refused" not in door.sign_in("d-17").text
            door.oidc._keys_s -= 6.0  # some seconds later
            before = door.oidc._keys
    with provider(port, USERS), door.client:
        assert "refused" not in door.sign_in("lab-2").text
        assert door.oidc._keys is not before
    with door.client:
        door.oidc._found_s = float("-inf")
        away = door.client.get("/signin/provider", params={"purpose": "duty"})
        assert "refused=provider" in away.text, "nobody answers there any more"
    door.journal.close()


KEYS = {name: rsa.generate_private_key(65537, 2048) for name in ("k1", "k2", "foreign")}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwks(*names):
    def number(value):
        return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))

    public = {name: KEYS[name].public_key().public_numbers() for name in names}
    return {"keys": [{"kty": "RSA", "kid": name, "use": "sig", "alg": "RS256", "n": number(key.n), "e": number(key.e)}
                     for name, key in public.items()]}  # fmt: skip


def token(claims, key="k1", kid=None, alg="RS256"):
    """A signed token, made without the library that checks it."""
    head = {"alg": alg, "kid": kid or key}
    body = b64(json.dumps(head).encode()) + "." + b64(json.dumps(claims).encode())
    signature = b"" if alg == "none" else KEYS[key].sign(body.encode(), padding.PKCS1v15(), SHA256())
    return f"{body}.{b64(signature)}"


class Paper:
    """A provider of paper: answers by a table, and counts what it was asked."""

    def __init__(self):
        self.now_s, self.names, self.asked, self.name = 1_790_000_000.0, ["k1"], [], ISSUER
        self.places = {name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint")}
        more = {"account_claim": "sub", "grants": [{"value": "araz-duty", "role": "officer", "service": "s"}]}
        said = msgspec.convert({"issuer": ISSUER, "client_id": "araz", "redirect_uri": BACK} | more, Provider)
        self.oidc = Oidc(said, "", self.fetch, lambda: self.now_s)

    def fetch(self, url, body, headers):
        self.asked.append(url)
        if url.endswith("openid-configuration"):
            return json.dumps({"issuer": self.name, "jwks_uri": f"{ISSUER}/keys", **self.places}).encode()
        if url.endswith("token_endpoint"):
            self.form, self.headers = {k: v[0] for k, v in parse_qs(body.decode()).items()}, headers
            return json.dumps({"id_token": token(self.claims(nonce=self.nonce, groups="araz-duty"))}).encode()
        return json.dumps(jwks(*self.names)).encode()

    def claims(self, **more):
        now = int(self.now_s)
        good = {"iss": ISSUER, "aud": "araz", "sub": "d-17", "nonce": "n-1", "iat": now, "exp": now + 300}
        return {name: value for name, value in (good | more).items() if value is not None}


def begun(paper):
    url, browser = paper.oidc.begin("duty")
    asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    paper.nonce = asked["nonce"]
    return asked, browser, {"state": asked["state"], "code": "c-1"}


@pytest.mark.parametrize("secret", ["", "s-1"])
def test_a_code_is_exchanged_with_the_verifier_behind_the_challenge(secret):
    """RFC 7636: the challenge is the base64url of the verifier's SHA-256; a public client names itself in the form."""
    paper = Paper()
    paper.oidc._secret = secret
    asked, browser, said = begun(paper)
    done = paper.oidc.finish(said, browser)
    assert (done.identity.id, done.identity.role, done.identity.service, done.purpose) == (
        "d-17",
        "officer",
        "s",
        "duty",
    )
    assert asked["code_challenge"] == b64(hashlib.sha256(paper.form["code_verifier"].encode()).digest())
    assert 43 <= len(paper.form["code_verifier"]) <= 128
    assert (paper.form["code"], paper.form["redirect_uri"]) == ("c-1", BACK)
    basic = f"Basic {base64.b64encode(b'araz:s-1').decode()}"
    assert (paper.form.get("client_id"), paper.headers.get("authorization")) == (
        (None, basic) if secret else ("araz", None)
    )


def test_an_answer_too_late_or_of_another_provider_is_refused():
    paper = Paper()
    _, browser, said = begun(paper)
    with pytest.raises(OidcRefused) as refused:
        paper.oidc.finish(said | {"iss": "https://other.example"}, browser)
    assert refused.value.code == "token"
    _, browser, said = begun(paper)
    paper.now_s += 601
    with pytest.raises(OidcRefused) as refused:
        paper.oidc.finish(said, browser)
    assert refused.value.code == "stale"
    paper.name = "https://other.example"
    with pytest.raises(OidcRefused, match="calls itself"):
        paper.oidc.begin("duty")
    assert paper.oidc.sign_out_url("x") is None


def test_an_answer_that_is_none_is_a_refusal_and_no_failure():
    paper = Paper()
    _, _, said = begun(paper)
    with pytest.raises(OidcRefused, match="another browser"):
        paper.oidc.finish(said, "ə")
    for places in ({}, {"authorization_endpoint": None, "token_endpoint": f"{ISSUER}/token_endpoint"}):
        paper = Paper()
        paper.places = places
        with pytest.raises(OidcRefused) as refused:
            paper.oidc.begin("duty")
        assert refused.value.code == "provider"
    with socket.create_server(("127.0.0.1", 0)) as other, ThreadPoolExecutor() as pool:
        done = pool.submit(other_program, other)
        paper.oidc._fetch = fetcher(None)
        with pytest.raises(OidcRefused) as refused:
            paper.oidc._asked(f"http://127.0.0.1:{other.getsockname()[1]}/", None, {})
        done.result()
    assert refused.value.code == "provider"


def other_program(server):
    """Something that listens at the provider's address and does not speak HTTP."""
    with server.accept()[0] as asked:
        asked.recv(4096)
        asked.sendall(b"220 mail.example\r\n")


WRONG = {
    "issuer": {"iss": "https://other.example"},
    "no issuer": {"iss": None},
    "audience": {"aud": "other"},
    "audiences without a party": {"aud": ["araz", "other"]},
    "party": {"azp": "other"},
    "nonce": {"nonce": "n-2"},
    "no nonce": {"nonce": None},
    "expired": {"exp": 1_790_000_000 - 61},
    "no end": {"exp": None},
    "from the future": {"iat": 1_790_000_000 + 3600},
    "no subject": {"sub": None},
}


def test_a_token_that_holds_passes():
    paper = Paper()
    assert paper.oidc.claims_of(token(paper.claims()), "n-1")["sub"] == "d-17"
    assert paper.oidc.claims_of(token(paper.claims(aud=["araz", "other"], azp="araz")), "n-1")
    assert paper.oidc.claims_of(token(paper.claims(exp=1_790_000_000 - 30)), "n-1"), "clocks may differ a little"


@pytest.mark.parametrize("wrong", WRONG)
def test_a_token_with_one_wrong_claim_does_not(wrong):
    paper = Paper()
    with pytest.raises(OidcRefused) as refused:
        paper.oidc.claims_of(token(paper.claims(**WRONG[wrong])), "n-1")
    assert refused.value.code == "token"


def test_a_token_somebody_else_signed_does_not():
    paper = Paper()
    good = token(paper.claims())
    head, body, signature = good.split(".")
    secret = json.dumps(jwks("k1")["keys"][0]).encode()
    hs = b64(json.dumps({"alg": "HS256", "kid": "k1"}).encode()) + "." + body
    forged = [
        token(paper.claims(), "foreign"), token(paper.claims(), "foreign", kid="k1"), token(paper.claims(), alg="none"),
        f"{head}.{body}.", f"{head}.{b64(json.dumps(paper.claims(sub='commander')).encode())}.{signature}",
        f"{hs}.{b64(hmac.digest(secret, hs.encode(), 'sha256'))}", "", "a.b.c", "..", f"{good}.x", "ə.ə.ə",
    ]  # fmt: skip
    for raw in forged:
        with pytest.raises(OidcRefused):
            paper.oidc.claims_of(raw, "n-1")


def test_keys_are_changed_and_withdrawn_and_not_asked_for_at_every_forged_token():
    paper = Paper()
    paper.oidc.claims_of(token(paper.claims()), "n-1")
    for _ in range(20):
        with pytest.raises(OidcRefused):
            paper.oidc.claims_of(token(paper.claims(), "foreign"), "n-1")
    assert paper.asked.count(f"{ISSUER}/keys") == 1
    paper.names, paper.now_s = ["k2"], paper.now_s + 6.0
    assert paper.oidc.claims_of(token(paper.claims(), "k2"), "n-1")
    with pytest.raises(OidcRefused):
        paper.oidc.claims_of(token(paper.claims(), "k1"), "n-1")


BAD = {
    "no https": {"issuer": "http://id.example"}, "other path": {"redirect_uri": "https://console.example/back"},
    "shared key": {"algorithms": ["HS256"]}, "none": {"algorithms": ["none"]}, "no such word": {"clientid": "x"},
    "no secret there": {"client_secret_file": "missing.secret"},
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_settings_that_cannot_be_meant_are_refused(tmp_path, bad):
    with pytest.raises(ValueError, match=r"oidc\.toml"):
        read_provider(settings(tmp_path, **BAD[bad]))


def test_a_provider_needs_tls_and_says_which_services_there_are(tmp_path):
    path = settings(tmp_path)
    with pytest.raises(ValueError, match="TLS"):
        check_exposure("127.0.0.1", None, None, path)
    site = Site(name="x", time_zone="UTC", origin_latitude_deg=0.0, origin_longitude_deg=0.0, origin_hae_m=0.0,
                geoid_undulation_m=0.0, border="b", own_side="left", service="border service")  # fmt: skip
    assert services_of(site, None, path) == ["border service", "state security"]
    with pytest.raises(OSError):
        fetcher(None)(f"http://127.0.0.1:{free_port()}/", None, {})
