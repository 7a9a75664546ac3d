"""A connection to the server: uvicorn's, with a limit on how long a request's head may take.

h11, which parses it, limits the head to 64 KiB; the body is limited in ``angen.api.guard``.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_S = 15.0  # from the first moment of a connection, or the first byte of a request, to its body


class Connection(H11Protocol):
    """Closes itself when a client has not sent a whole head in time."""

    head_s = HEAD_S
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has connected."""
        super().connection_made(transport)
        self._deadline = self.loop.call_later(self.head_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Bytes of a client: a request, a part of one, or several."""
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._cancel()
        elif self._deadline is None and (before is None or before.response_complete):
            self._deadline = self.loop.call_later(self.head_s, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is closed, by either side."""
        self._cancel()
        super().connection_lost(exc)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.transport.get_protocol() is self:  # else it has become a websocket
            self.transport.close()
