"""Reading words aloud with espeak-ng: text in, phonemes out, the same from every version.

DiffRhythm 2 learned from espeak-ng 1.51. Later versions differ from it, in English in two ways,
which are undone here so that the model gets the sounds that it knows:

- 1.51 writes the vowels of "four" (oːɹ) and "for" (ɔːɹ) apart, 1.52 writes both ɔːɹ. Its own
  phoneme names still tell them apart (``o@`` and ``O@``), in each word of its rules and
  dictionary: the older vowel is put back wherever the name is ``o@``. To get at the names, the
  library is called directly.
- A few words are read anew, most of them names of places: ``former_words.json`` has their
  former reading, made by ``benchmarks/espeak_versions.py``.

In German, 1.52 writes a short ü as ʏ, which has no symbol; 1.51 wrote y.

espeak-ng keeps one state for the whole process: a lock guards it.
"""

import atexit
import ctypes
import ctypes.util
import json
import re
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from angen.errors import BadInput

_SYNCHRONOUS = 2  # no sound device is opened
_RETURN_ON_FAILURE = 0x8000  # instead of ending the process
_UTF8 = 1
_PHONEMES_IN_TEXT = 0x100  # [[...]] holds phoneme names
_NAMES = ord("_") << 8  # phoneme names, "_" between phonemes, blanks between words
_IPA = _NAMES | 2
_LONGEST_PATH = 120  # bytes: espeak-ng cuts data paths at about 150

_VOICES = {"en-us": "gmw/en-US", "fr-fr": "roa/fr", "de": "gmw/de", "ko": "ko"}
_SURE = {"en-us": "a", "fr-fr": "a", "de": "a", "ko": "아"}  # words that always have phonemes

_LANGUAGE_FLAG = re.compile(r"\(.+?\)")
_STRESS = re.compile(r"[ˈˌ'-]+")
_LONG_VOWEL = re.compile(r"(?<![^_ ˈˌ])[oɔ]ː")  # where a phone begins
_NAMED_VOWEL = re.compile(r"(?<![^_ ',%=|])(?:o@|O@|O:)(?![^_ ])")  # all that it is written for

_lock = threading.Lock()


