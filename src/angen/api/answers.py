"""What every page asks for every second, answered before any of the framework is reached.

How a job goes is kept for a second; what lies on the shelves for two, since nobody but another
process changes it unheard. An answer is given up earlier when this server has changed something,
by request or from its page, and when a job has begun to matter to others (queued, ended), which is
heard before anybody is told of it: who has learned that a song is done finds it in the list.
"""

import asyncio
import re
import time
from collections import defaultdict
from collections.abc import Callable, Hashable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEEP_S = 1.0
SHELF_KEEP_S = 2.0
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # change nothing
MOST = 256  # answers kept
PATHS = re.compile(
    r"/api/(health|songs|jobs(/[A-Za-z0-9_-]{1,64})?"
    r"|training/(datasets|lora-adapters|training-status))"
)
SHELVES = frozenset(
    {"/api/health", "/api/songs", "/api/training/datasets", "/api/training/lora-adapters"}
)

Question = tuple[str, bytes]  # path and query


@dataclass(eq=False, slots=True)
class Answer:
    """What an application has said."""

    made_at: float  # of ``time.monotonic``
    messages: list[Message]


class Kept:
    """The answers, until they are old or something has changed."""

    def __init__(self, keep_s: float = KEEP_S, shelf_keep_s: float = SHELF_KEEP_S) -> None:
        self.news: Callable[[], Hashable] = lambda: 0  # another value when something has changed
        self.making: defaultdict[Question, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._keep_s = keep_s
        self._shelf_keep_s = shelf_keep_s
        self._answers: dict[Question, Answer] = {}
        self._heard: Hashable = 0
        self._changes = 0

    @property
    def state(self) -> Hashable:
        """Equal ones mean that what was true is true."""
        return self._changes, self.news()

    def forget(self) -> None:
        """Something has changed."""
        self._changes += 1
        self._answers.clear()

    def find(self, question: Question) -> Answer | None:
        """The answer, if it still holds."""
        if self._heard != (heard := self.news()):
            self._heard = heard
            self.forget()
        answer = self._answers.get(question)
        keep_s = self._shelf_keep_s if question[0] in SHELVES else self._keep_s
        fresh = answer is not None and time.monotonic() - answer.made_at < keep_s
        return answer if fresh else None

    def keep(self, question: Question, messages: list[Message], state: Hashable) -> None:
        """Keep an answer that was begun at ``state``, if nothing has changed since."""
        if state == self.state:
            if len(self._answers) >= MOST:
                self.forget()
            self._answers[question] = Answer(time.monotonic(), messages)


class Answers:
    """Gives kept answers; makes one where there is none, once for all who ask meanwhile."""

    def __init__(self, app: ASGIApp, kept: Kept) -> None:
        self._app = app
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["method"] not in SAFE:
            await self._app(scope, receive, self._told(send))
        elif scope["method"] == "GET" and PATHS.fullmatch(scope["path"]):
            for message in await self._answer(scope, receive):
                await send(dict(message))  # a copy: others add their headers to it
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> list[Message]:
        question = scope["path"], scope["query_string"]
        if found := self._kept.find(question):
            return found.messages
        async with self._kept.making[question]:
            found = self._kept.find(question)
            messages = found.messages if found else await self._made(question, scope, receive)
        if len(self._kept.making) > MOST:
            self._kept.making.clear()
        return messages

    async def _made(self, question: Question, scope: Scope, receive: Receive) -> list[Message]:
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        state = self._kept.state
        try:
            await self._app(scope, receive, collect)
        except Exception:
            if not messages:
                raise
            # The framework has answered with a problem and logged what went wrong; it raises all
            # the same, for those outside of it.
        if messages and messages[0].get("status") == 200:
            self._kept.keep(question, messages, state)
        return messages

    def _told(self, send: Send) -> Send:
        """``send`` that forgets first: whoever has the answer to a change sees the change."""

        async def sending(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self._kept.forget()
            await send(message)

        return sending
