"""The paths of signing in and out, and the one page for it."""

from __future__ import annotations

from typing import Any, Final

from litestar import MediaType, Response, delete, get, post

from araz.console._errors import Refused
from araz.console._gate import COOKIE, Gate, Session, SignIn
from araz.console._requests import AnyRequest, json_of

_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Araz: sign in</title>
<meta name="viewport" content="width=device-width"><main><h1>Araz</h1>
<form id="form"><p><label>Account <input name="account" autocomplete="username" required></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password" required></label></p>
<p><label>Purpose <input name="purpose" value="duty" maxlength="200" required></label></p>
<p><button>Sign in</button></p><p id="said" role="status"></p></form></main>
<script src="/signin.js"></script></html>
"""
_SCRIPT: Final = """const form = document.getElementById("form"), said = document.getElementById("said");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  const answer = await fetch("/api/session", {method: "POST", headers: {"content-type": "application/json"}, body});
  const told = await answer.json();
  if (answer.ok) location.assign(told.role === "patrol" ? "/patrol" : "/");
  else said.textContent = `${told.error.message}: ${told.error.remedy}`;
});
"""


def signin_handlers(gate: Gate) -> list[Any]:
    """Return the handlers of /signin and /api/session."""

    @get("/signin", include_in_schema=False, sync_to_thread=False, media_type=MediaType.HTML)
    def page() -> str:
        return _PAGE

    @get("/signin.js", include_in_schema=False, sync_to_thread=False)
    def script() -> Response[bytes]:
        return Response(_SCRIPT.encode(), media_type="text/javascript; charset=utf-8")

    @post("/api/session")
    async def sign_in(request: AnyRequest) -> Response[Session]:
        done = await gate.sign_in(await json_of(request, SignIn, "session"))
        if not isinstance(done, tuple):
            raise Refused(429 if done.code == "locked" else 401, done.code, done.message, done.remedy)
        token, session = done
        cookie = f"{COOKIE}={token}; Path=/; Secure; HttpOnly; SameSite=Strict"
        return Response(session, status_code=201, headers={"set-cookie": cookie})

    @get("/api/session", sync_to_thread=False)
    def who(request: AnyRequest) -> Session:
        found = gate.session_of(dict(request.scope["headers"]))
        if found is None:
            raise Refused(401, "sign-in", "nobody is signed in", "sign in at /signin")
        return found[1]

    @delete("/api/session", sync_to_thread=False)
    def sign_out(request: AnyRequest) -> None:
        found = gate.session_of(dict(request.scope["headers"]))
        if found is not None:
            gate.sign_out(found[0])

    return [page, script, sign_in, who, sign_out]
