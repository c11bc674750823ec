"""The ways out of a live night: what the pipeline says, in the words of each ``[[outputs]]`` entry, into its box."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from araz.exchange import OutputState, output_hello, output_init, output_step
from araz.feeds import Outbox, send_forever
from araz.vocabulary import Event, Output

log = logging.getLogger("araz")


class Outputs:
    """Boxes and states of all outputs; ``note`` is called by the thread that judges and never waits."""

    def __init__(self, outputs: Sequence[Output], site: str, clock: Callable[[], int]) -> None:
        self._states: list[OutputState] = [output_init(output, site) for output in outputs]
        self.boxes = {output.id: Outbox() for output in outputs}
        self._clock = clock

    def note(self, events: Sequence[Event]) -> None:
        """Put what each output must be told into its box; a failure here is the output's, never the night's."""
        for number, state in enumerate(self._states):
            try:
                self._states[number], messages = output_step(state, events)
            except Exception:
                log.exception("output %s could not put this into its words", state.output.id)
                continue
            self.boxes[state.output.id].put(messages)

    def senders(self) -> list[Coroutine[Any, Any, None]]:
        """One sender an output, to be run beside the console."""
        return [self._sender(state) for state in self._states]

    def _sender(self, state: OutputState) -> Coroutine[Any, Any, None]:
        output = state.output
        return send_forever(
            output.url, output.id, self.boxes[output.id], lambda: output_hello(state, self._clock()), log.warning
        )
