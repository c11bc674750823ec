"""Long questions, answered one at a time in a process of their own, which ends with a question nobody waits for."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from araz.console import AnyRequest, Refused, told_by
from araz.vocabulary import phrase


class Questions:
    """Whoever asks waits for his turn; who leaves while he waits is not asked for, who leaves later stops the answer.

    One process at most computes, whatever is asked, and the night keeps its own interpreter, memory and threads. The
    process begins with the first question and stays for the next ones, so that what it loaded is loaded once.
    """

    def __init__(self, desk: Callable[[], object]) -> None:
        """``desk`` makes, in the process, whatever has the methods that answer; a function that can be pickled."""
        self._desk = desk
        self._turn = asyncio.Lock()
        self._held: tuple[BaseProcess, Connection[Any, Any]] | None = None

    async def answer(self, request: AnyRequest, method: str, *given: Any) -> Any:
        """What a method of the desk gives; raises Refused as it was raised there, and OSError as ValueError."""
        asked = asyncio.ensure_future(self._answered(method, given))
        gone = asyncio.ensure_future(_until_gone(request))
        try:
            await asyncio.wait({asked, gone}, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise Refused(408, "given-up", phrase("refusal.given-up"), phrase("refusal.ask-again"))
            return asked.result()
        finally:
            for task in (asked, gone):
                task.cancel()
            await asyncio.gather(asked, gone, return_exceptions=True)

    async def _answered(self, method: str, given: tuple[Any, ...]) -> Any:
        async with self._turn:
            try:
                if self._held is None:
                    self._held = _begun(self._desk)
                    await _received(self._held[1])  # loaded: it takes whole questions off the pipe from now on
                self._held[1].send((method, given))
                told, error = await _received(self._held[1])
            except (EOFError, OSError) as broken:
                self._end()
                raise RuntimeError("the process that answers questions died") from broken
            except BaseException:  # nobody waits for it any more
                self._end()
                raise
        if error is not None:
            raise error
        return told

    def _end(self) -> None:
        if self._held is not None:
            process, pipe = self._held
            self._held = None
            process.kill()
            process.join()
            process.close()
            pipe.close()


async def _until_gone(request: AnyRequest) -> None:
    """Return when whoever asked has closed the connection, which comes after the whole of the request."""
    await request.body()
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _begun(desk: Callable[[], object]) -> tuple[BaseProcess, Connection[Any, Any]]:
    # Started afresh and not forked: a fork of a process with threads may inherit a lock that nobody opens.
    fresh = multiprocessing.get_context("spawn")
    ours, theirs = fresh.Pipe()
    process = fresh.Process(target=_serve, args=(desk, theirs), name="araz questions", daemon=True)
    process.start()
    theirs.close()
    return process, ours


async def _received(pipe: Connection[Any, Any]) -> Any:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(pipe.fileno(), ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(pipe.fileno())
    return pipe.recv()


def _serve(desk: Callable[[], object], pipe: Connection[Any, Any]) -> None:
    """Answer until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the night, whose end closes the pipe
    os.nice(10)
    answers = desk()
    with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):
        pipe.send(None)
        while True:
            method, given = pipe.recv()
            pipe.send(_answer_of(answers, method, given))


def _answer_of(answers: object, method: str, given: tuple[Any, ...]) -> tuple[Any, Exception | None]:
    """What it gives, or the error made so that it crosses the pipe with its words and what they were made of."""
    try:
        return getattr(answers, method)(*given), None
    except Refused as refused:
        return None, refused
    except (ValueError, OSError) as error:
        return None, ValueError(told_by(error))
    except Exception:
        return None, RuntimeError(traceback.format_exc())