class Espeak:
    """One espeak-ng library, loaded with its data; its methods are not for two threads at once."""

    def __init__(
        self, library: Path | str, data: Path | None, former_words: Mapping[str, str]
    ) -> None:
        """Load ``library``; ``data`` is the folder ``espeak-ng-data``, or None for its default.

        former_words: phoneme names of English words (lower case) that ``data`` must not read.

        Raises OSError when library or data cannot be used.
        """
        self._functions = _declared(ctypes.CDLL(str(library)))
        self._former_words = former_words
        words = "|".join(re.escape(word) for word in former_words) or r"(?!)"
        self._former = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)
        self._initialize(data)
        self._allow_phonemes_in_text()

    @property
    def version(self) -> str:
        return str(self._functions.espeak_Info(None).decode()).split()[0]

    def phonemes(self, text: str, language: str) -> str:
        """Phonemes of ``text``: ``|`` between phones, ``|_|`` between words, no stress.

        language: ``en-us``, ``fr-fr``, ``de`` or ``ko``.

        Raises BadInput when the library gives no phonemes for anything in this language: it
        reports neither a missing dictionary nor data that another user of it has replaced.
        """
        self._choose(_VOICES[language])
        if language == "en-us":
            text = self._former.sub(self._former_names, text)
            spoken = _former_vowels(self._translate(text, _IPA), self._translate(text, _NAMES))
        else:
            spoken = self._translate(text, _IPA).replace("ʏ", "y")
        if not spoken and not self._translate(_SURE[language], _NAMES):
            raise BadInput(
                f"espeak-ng ({self.version}) reads no word at all in {language!r}: its data are "
                "damaged, or other software in this process uses it with other data. Run "
                "`pip install --force-reinstall espeakng-loader`."
            )
        words = _LANGUAGE_FLAG.sub("", spoken).split(" ")
        return "|_|".join(_STRESS.sub("", word.strip()).replace("_", "|") for word in words)

    def names(self, text: str, language: str) -> str:
        """espeak-ng's own phoneme names of ``text``: ``_`` between phones, stress marked."""
        self._choose(_VOICES[language])
        return self._translate(text, _NAMES)

    def _former_names(self, word: re.Match[str]) -> str:
        return f"[[{self._former_words[word[0].lower()]}]]"

    def _initialize(self, data: Path | None) -> None:
        """Have the library read its data.

        The dynamic linker answers the system's bare name with any espeak-ng that this process has
        loaded under the same soname. Initialised anew it would look for data in the folder that it
        was built in, find none, report success all the same and read nothing: it is left as it is.
        """
        if data is None and self._functions.espeak_ng_GetSampleRate() > 0:
            return
        home = str(_short(data).parent).encode() if data else None
        rate = self._functions.espeak_Initialize(_SYNCHRONOUS, 0, home, _RETURN_ON_FAILURE)
        if rate <= 0:
            raise OSError(f"espeak-ng cannot read its data in {data or 'its default folder'}")

    def _allow_phonemes_in_text(self) -> None:
        """Only speaking sets this, and it stays set: so speak a blank."""
        flags = _UTF8 | _PHONEMES_IN_TEXT
        self._functions.espeak_Synth(b" ", 2, 0, 1, 0, flags, None, None)

    def _choose(self, voice: str) -> None:
        """Set anew for each text: another user of the same library may have set another."""
        if self._functions.espeak_SetVoiceByName(voice.encode()) != 0:
            raise BadInput(
                f"This espeak-ng ({self.version}) has no voice {voice!r}. "
                "Install the bundled one: pip install 'angen[espeak]'"
            )

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
    """The espeak-ng that pip brought along, else the system's; BadInput when there is none."""
    if find_spec("espeakng_loader"):
        import espeakng_loader

        return opened(espeakng_loader.get_library_path(), Path(espeakng_loader.get_data_path()))
    return opened(ctypes.util.find_library("espeak-ng"), None)


def opened(library: str | None, data: Path | None) -> Espeak:
    """The espeak-ng at ``library``, with the former words.

    Raises BadInput naming the remedy when there is none, or when it does not work.
    """
    remedy = "Run `pip install 'angen[espeak]'`, or leave the lyrics empty for instrumental music."
    if not library:
        raise BadInput(f"no phonemiser: espeak-ng is not installed. {remedy}")
    try:
        return Espeak(library, data, former_words())
    except OSError as error:
        raise BadInput(f"no phonemiser: {library} does not work ({error}). {remedy}") from error


@cache
def former_words() -> dict[str, str]:
    """Phoneme names, as espeak-ng 1.51 has them, of words that later versions read anew."""
    file = resources.files("angen.conditioning").joinpath("former_words.json")
    words: dict[str, str] = json.loads(file.read_text("utf-8"))
    return words


def _declared(functions: ctypes.CDLL) -> ctypes.CDLL:
    """``functions`` with the types of what is called."""
    functions.espeak_Info.restype = ctypes.c_char_p
    functions.espeak_Initialize.argtypes = (
        ctypes.c_int,
        ctypes.c_int,
        ctypes.c_char_p,
        ctypes.c_int,
    )
    functions.espeak_TextToPhonemes.restype = ctypes.c_char_p
    functions.espeak_TextToPhonemes.argtypes = (
        ctypes.POINTER(ctypes.c_char_p),
        ctypes.c_int,
        ctypes.c_int,
    )
    functions.espeak_Synth.argtypes = (
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_uint,
        ctypes.c_int,
        ctypes.c_uint,
        ctypes.c_uint,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    return functions


def _former_vowels(spoken: str, names: str) -> str:
    """``spoken`` with oː for each ɔː whose phoneme name is ``o@``, as espeak-ng 1.51 wrote it.

    Both notations list the same vowels in the same order, whatever else differs between them
    (no exception among 524,000 words and 210,000 lines of text).
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
    link = _link_folder() / "espeak-ng-data"
    link.unlink(missing_ok=True)
    link.symlink_to(data, target_is_directory=True)
    return link


@cache
def _link_folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="angen-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
