"""What a page asks every second, byte for byte the same, answered before it is read as HTTP.

    bytes ─► Repeats: asked before, and its answer still kept? ─► the answer's bytes
                 └─ no ─► uvicorn ─► Guard ─► Answers, which tells what was asked

Whatever was let in once is let in again, since nothing but its bytes decides that; how long an
answer holds is for ``Kept`` to say. While a training has both cores, little of the way through the
server is in a cache of the processor, and it takes four times as long as at rest: short is cheap.
"""

from typing import Any, cast

from starlette.types import Message
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from angen.api.answers import QUESTION, Kept, Question
from angen.api.guard import secured

MOST = 512  # requests known by their bytes
MAX_BYTES = 8 * 1024  # of one of them

Headers = list[tuple[bytes, bytes]]


class Known:
    """Requests that were let in, by their bytes, and kept answers as they go over the wire."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._questions: dict[bytes, Question] = {}
        self._wires: dict[Question, tuple[list[Message], bytes]] = {}

    def note(self, request: bytes, question: Question) -> None:
        """``request`` asks ``question``, and may."""
        if len(self._questions) >= MOST:
            self._questions.clear()
            self._wires.clear()
        self._questions[request] = question

    def answer(self, request: bytes, headers: Headers) -> bytes | None:
        """The whole answer, if one is kept.

        headers: the server's own, of the time at which an answer is first written out.
        """
        question = self._questions.get(request)
        found = None if question is None else self._kept.find(question)
        if question is None or found is None:
            return None
        written, wire = self._wires.get(question, (None, b""))
        if written is not found:
            wire = _written(found, headers)
            self._wires[question] = found, wire
        return wire


def _written(answer: list[Message], headers: Headers) -> bytes:
    """An answer as HTTP/1.1 on a connection that stays open."""
    start, *bodies = answer
    lines = (name + b": " + value for name, value in (*headers, *secured(start["headers"])))
    body = b"".join(message.get("body", b"") for message in bodies)
    return b"\r\n".join((STATUS_LINE[start["status"]].rstrip(), *lines, b"", body))


class Repeats(HttpToolsProtocol):
    """A connection that recognises what it was asked before.

    Bytes count as a request only between two messages: after one is answered, before one begins.
    """

    def __init__(self, known: Known, **server: Any) -> None:
        super().__init__(**server)
        self._known = known
        self._begun = self._whole = 0  # messages on this connection
        self._asked: bytes | None = None  # all bytes of the message that is being answered

    def data_received(self, data: bytes) -> None:
        """Bytes of a client, one request or any part of one."""
        free = self._begun == self._whole and (self.cycle is None or self.cycle.response_complete)
        self._asked = None
        if free and not self.flow.write_paused:
            answer = self._known.answer(data, self.server_state.default_headers)
            if answer is not None:
                self.transport.write(answer)
                self.on_response_complete()
                return
        begun = self._begun
        super().data_received(data)
        if free and self._begun == self._whole == begun + 1 and len(data) <= MAX_BYTES:
            self._asked = data

    def on_message_begin(self) -> None:
        """The parser has seen the first byte of a request."""
        self._begun += 1
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """The parser has seen the last byte of a request."""
        self._whole += 1
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request is answered."""
        if self._asked is not None and self.cycle.keep_alive:
            question = cast(dict[str, Any], self.cycle.scope).get(QUESTION)
            if question is not None:
                self._known.note(self._asked, question)
        self._asked = None
        super().on_response_complete()
