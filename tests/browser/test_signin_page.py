"""Signing in with a real browser over TLS: by password, by passkey (its virtual authenticator), by a real provider."""

import base64
import hashlib
import json
import time

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from access_log import AccessLog
from araz.app._accounts import open_entrance
from araz.app._alarms import alarm_handlers
from araz.app._rim import free_port
from araz.app._signin_ways import way_handlers
from araz.console import create_app
from araz_testing import araz
from oidc_provider import provider
from served import Served
from spoken import english_in

pytestmark = pytest.mark.browser
PASSWORD = "a long enough password"
OIDC = """
issuer = "{issuer}"
client_id = "araz"
client_secret_file = "oidc.secret"
redirect_uri = "{back}"
name = "the ministry"
[[grants]]
value = "araz-duty"
role = "officer"
service = "border service"
"""


class Console:
    """The console of an invented night with local accounts and a provider, at two ports: two origins of one name."""

    def __init__(self, parts, folder, issuer):
        port = free_port()
        (folder / "oidc.secret").write_text("s")
        (folder / "oidc.toml").write_text(OIDC.format(issuer=issuer, back=f"https://localhost:{port}/signin/back"))
        self.log = AccessLog(folder / "access.journal")
        entrance = open_entrance(
            folder / "accounts.json", folder / "oidc.toml", self.log, lambda: int(time.time() * 1e6)
        )
        self.entrance, night = entrance, parts.Night(1)
        app = create_app(
            night.site, night.geometry, night, night.submit, night.hub, static_dir=parts.STATIC, clock=night.clock,
            gate=entrance.gate, more=[
                *alarm_handlers(night, night.site.time_zone, night.clock),
                *way_handlers(entrance.gate, entrance.passkeys, entrance.oidc),
            ],
        )  # fmt: skip
        self.servers = [Served(app, folder / "tls", port), Served(app, folder / "tls")]
        self.url, self.other_url = (server.url for server in self.servers)
        self.http = httpx.Client(base_url=self.url, verify=False)

    def logged(self):
        return self.log.said()

    def question(self):
        return self.http.post("/api/signin/passkey-options", json={}).json()

    def answer(self, credential):
        said = self.http.post("/api/signin/passkey", json={"purpose": "duty", "credential": credential})
        return said.status_code, said.json().get("error", {}).get("message", "")


@pytest.fixture(scope="module")
def console(night_parts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("signin")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARAZ_PASSWORD", PASSWORD)
        words = ["officer-1", "--role", "officer", "--service", "border service"]
        assert araz("account", "add", *words, "--accounts", folder / "accounts.json") == 0
    assert araz("account", "certificate", "localhost", "--out", folder / "tls") == 0
    port = free_port()
    with provider(port, {"d-17": ["araz-duty"], "cleaner": ["staff"]}) as issuer:
        made = Console(night_parts, folder, issuer)
        made.certificate = folder / "tls" / "console.crt"
        with made.servers[0], made.servers[1], made.http:
            yield made
        made.log.close()


@pytest.fixture(scope="module")
def browser(chromium, console):
    """A browser to which this one certificate is as good as a real one: passkeys work on no other page."""
    key = x509.load_pem_x509_certificate(console.certificate.read_bytes()).public_key()
    spki = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    trust = f"--ignore-certificate-errors-spki-list={base64.b64encode(spki).decode()}"
    made = chromium.browser_type.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-background-networking", trust]
    )
    yield made
    made.close()


@pytest.fixture
def page(browser):
    context = browser.new_context()
    made = context.new_page()
    made.authenticator = context.new_cdp_session(made)
    made.authenticator.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    made.key = made.authenticator.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]
    yield made
    context.close()


def keys_of(page):
    return page.authenticator.send("WebAuthn.getCredentials", {"authenticatorId": page.key})["credentials"]


def by_password(page, console):
    page.goto(f"{console.url}/signin")
    page.fill("input[name=account]", "officer-1")
    page.fill("input[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{console.url}/")
    page.goto(f"{console.url}/signin")
    page.wait_for_selector("[data-who=officer-1]")


def registered(page, console, name):
    by_password(page, console)
    page.get_by_label("Name of the new passkey").fill(name)
    page.get_by_role("button", name="Add a passkey").click()
    page.wait_for_selector(f"li:has-text('{name}')")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_selector("input[name=account]")


def use_key(page, options):
    """Let the authenticator answer a question on the page that is open."""
    ask = """async (options) => {
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
      return (await navigator.credentials.get({ publicKey })).toJSON();
    }"""
    return page.evaluate(ask, options)


