"""Answers that many clients ask for again and again, made once for each state of the queue."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel
from starlette.responses import Response

KEEP_S = 1.0  # what does not come from the queue (a training's status file) may be so old
MOST = 256  # answers kept


class Remembered:
    """Keeps answers for as long as the queue has not changed."""

    def __init__(self, revision: Callable[[], int], keep_s: float = KEEP_S) -> None:
        """revision: counts every change of the queue; far cheaper than any answer."""
        self._revision = revision
        self._keep_s = keep_s
        self._answers: dict[str, tuple[int, float, bytes]] = {}
        self._making: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def answer(self, question: str, view: type[BaseModel], make: Callable[[], Any]) -> Response:
        """The answer to ``question``: what ``make`` gives, seen as ``view``, as JSON."""
        body = self._known(question)
        if body is None:
            with self._making[question]:  # many ask when an answer has just grown old: one works
                body = self._known(question)
                if body is None:
                    body = self._made(question, view, make)
        return Response(body, media_type="application/json")

    def _known(self, question: str) -> bytes | None:
        known = self._answers.get(question)
        if known is None or known[0] != self._revision():
            return None
        return known[2] if time.monotonic() - known[1] <= self._keep_s else None

    def _made(self, question: str, view: type[BaseModel], make: Callable[[], Any]) -> bytes:
        revision, now = self._revision(), time.monotonic()  # before it is made: never too young
        body = view.model_validate(make()).model_dump_json().encode()
        if len(self._answers) >= MOST:
            self._answers.clear()
            self._making.clear()
        self._answers[question] = revision, now, body
        return body
