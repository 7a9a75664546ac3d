"""Requests that are too large, too slow, or never end."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from angen.cli.connection import Connection
from angen.cli.serving import listening

HEAD_S = 0.5  # in these tests


class Hasty(Connection):
    head_s = HEAD_S


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body."""
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    with listening("127.0.0.1", 0) as listener:
        config = uvicorn.Config(echo, http=Hasty, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listener.getsockname()
        server.should_exit = True
        thread.join()


def everything(sock: socket.socket) -> bytes:
    """What comes until the other side closes."""
    sock.settimeout(10)
    parts = []
    try:
        while part := sock.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nhost: x\r\nx-a: b", b"POST /"])
def test_connection_without_a_whole_head_is_closed(address: tuple[str, int], begun: bytes) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(begun)
        began = time.monotonic()
        assert everything(sock) == b""
        assert HEAD_S / 2 < time.monotonic() - began < 8


def test_second_request_of_a_connection_must_be_whole_in_time_too(
    address: tuple[str, int],
) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(0.1)
        sock.sendall(b"GET / HTTP/1.1\r\nhost")
        assert everything(sock).count(b"HTTP/1.1 200") == 1


def test_slow_body_after_a_whole_head_is_taken(address: tuple[str, int]) -> None:
    with socket.create_connection(address) as sock:
        sock.sendall(
            b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\na"
        )
        time.sleep(2 * HEAD_S)
        sock.sendall(b"b")
        assert everything(sock).endswith(b"\r\n\r\n2")


def test_endless_header_is_refused(address: tuple[str, int]) -> None:
    sent = 0
    with socket.create_connection(address) as sock:
        sock.settimeout(10)
        sock.sendall(b"GET / HTTP/1.1\r\nhost: x\r\nx-endless: ")
        try:
            while sent < 50_000_000:
                sent += sock.send(b"a" * 65536)
        except (ConnectionResetError, BrokenPipeError):
            pass
    assert sent < 20_000_000  # what the buffers of both ends hold, not what a server keeps
