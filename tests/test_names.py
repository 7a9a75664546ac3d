import pytest

from angen.errors import BadInput
from angen.names import MAX_NAME_BYTES, about, check_name, distinct, safe


@pytest.mark.parametrize("name", ["my_vocal_lora_v1", "Für Elise (live)", "夜曲", "a.b-c+d", "x"])
def test_check_name_takes_names_that_are_folders_everywhere(name: str) -> None:
    assert check_name("adapter", name) == name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("../x", "begins with a dot"),
        ("a/b", "contains '/'"),
        ("a\\b", r"contains '\\\\'"),
        ("C:x", "contains ':'"),
        (".hidden", "begins with a dot"),
        ("-rf", "a dash"),
        ("end.", "ends with a dot"),
        ("end ", "ends with a dot or a space"),
        ("a\nb", "contains"),
        ("nul", "is reserved"),
        ("COM1.txt", "is reserved"),
        ("user_uploads", "is reserved"),
        ("x" * (MAX_NAME_BYTES + 1), "is longer than"),
        ("🎵", "contains"),
    ],
)
def test_check_name_refuses_and_says_why(name: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        check_name("adapter", name)


def test_check_name_composes_letters_so_that_one_name_is_one_folder() -> None:
    assert check_name("dataset", "u\u0308ber") == "über"


def test_safe_keeps_letters_and_replaces_the_rest() -> None:
    assert safe('my "song" 🎵 (1)') == "my-song-(1)"
    assert safe("🎵") == "unnamed"
    assert safe("夜" * 100, 10) == "夜夜夜"  # three bytes each, never half a letter


def test_distinct_counts_up_and_does_not_trust_case() -> None:
    taken: set[str] = set()
    assert [distinct(name, taken) for name in ("a", "A", "a")] == ["a", "A-2", "a-3"]


def test_about_names_the_file_once() -> None:
    assert about("a/x.wav", "/music/a/x.wav is empty.") == "/music/a/x.wav is empty."
    assert about("x.wav", "is too short.") == "x.wav: is too short."
    same = about("x.wav", "has the same content as 'b/x.wav'")
    assert same == "x.wav: has the same content as 'b/x.wav'"


def test_about_stays_on_one_line() -> None:
    assert about("a\nb.wav", "is empty") == "a�b.wav: is empty"
