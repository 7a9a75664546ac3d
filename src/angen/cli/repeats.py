"""What a page asks every second, byte for byte the same, answered before it is read as HTTP.

    bytes ─► Repeats: asked before, and its answer still kept? ─► the answer's bytes
                 └─ no ─► uvicorn ─► Guard ─► Answers, which tells what was asked

Whatever was let in once is let in again, since nothing but its bytes decides that; how long an
answer holds is for ``Kept`` to say. While a training has all cores, the way through the server is
in no cache of the processor, and every step of it is slow.
"""

from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from angen.api.answers import QUESTION, Answer, Kept, Question
from angen.api.guard import secured

MOST = 512  # requests known by their bytes
MAX_BYTES = 8 * 1024  # of one of them

Headers = list[tuple[bytes, bytes]]


class Known:
    """Requests that were let in, by their bytes."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._questions: dict[bytes, Question] = {}

    def note(self, request: bytes, question: Question) -> None:
        """``request`` asks ``question``, and may."""
        if len(request) > MAX_BYTES:
            return
        if request not in self._questions and len(self._questions) >= MOST:
            self._questions.clear()
        self._questions[request] = question

    def answer(self, request: bytes, headers: Headers) -> bytes | None:
        """The whole answer, if one is kept.

        headers: the server's own, of the time at which an answer is first written out.
        """
        question = self._questions.get(request)
        if question is None:
            return None
        answer = self._kept.find(question)
        if answer is None:
            return None
        if answer.wire is None:
            answer.wire = _written(answer, headers)
        return answer.wire


def _written(answer: Answer, headers: Headers) -> bytes:
    """An answer as HTTP/1.1 on a connection that stays open."""
    start, *bodies = answer.messages
    body = b"".join(message.get("body", b"") for message in bodies)
    given = [pair for pair in secured(start["headers"]) if pair[0].lower() != b"content-length"]
    length = (b"content-length", str(len(body)).encode())  # which an application may leave out
    lines = (name + b": " + value for name, value in (*headers, *given, length))
    return b"\r\n".join((STATUS_LINE[start["status"]].rstrip(), *lines, b"", body))


class Repeats(HttpToolsProtocol):
    """A connection that recognises what it was asked before.

    Bytes count as a request only where one begins: after every message of the connection is whole
    and answered, and only if they are one message from its first byte to its last. Else the tail of
    a request that was let in could be sent by itself, without the password in its head.
    """

    def __init__(self, known: Known, **server: Any) -> None:
        super().__init__(**server)
        self._known = known
        self._begun = self._whole = 0  # messages of this connection
        self._asked: bytes | None = None  # all bytes of the message that is being answered

    def data_received(self, data: bytes) -> None:
        """Bytes of a client: a request, a part of one, or several."""
        free = self._begun == self._whole and (self.cycle is None or self.cycle.response_complete)
        if free and not self.flow.write_paused:
            answer = self._known.answer(data, self.server_state.default_headers)
            if answer is not None:
                self.transport.write(answer)
                self.on_response_complete()
                return
        begun = self._begun
        super().data_received(data)
        one = free and self._begun == self._whole == begun + 1
        self._asked = data if one else None

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
        asked, self._asked = self._asked, None
        if asked is not None and self.cycle.keep_alive:
            question = cast(dict[str, Any], self.cycle.scope).get(QUESTION)
            if question is not None:
                self._known.note(asked, question)
        super().on_response_complete()
