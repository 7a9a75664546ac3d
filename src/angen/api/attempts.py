"""Wrong passwords, counted by address: who guesses waits longer and longer."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE = 5  # wrong ones before anybody waits
MAX_WAIT_S = 300.0
FORGET_S = 3600.0  # without another wrong one
MAX_ADDRESSES = 1000
EVERYBODY = ""  # counts all addresses together: guesses may come from many
FREE_TOGETHER = 200


@dataclass(slots=True)
class _Count:
    wrong: int = 0
    last: float = 0.0


class Attempts:
    """How long an address must wait before it may try again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[str, _Count] = OrderedDict()
        self._known: OrderedDict[str, None] = OrderedDict()  # have shown the password

    def wait_s(self, address: str) -> float:
        """Seconds that ``address`` must wait; 0: it may try."""
        network = _network(address)
        own = self._wait_s(network, FREE)
        # An address that has shown the password is not locked out by what others try.
        together = 0.0 if network in self._known else self._wait_s(EVERYBODY, FREE_TOGETHER)
        return max(own, together)

    def wrong(self, address: str) -> None:
        """A password from ``address`` was wrong."""
        for key in (_network(address), EVERYBODY):
            count = self._counts.setdefault(key, _Count())
            if self._clock() - count.last > FORGET_S:
                count.wrong = 0
            count.wrong += 1
            count.last = self._clock()
            self._counts.move_to_end(key)
        while len(self._counts) > MAX_ADDRESSES:
            self._counts.popitem(last=False)

    def right(self, address: str) -> None:
        """A password from ``address`` was right."""
        network = _network(address)
        self._counts.pop(network, None)
        self._known[network] = None
        while len(self._known) > MAX_ADDRESSES:
            self._known.popitem(last=False)

    def _wait_s(self, key: str, free: int) -> float:
        count = self._counts.get(key)
        if count is None or count.wrong < free:
            return 0.0
        wait = min(MAX_WAIT_S, 2.0 ** min(count.wrong - free, 20))
        return max(0.0, count.last + wait - self._clock())


def _network(address: str) -> str:
    """An IPv6 address by its /64, which is one household; any other as it is."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 6:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address
