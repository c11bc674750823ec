"""Questions in a process of their own: given up they end, or never begin where they waited, and errors come back."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import httpx
import msgspec
import pytest
from litestar import Litestar, Response, get
from litestar.testing import TestClient

from araz.app._questions import Questions
from araz.console import AnyRequest, Refused, told_by
from araz.console._errors import on_any, on_refused
from araz.vocabulary import Said, in_language, phrase, phrase_of
from served import Served
from slow_desk import slow_desk


def application():
    questions = Questions(slow_desk)

    @get("/{method:str}")
    async def ask(request: AnyRequest) -> Response[bytes]:
        try:
            method = request.path_params["method"]
            return Response(await questions.answer(request, method, *request.query_params.values()))
        except ValueError as error:
            raise Refused(400, "no-answer", told_by(error), phrase("refused.correct")) from error

    return Litestar([ask], exception_handlers={Refused: on_refused, Exception: on_any})


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_who_leaves_stops_his_question_and_who_leaves_the_queue_is_never_begun(tmp_path):
    """Over real sockets: one question never ends, one waits behind it, both are given up, and the third is answered."""

    async def until(holds):
        while not holds():
            await asyncio.sleep(0.02)

    async def asked(port, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
        await writer.drain()
        return reader, writer

    async def told(port):
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            return int((await client.get("/who")).text)

    async def play(port):
        first = await told(port)
        running = await asked(port, f"/for_ever?sign={tmp_path}/running")
        await until((tmp_path / "running").exists)
        queued = await asked(port, f"/for_ever?sign={tmp_path}/queued")
        third = asyncio.create_task(told(port))
        await asyncio.sleep(0.3)
        for _, writer in (queued, running):
            assert not third.done()
            writer.close()
            await writer.wait_closed()
            await asyncio.sleep(0.3)
        return first, await third

    with Served(application()) as server:
        first, third = asyncio.run(asyncio.wait_for(play(server.port), 120))
    assert not lives(first), "what computed for nobody is gone"
    assert third != first
    assert not (tmp_path / "queued").exists()


def test_errors_come_back_with_what_they_were_made_of_and_the_process_stays():
    with TestClient(application(), raise_server_exceptions=False) as client:
        process = client.get("/who").text
        wrong, refused = client.get("/wrong"), client.get("/refused")
        assert (wrong.status_code, refused.status_code) == (400, 403)
        for answer, begins in ((wrong, "'x' tarix deyil"), (refused, "xidmətiniz bu sektorun")):
            error = answer.json()["error"]
            said = msgspec.convert(error["message_said"], Said)
            assert in_language(phrase_of(error["message"], said), "az").startswith(begins)
        assert client.get("/broken").status_code == 500
        assert client.get("/who").text == process
        assert client.get("/dies").status_code == 500
        again = client.get("/who")
        assert again.status_code == 200
        assert again.text != process


@pytest.mark.timeout(120)
def test_questions_hold_no_thread_of_the_night(tmp_path):
    """The night takes its messages on the loop's own threads; a page that asks for long leaves all of them free."""

    async def ask_and_take():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(application()), base_url="http://araz") as client:
            asked = [asyncio.create_task(client.get(f"/for_ever?sign={tmp_path}/begun")) for _ in range(3)]
            while not (tmp_path / "begun").exists():
                await asyncio.sleep(0.02)
            free = await asyncio.wait_for(asyncio.to_thread(int), 20)
            for one in asked:
                one.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        return free

    assert asyncio.run(ask_and_take()) == 0