def test_a_refusal_is_said_in_the_readers_language(page, console):
    page.goto(f"{console.url}/signin?lang=az")
    page.fill("input[name=account]", "officer-9")
    page.fill("input[name=password]", "not it")
    page.get_by_role("button", name="Daxil ol", exact=True).click()
    page.get_by_text("Hesab və ya parol səhvdir; yenidən cəhd edin.").wait_for()
    assert english_in(page.inner_text("main").replace("the ministry", "")) == set()


def test_a_passkey_is_registered_used_and_removed(page, console):
    registered(page, console, "key of post 1")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{console.url}/")
    assert [(one["account"], one["what"], one["is_granted"]) for one in console.logged()][-1] == (
        "officer-1", "sign-in by passkey", True,
    )  # fmt: skip
    page.goto(f"{console.url}/signin?lang=az")
    row = page.locator("li:has-text('key of post 1')")
    row.wait_for()
    assert "son istifadə" in row.inner_text()
    credential = use_key(page, console.question())
    row.get_by_role("button", name="Sil").click()
    page.wait_for_selector("li:has-text('Hələ yoxdur')")
    status, words = console.answer(credential)
    assert (status, "opens nothing" in words) == (401, True)
    assert console.logged()[-1]["is_granted"] is False


def test_what_was_said_once_or_on_another_page_opens_nothing(page, console):
    registered(page, console, "key of post 2")
    credential = use_key(page, console.question())
    assert console.answer(credential)[0] == 201
    status, words = console.answer(credential)
    assert (status, "answered already" in words) == (401, True), "a replayed challenge"
    forged = json.loads(json.dumps(use_key(page, console.question())))
    forged["response"]["signature"] = credential["response"]["signature"]
    assert console.answer(forged)[0] == 401, "another answer's signature"
    question = console.question()
    page.goto(f"{console.other_url}/signin")
    page.wait_for_selector("input[name=account]")
    status, words = console.answer(use_key(page, question))
    assert (status, "origin" in words) == (401, True), "a page at another port of the same name"
    for nonsense in ({}, {"id": "x"}, {"id": "x", "response": {"clientDataJSON": "e30"}}, {"response": None}):
        assert console.answer(nonsense)[0] == 401


def test_a_copied_key_is_shut_and_its_copies_with_it(page, console):
    registered(page, console, "key of post 3")
    assert console.answer(use_key(page, console.question()))[0] == 201
    kept = keys_of(page)[-1]
    assert console.answer(use_key(page, console.question()))[0] == 201
    # The copy has stayed behind: it counts on from where the key was when it was copied.
    where = {"authenticatorId": page.key}
    page.authenticator.send("WebAuthn.removeCredential", {**where, "credentialId": kept["credentialId"]})
    page.authenticator.send("WebAuthn.addCredential", {**where, "credential": kept})
    status, words = console.answer(use_key(page, console.question()))
    assert (status, "copied" in words) == (401, True)
    kept["signCount"] += 100
    page.authenticator.send("WebAuthn.removeCredential", {**where, "credentialId": kept["credentialId"]})
    page.authenticator.send("WebAuthn.addCredential", {**where, "credential": kept})
    status, words = console.answer(use_key(page, console.question()))
    assert (status, "opens nothing" in words) == (401, True), "both are shut"
    by_password(page, console)
    assert "shut: it was copied" in page.locator("li:has-text('key of post 3')").inner_text()


def test_by_the_provider_and_out_of_both(page, console):
    def choose(sub):
        page.goto(f"{console.url}/signin")
        page.fill("input[name=purpose]", "case 17")
        page.get_by_role("button", name="Sign in by the ministry").click()
        page.fill("input[name=sub]", sub)
        page.get_by_role("button", name="Authorize").click()

    choose("cleaner")
    page.wait_for_selector(".said")
    assert "Your account has no role here" in page.inner_text(".said")
    choose("d-17")
    page.wait_for_url(f"{console.url}/")
    page.goto(f"{console.url}/signin")
    page.wait_for_selector("[data-who=d-17]")
    assert "duty officer, border service. Purpose: case 17." in page.inner_text("[data-who]")
    assert page.locator("input").count() == 0, "passkeys are for local accounts"
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/oauth2/end_session?**")
    assert f"{console.url}/signin" in page.content()
    page.goto(f"{console.url}/signin")
    page.wait_for_selector("input[name=account]")
    granted = [(one["account"], one["what"]) for one in console.logged() if one["is_granted"]]
    assert ("d-17", "sign-in by provider") in granted
