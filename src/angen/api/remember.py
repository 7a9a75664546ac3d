"""Answers that many clients ask for again and again, made once for each state of the queue."""

import time
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

    def answer(self, question: str, view: type[BaseModel], make: Callable[[], Any]) -> Response:
        """The answer to ``question``: what ``make`` gives, seen as ``view``, as JSON."""
        revision, now = self._revision(), time.monotonic()
        known = self._answers.get(question)
        if known is None or known[0] != revision or now - known[1] > self._keep_s:
            body = view.model_validate(make()).model_dump_json().encode()
            if len(self._answers) >= MOST:
                self._answers.clear()
            known = self._answers[question] = revision, now, body
        return Response(known[2], media_type="application/json")
