"""Requests recognised by their bytes: answered at once, and only where they would be anyway."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from angen.api.access import Access, read_access
from angen.api.answers import Answers, Kept
from angen.api.guard import HEADERS, Guard
from angen.cli import repeats
from angen.cli.repeats import Known, Repeats

SONGS = "/api/songs"
TOKEN = "a-token-of-some-length"
TAIL = b"host: localhost\r\n\r\n"


@dataclass
class Site:
    """An application behind guard and kept answers that counts how often each is reached."""

    kept: Kept = field(default_factory=lambda: Kept(60, 60))
    access: Access = field(default_factory=Access)
    status: int = 200
    slow_s: float = 0.0  # to make an answer takes
    size: int = 2  # bytes of an answer
    connections: list[Repeats] = field(default_factory=list)
    made: int = 0
    let_in: int = 0

    async def make(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Number of this answer, in two parts."""
        self.made += 1
        await asyncio.sleep(self.slow_s)
        body = json.dumps(self.made).encode().ljust(self.size)
        length = (b"content-length", str(len(body)).encode())
        start = {"type": "http.response.start", "status": self.status, "headers": [length]}
        await send(start)
        await send({"type": "http.response.body", "body": body[:1], "more_body": True})
        await send({"type": "http.response.body", "body": body[1:]})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The door."""
        self.let_in += 1
        guard = Guard(Answers(self.make, self.kept), self.access, 2**20, ())
        await guard(scope, receive, send)


@dataclass
class Client:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Each in a packet of its own."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.02)

    async def read(self) -> tuple[int, dict[str, str], bytes]:
        """An answer: status, headers, body. Raises IncompleteReadError when the server hangs up."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in head[1:])
        assert len(headers) == len(head) - 1  # none twice
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(head[0].split()[1]), headers, body

    async def ask(self, request: bytes) -> int:
        """The number in the answer."""
        await self.send(request)
        return int((await self.read())[2])


def get(path: str = SONGS, *headers: str, version: str = "1.1") -> bytes:
    lines = (f"GET {path} HTTP/{version}", "host: localhost", *headers, "", "")
    return "\r\n".join(lines).encode()


Connect = Callable[[], Awaitable[Client]]


def served(site: Site, test: Callable[[Connect], Awaitable[None]], keep_alive_s: int = 5) -> None:
    """Run ``test`` beside a server for ``site``."""

    async def run() -> None:
        config = uvicorn.Config(
            site, ws="none", log_config=None, access_log=False, timeout_keep_alive=keep_alive_s
        )
        state, known = ServerState(), Known(site.kept)
        state.default_headers = [(b"date", b"today")]

        def arrived() -> Repeats:
            site.connections.append(Repeats(known, config=config, server_state=state, app_state={}))
            return site.connections[-1]

        server = await asyncio.get_running_loop().create_server(arrived, "127.0.0.1", 0)
        clients = []

        async def connect() -> Client:
            port = server.sockets[0].getsockname()[1]
            clients.append(Client(*await asyncio.open_connection("127.0.0.1", port)))
            return clients[-1]

        try:
            await test(connect)
        finally:
            for client in clients:
                client.writer.close()
            server.close()
            await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(run(), 20))


def test_the_same_bytes_are_answered_without_the_application() -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        one, other = await connect(), await connect()
        await one.send(get())
        first = await one.read()
        for client in (one, other, one):
            await client.send(get())
            assert await client.read() == first  # headers and all
        assert first[1] == {"date": "today", "content-length": "2", **HEADERS}
        assert site.let_in == 1

    served(site, test)


def test_other_bytes_are_read() -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        client = await connect()
        asked = [get(), get(SONGS, "cookie: a=1"), get(f"{SONGS}?limit=3"), get("/api/jobs")]
        assert [await client.ask(request) for request in asked] == [1, 1, 2, 3]
        assert site.let_in == 4
        assert [await client.ask(request) for request in asked] == [1, 1, 2, 3]
        assert site.let_in == 4

    served(site, test)


def test_what_has_changed_is_made_anew() -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        client = await connect()
        assert [await client.ask(get()) for _ in range(2)] == [1, 1]
        site.kept.forget()
        assert [await client.ask(get()) for _ in range(2)] == [2, 2]
        site.kept.news = lambda: "news"
        assert [await client.ask(get()) for _ in range(2)] == [3, 3]
        assert site.let_in == 3

    served(site, test)


def test_a_password_is_asked_for_every_time() -> None:
    site = Site(access=read_access("127.0.0.1", token=TOKEN))

    async def test(connect: Connect) -> None:
        client = await connect()
        mine, wrong = get(SONGS, f"authorization: bearer {TOKEN}"), get()
        for _ in range(2):
            assert await client.ask(mine) == 1
            await client.send(wrong)
            assert (await client.read())[0] == 401
        assert site.let_in == 3

    served(site, test)


@pytest.mark.parametrize("begun", [b"G", b"GET /api/jobs HTTP/1.1\r\nx-a: ", get()[:-2]])
def test_bytes_within_a_message_are_no_request(begun: bytes) -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        known = await connect()
        assert [await known.ask(get()) for _ in range(2)] == [1, 1]
        client = await connect()
        await client.send(begun, get())
        status, _, body = await client.read()
        assert (status, body) != (200, b"1 ")

    served(site, test)


