"""Who may use the server."""

import base64

import pytest

from angen.api.access import Access, is_loopback, is_own, may_enter, read_access
from angen.errors import BadInput


def _basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "localhost", "::1"])
def test_loopback_needs_no_password(host: str) -> None:
    assert is_loopback(host)
    assert read_access(host).is_open


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "::", "studio.example.org"])
def test_other_addresses_need_a_password_or_token(host: str) -> None:
    with pytest.raises(BadInput, match="--auth-file"):
        read_access(host)
    assert not read_access(host, password="me:long enough").is_open
    assert not read_access(host, token="a-long-token").is_open


@pytest.mark.parametrize("password", ["nocolon", ":12345678", "user:short", "user:"])
def test_password_that_protects_nothing_is_refused(password: str) -> None:
    with pytest.raises(BadInput, match="user:password"):
        read_access("127.0.0.1", password=password)


def test_short_token_is_refused() -> None:
    with pytest.raises(BadInput, match="longer"):
        read_access("127.0.0.1", token="short")


def test_right_password_and_token_enter_and_nothing_else() -> None:
    access = Access(password="ich:pässwörter", token="a-long-token")
    assert may_enter(access, _basic("ich:pässwörter"))
    assert may_enter(access, "bearer a-long-token")
    for wrong in (
        "",
        "Basic",
        "Basic !!!",
        "Basic é",
        _basic("ich:passwörter"),
        _basic("ich"),
        _basic("a-long-token"),
        "Bearer ich:pässwörter",
        "Bearer ",
        "Bearer \udcff",
        "Digest a-long-token",
    ):
        assert not may_enter(access, wrong)


def test_password_alone_leaves_the_token_closed() -> None:
    assert not may_enter(Access(password="me:password"), "Bearer None")
    assert not may_enter(Access(token="a-long-token"), _basic("None"))


def test_requests_of_programs_and_own_pages_are_own() -> None:
    access = read_access("127.0.0.1")
    assert is_own(access, host="127.0.0.1:7860", origin=None, site=None)
    assert is_own(access, host="localhost:7860", origin="http://localhost:7860", site="same-origin")
    assert is_own(access, host="[::1]:7860", origin="http://[::1]:7860", site=None)
    assert is_own(access, host="localhost", origin="http://localhost", site=None)


@pytest.mark.parametrize(
    ("host", "origin", "site"),
    [
        ("evil.example", None, None),  # a name that was pointed at this machine
        ("evil.example:7860", "http://evil.example:7860", "same-origin"),
        ("localhost.evil.example:7860", None, None),
        ("", None, None),
        ("localhost:7860", "https://evil.example", "cross-site"),
        ("localhost:7860", "http://localhost:3000", "same-site"),  # another server here
        ("localhost:7860", "null", None),
        ("localhost:7860", "", None),
        ("localhost:7860", None, "cross-site"),  # a picture or sound in another site's page
    ],
)
def test_requests_of_other_sites_are_foreign(
    host: str, origin: str | None, site: str | None
) -> None:
    assert not is_own(read_access("127.0.0.1"), host=host, origin=origin, site=site)


def test_allowed_origin_may_call_and_name_the_server() -> None:
    access = read_access("127.0.0.1", origins=["https://Studio.example.org/"])
    origin = "https://studio.example.org"
    assert is_own(access, host="studio.example.org", origin=origin, site="same-origin")
    assert is_own(access, host="localhost:7860", origin=origin, site="cross-site")


@pytest.mark.parametrize("origin", ["studio.example.org", "ftp://a", "https://a/b", "*"])
def test_origin_that_is_none_is_refused(origin: str) -> None:
    with pytest.raises(BadInput, match="no origin"):
        read_access("127.0.0.1", origins=[origin])


def test_server_with_password_answers_to_any_name() -> None:
    access = read_access("0.0.0.0", password="me:long enough")
    assert is_own(access, host="nas.local:7860", origin=None, site=None)
    assert not is_own(access, host="nas.local:7860", origin="http://evil.example", site=None)
