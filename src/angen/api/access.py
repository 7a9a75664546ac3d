"""Who may use the server: passwords, tokens, and the names under which it is reached.

A server on a loopback address needs no password, but any web page that its owner visits can send
requests to it. So it answers only to its own names (no other name may be pointed at it) and only
to pages of its own.
"""

import base64
import binascii
import hashlib
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from angen.errors import BadInput

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
MIN_SECRET = 8  # letters of a password or token
_DEFAULT_PORTS = {"http": "80", "https": "443"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What a request must show."""

    password: str | None = field(default=None, repr=False)  # "user:password"
    token: str | None = field(default=None, repr=False)  # of ``Authorization: Bearer``
    hosts: frozenset[str] = LOOPBACK_NAMES  # names in requests; empty: any
    origins: frozenset[str] = frozenset()  # other pages that may call, "https://example.org"

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a password."""
        return self.password is None and self.token is None


def read_access(
    host: str,
    *,
    password: str | None = None,
    token: str | None = None,
    origins: Iterable[str] = (),
) -> Access:
    """The rules for a server that is bound to ``host``.

    Raises BadInput for a password or token that is no protection, an origin that is none, and
    when a server that others can reach has neither password nor token.
    """
    if password is not None:
        _check_password(password)
    if token is not None and len(token) < MIN_SECRET:
        raise BadInput(f"ANGEN_TOKEN is shorter than {MIN_SECRET} letters: choose a longer one.")
    if password is None and token is None and not is_loopback(host):
        raise BadInput(
            f"{host} can be reached from other machines, so a password is needed: "
            "write user:password into a file and give it as --auth-file (or set ANGEN_AUTH or "
            "ANGEN_TOKEN)."
        )
    asked = password is not None or token is not None
    allowed = frozenset(_origin(text) for text in origins)
    names = frozenset(_name(urlsplit(origin).netloc) for origin in allowed)
    return Access(
        password=password,
        token=token,
        hosts=frozenset() if asked else LOOPBACK_NAMES | {_bracketed(host)} | names,
        origins=allowed,
    )


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that is bound to ``host``."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_enter(access: Access, authorization: str) -> bool:
    """Whether an ``Authorization`` header opens the server. Wrong takes as long as right."""
    scheme, _, given = authorization.partition(" ")
    given = given.strip()
    if scheme.lower() == "bearer" and access.token is not None:
        return _same(given, access.token)
    if scheme.lower() == "basic" and access.password is not None:
        try:
            return _same(base64.b64decode(given, validate=True), access.password)
        except (binascii.Error, ValueError):
            return False
    return False


def is_own(access: Access, *, host: str, origin: str | None, site: str | None) -> bool:
    """Whether a request comes from a page of this server, or from no page at all.

    host, origin, site: the headers ``Host``, ``Origin`` and ``Sec-Fetch-Site``. Programs send no
    ``Origin``; browsers do for all that could change something or be read.
    """
    if access.hosts and _name(host) not in access.hosts:
        return False
    if origin is None:
        return site != "cross-site"
    try:
        parts = urlsplit(origin)
    except ValueError:  # as of "http://[::1"
        return False
    same = _full(parts.netloc, parts.scheme) == _full(host, parts.scheme)
    return origin in access.origins or same


def _check_password(password: str) -> None:
    user, colon, secret = password.partition(":")
    if not user or not colon or len(secret) < MIN_SECRET:
        raise BadInput(
            f"--auth takes user:password, with a password of {MIN_SECRET} letters or more."
        )


def _same(given: str | bytes, expected: str) -> bool:
    """Compared as digests: neither length nor content shows in the time that it takes."""
    data = given.encode("utf-8", "surrogateescape") if isinstance(given, str) else given
    return secrets.compare_digest(
        hashlib.sha256(data).digest(), hashlib.sha256(expected.encode()).digest()
    )


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in _DEFAULT_PORTS or not parts.netloc or parts.path not in ("", "/"):
        raise BadInput(f"{text!r} is no origin: write it as https://studio.example.org, no path.")
    return f"{parts.scheme}://{parts.netloc}".lower()


def _name(host: str) -> str:
    """A ``Host`` header without its port."""
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _full(host: str, scheme: str) -> str:
    """A ``Host`` header with its port."""
    host = host.strip().lower()
    port = host.removeprefix(_name(host)).removeprefix(":")
    return f"{_name(host)}:{port or _DEFAULT_PORTS.get(scheme, '')}"


def _bracketed(host: str) -> str:
    return f"[{host.lower()}]" if ":" in host else host.lower()