def test_the_body_of_a_request_is_no_request() -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        client = await connect()
        assert [await client.ask(get()) for _ in range(2)] == [1, 1]
        long = get("/api/jobs", f"content-length: {len(get())}")
        await client.send(long, get())
        assert int((await client.read())[2]) == 2
        assert site.let_in == 2
        assert await client.ask(get()) == 1
        assert site.let_in == 2  # known, and all of the body was read

    served(site, test)


def test_a_request_in_pieces_is_answered() -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        client = await connect()
        for count in (1, 2):
            await client.send(get()[:9], get()[9:])
            assert int((await client.read())[2]) == 1
            assert site.let_in == count

    served(site, test)


def test_requests_sent_at_once_are_answered_in_their_order() -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        client = await connect()
        for _ in range(2):
            await client.send(get() + get("/api/jobs") + get())
            assert [int((await client.read())[2]) for _ in range(3)] == [1, 2, 1]

    served(site, test)


def test_a_known_request_waits_for_the_answer_before_its_own() -> None:
    site = Site(slow_s=0.2)

    async def test(connect: Connect) -> None:
        client = await connect()
        assert [await client.ask(get()) for _ in range(2)] == [1, 1]
        await client.send(get("/api/jobs"), get())
        assert [int((await client.read())[2]) for _ in range(2)] == [2, 1]

    served(site, test)


@pytest.mark.parametrize("last", [get(SONGS, "connection: close"), get(version="1.0")])
def test_who_wants_to_end_is_let_go(last: bytes) -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        for _ in range(2):
            client = await connect()
            assert await client.ask(last) == 1
            assert await asyncio.wait_for(client.reader.read(), 2) == b""

    served(site, test)


def test_a_problem_is_told_anew() -> None:
    site = Site(status=404)

    async def test(connect: Connect) -> None:
        client = await connect()
        assert [await client.ask(get()) for _ in range(2)] == [1, 2]

    served(site, test)


def test_a_connection_is_closed_when_it_falls_silent() -> None:
    site = Site()

    async def test(connect: Connect) -> None:
        busy, silent = await connect(), await connect()
        assert [await busy.ask(get()) for _ in range(2)] == [1, 1]
        assert await silent.ask(get()) == 1  # the first that it asks is known
        for _ in range(15):
            assert await busy.ask(get()) == 1
            await asyncio.sleep(0.1)
        assert await asyncio.wait_for(silent.reader.read(), 2) == b""
        assert site.let_in == 1

    served(site, test, keep_alive_s=1)


def test_who_does_not_read_is_not_answered_for_ever() -> None:
    site = Site(size=2**18)

    async def test(connect: Connect) -> None:
        client = await connect()
        assert [await client.ask(get()) for _ in range(2)] == [1, 1]
        for _ in range(100):  # not awaited: the server may stop reading
            client.writer.write(get())
            await asyncio.sleep(0.005)
        transport = site.connections[0].transport
        assert transport.get_write_buffer_size() < 10 * site.size

    served(site, test)


def test_the_tail_of_a_request_is_none() -> None:
    site = Site(access=read_access("127.0.0.1", token=TOKEN))
    whole = get(SONGS, f"authorization: bearer {TOKEN}", "host: localhost")
    head, tail = whole[: -len(TAIL)], whole[-len(TAIL) :]

    async def test(connect: Connect) -> None:
        client = await connect()
        await client.send(head, tail)
        assert (await client.read())[0] == 200
        stranger = await connect()
        await stranger.send(tail)
        assert (await stranger.read())[0] == 400

    served(site, test)


def test_long_requests_are_not_remembered() -> None:
    site = Site()
    long = get(SONGS, f"x-long: {'a' * repeats.MAX_BYTES}")

    async def test(connect: Connect) -> None:
        client = await connect()
        assert [await client.ask(long) for _ in range(2)] == [1, 1]
        assert site.let_in == 2

    served(site, test)


def test_an_answer_without_a_length_gets_one() -> None:
    kept = Kept(60, 60)
    known, question = Known(kept), (SONGS, b"")
    start = {"type": "http.response.start", "status": 200, "headers": []}
    kept.keep(question, [start, {"type": "http.response.body", "body": b"hello"}], kept.state)
    known.note(b"again", question)
    answer = known.answer(b"again", [(b"date", b"today")])
    assert answer is not None
    assert known.answer(b"again", []) is answer  # written once
    head, _, body = answer.partition(b"\r\n\r\n")
    assert body == b"hello"
    assert head.startswith(b"HTTP/1.1 200 OK\r\ndate: today\r\n")
    assert head.endswith(b"content-length: 5")


def test_a_flood_of_requests_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MOST", 3)
    site = Site()

    async def answers(connect: Connect, requests: Sequence[bytes]) -> list[int]:
        client = await connect()
        return [await client.ask(request) for request in requests]

    async def test(connect: Connect) -> None:
        flood = [get(SONGS, f"x-number: {number}") for number in range(7)]
        assert await answers(connect, flood) == [1] * 7
        assert await answers(connect, flood[-1:]) == [1]
        assert site.let_in == 7
        assert await answers(connect, flood[:1]) == [1]
        assert site.let_in == 8

    served(site, test)


def test_who_asks_again_makes_nobody_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "MOST", 2)
    site = Site()

    async def test(connect: Connect) -> None:
        client = await connect()
        one, other = get(), get(SONGS, "cookie: a=1")
        assert [await client.ask(request) for request in (one, other)] == [1, 1]
        site.kept.forget()
        assert [await client.ask(request) for request in (one, other)] == [2, 2]
        assert site.let_in == 3

    served(site, test)
