"""Reading words aloud with espeak-ng: text in, phonemes out, the same from every version.

The library is called directly, since its two notations are needed side by side. DiffRhythm 2
learned from espeak-ng 1.51, which writes the vowels of "four" (oːɹ) and "for" (ɔːɹ) apart;
1.52 writes both ɔːɹ. Its own phoneme names still tell them apart (``o@`` and ``O@``), in each
word of its rules and dictionary, so the older vowel is put back wherever the name is ``o@``.

espeak-ng keeps one state for the whole process: a lock guards it.
"""

import ctypes
import ctypes.util
import re
import tempfile
import threading
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from angen.errors import BadInput

_SYNCHRONOUS = 2  # no sound device is opened
_RETURN_ON_FAILURE = 0x8000  # instead of ending the process
_UTF8 = 1
_NAMES = ord("_") << 8  # phoneme names, "_" between phonemes, blanks between words
_IPA = _NAMES | 2
_LONGEST_PATH = 120  # bytes: espeak-ng cuts data paths at about 150

_VOICES = {"en-us": "gmw/en-US", "fr-fr": "roa/fr", "de": "gmw/de", "ko": "ko"}

_LANGUAGE_FLAG = re.compile(r"\(.+?\)")
_STRESS = re.compile(r"[ˈˌ'-]+")
_LONG_VOWEL = re.compile(r"(?<![^_ ˈˌ])[oɔ]ː")  # where a phone begins
_NAMED_VOWEL = re.compile(r"(?<![^_ ',%=|])(?:o@|O@|O:)(?![^_ ])")  # all that it is written for

_lock = threading.Lock()


class Espeak:
    """One espeak-ng library, loaded with its data; its methods are not for two threads at once."""

    def __init__(self, library: Path | str, data: Path | None) -> None:
        """Load ``library``; ``data`` is the folder ``espeak-ng-data``, or None for its default.

        Raises OSError when either cannot be used.
        """
        self._functions = ctypes.CDLL(str(library))
        self._functions.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._functions.espeak_TextToPhonemes.argtypes = (
            ctypes.POINTER(ctypes.c_char_p),
            ctypes.c_int,
            ctypes.c_int,
        )
        self._functions.espeak_Info.restype = ctypes.c_char_p
        self._voice = ""
        home = str(_short(data).parent).encode() if data else None
        rate = self._functions.espeak_Initialize(_SYNCHRONOUS, 0, home, _RETURN_ON_FAILURE)
        if rate <= 0:
            raise OSError(f"espeak-ng cannot read its data in {data or 'its default folder'}")

    @property
    def version(self) -> str:
        return str(self._functions.espeak_Info(None).decode())

    def phonemes(self, text: str, language: str) -> str:
        """Phonemes of ``text``: ``|`` between phones, ``|_|`` between words, no stress.

        language: ``en-us``, ``fr-fr``, ``de`` or ``ko``.
        """
        self._choose(_VOICES[language])
        spoken = self._translate(text, _IPA)
        if language == "en-us":
            spoken = _former_vowels(spoken, self._translate(text, _NAMES))
        words = _LANGUAGE_FLAG.sub("", spoken).split(" ")
        return "|_|".join(_STRESS.sub("", word.strip()).replace("_", "|") for word in words)

    def _choose(self, voice: str) -> None:
        if voice == self._voice:
            return
        if self._functions.espeak_SetVoiceByName(voice.encode()) != 0:
            raise BadInput(
                f"This espeak-ng ({self.version}) has no voice {voice!r}. "
                "Install the bundled one: pip install 'angen[espeak]'"
            )
        self._voice = voice

    def _translate(self, text: str, notation: int) -> str:
        rest = ctypes.pointer(ctypes.c_char_p(text.encode()))
        clauses = []
        while rest.contents.value is not None:
            clause = self._functions.espeak_TextToPhonemes(rest, _UTF8, notation)
            if clause:
                clauses.append(clause.decode())
        return _tidy(" ".join(clauses))


def phonemes(text: str, language: str) -> str:
    """Phonemes of ``text`` from the installed espeak-ng; see ``Espeak.phonemes``. Thread-safe.

    Raises BadInput when there is no espeak-ng.
    """
    with _lock:
        return installed().phonemes(text, language)


@cache
def installed() -> Espeak:
    """The espeak-ng that pip brought along, else the system's.

    Raises BadInput naming the remedy when there is none.
    """
    if find_spec("espeakng_loader"):
        import espeakng_loader

        return Espeak(espeakng_loader.get_library_path(), Path(espeakng_loader.get_data_path()))
    library = ctypes.util.find_library("espeak-ng")
    if library:
        return Espeak(library, None)
    raise BadInput(
        "no phonemiser: espeak-ng is not installed. "
        "Run `pip install 'angen[espeak]'`, or leave the lyrics empty for instrumental music."
    )


def _former_vowels(spoken: str, names: str) -> str:
    """``spoken`` with oː for each ɔː whose phoneme name is ``o@``, as espeak-ng 1.51 wrote it.

    Both notations list the same vowels in the same order, whatever else differs between them.
    """
    named = _NAMED_VOWEL.findall(names)
    if len(named) != len(_LONG_VOWEL.findall(spoken)):
        return spoken
    order = iter(named)
    return _LONG_VOWEL.sub(lambda vowel: "oː" if next(order) == "o@" else vowel[0], spoken)


def _tidy(spoken: str) -> str:
    """``spoken`` on one line, without the stray separators that espeak-ng leaves behind."""
    spoken = spoken.strip().replace("\n", " ").replace("  ", " ")
    return re.sub("_ ", " ", re.sub("_+", "_", spoken))


def _short(data: Path) -> Path:
    """``data`` under a name that is short enough for espeak-ng: a link, if need be."""
    if len(str(data).encode()) <= _LONGEST_PATH:
        return data
    folder = _link_folder()
    link = Path(folder.name) / data.name
    link.symlink_to(data, target_is_directory=True)
    return link


@cache
def _link_folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="angen-")  # goes when the process ends
