"""Expected phonemes are those of espeak-ng 1.51 (Debian 12), without stress:

espeak-ng -q --ipa -v en-us --sep='|' "more and more before the storm"
"""

import ctypes.util
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import espeakng_loader
import pytest

from angen.conditioning.espeak import Espeak, former_words, installed, opened, phonemes
from angen.errors import BadInput

FORMER = {
    "more and more before the storm": "m|oː|ɹ|_|æ|n|d|_|m|oːɹ|_|b|ᵻ|f|oːɹ|_|ð|ə|_|s|t|oːɹ|m",
    "the four horsemen of the court": "ð|ə|_|f|oːɹ|_|h|ɔːɹ|s|m|ɛ|n|_|ʌ|v|ð|ə|_|k|oːɹ|t",
    "I was born to be forlorn": "aɪ|_|w|ʌ|z|_|b|ɔːɹ|n|_|t|ə|b|i|_|f|ɔːɹ|l|ɔːɹ|n",
    "pour the port by the north door": "p|oːɹ|_|ð|ə|_|p|oːɹ|t|_|b|aɪ|_|ð|ə|_|n|ɔːɹ|θ|_|d|oːɹ",
    "orange forest tomorrow horror": "ɔ|ɹ|ɪ|n|dʒ|_|f|ɔː|ɹ|ɪ|s|t|_|t|ə|m|ɑː|ɹ|oʊ|_|h|ɔ|ɹ|ɚ",
    "the war is over on the floor": "ð|ə|_|w|ɔː|ɹ|_|ɪ|z|_|oʊ|v|ɚ|ɹ|_|ɔ|n|ð|ə|_|f|l|oːɹ",
    "ignore the roaring chorus": "ɪ|ɡ|n|oːɹ|_|ð|ə|_|ɹ|oː|ɹ|ɪ|ŋ|_|k|oː|ɹ|ə|s",
    "mourning morning": "m|oːɹ|n|ɪ|ŋ|_|m|ɔːɹ|n|ɪ|ŋ",
    "Tacoma TACOMA tacoma": "t|æ|k|oʊ|m|ə|_|t|æ|k|oʊ|m|ə|_|t|æ|k|oʊ|m|ə",
    "a banknote": "ɐ|_|b|æ|n|n|oʊ|t",
}


def bundled(folder: Path | None = None) -> tuple[str, Path]:
    library, data = espeakng_loader.get_library_path(), Path(espeakng_loader.get_data_path())
    if folder is None:
        return library, data
    shutil.copytree(data, folder / data.name)
    return str(shutil.copy(Path(library), folder)), folder / data.name


@pytest.mark.parametrize(("text", "spoken"), FORMER.items())
def test_english_is_read_as_by_version_1_51(text: str, spoken: str) -> None:
    assert phonemes(text, "en-us") == spoken


needs_systems = pytest.mark.skipif(
    not ctypes.util.find_library("espeak-ng"), reason="no espeak-ng in the system"
)


@needs_systems
def test_the_systems_espeak_reads_the_same() -> None:
    program = (
        "import ctypes.util, json, sys; from angen.conditioning.espeak import opened; "
        "system = opened(ctypes.util.find_library('espeak-ng'), None); "
        "read = {text: system.phonemes(text, 'en-us') for text in json.load(sys.stdin)}; "
        "json.dump(read, sys.stdout)"
    )  # in a process of its own: a loaded library of the same soname stands in for the system's
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps([*FORMER]), capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == FORMER


@needs_systems
def test_asking_for_the_systems_espeak_leaves_the_loaded_one_reading() -> None:
    ours = installed()
    assert phonemes("more four", "en-us")
    other = opened(ctypes.util.find_library("espeak-ng"), None)
    assert {text: other.phonemes(text, "en-us") for text in FORMER} == FORMER
    assert {text: ours.phonemes(text, "en-us") for text in FORMER} == FORMER


@pytest.mark.parametrize("damage", [Path.unlink, lambda dictionary: dictionary.write_bytes(b"")])
def test_an_espeak_without_its_dictionary_is_an_error(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    library, data = bundled(tmp_path)
    damage(data / "en_dict")
    broken = Espeak(library, data, {})
    with pytest.raises(BadInput, match=r"reads no word at all in 'en-us'.*pip install"):
        broken.phonemes("hello", "en-us")
    assert broken.phonemes("hallo", "de") == "h|a|l|oː"


def test_text_that_has_no_sound_is_no_error() -> None:
    assert phonemes("", "en-us") == phonemes("\u200b", "en-us") == ""


def test_former_words_are_not_read_by_the_rules_of_later_versions() -> None:
    plain = Espeak(*bundled(), former_words={})
    ours = installed()
    if plain.version.startswith("1.52"):
        assert all(
            plain.phonemes(word, "en-us") != ours.phonemes(word, "en-us") for word in former_words()
        )


def test_a_folder_with_a_long_name_works(tmp_path: Path) -> None:
    folder = tmp_path / ("a" * 100) / ("b" * 100)
    folder.mkdir(parents=True)
    library, data = bundled(folder)
    assert Espeak(library, data, {}).phonemes("four", "en-us") == "f|oːɹ"


def test_threads_with_different_voices_do_not_disturb_each_other() -> None:
    wanted = {"en-us": "f|aɪ|n", "de": "f|iː|n|ə", "fr-fr": "f|i|n"}
    heard: list[tuple[str, str]] = []

    def read(voice: str) -> None:
        for _ in range(40):
            heard.append((voice, phonemes("fine", voice)))

    threads = [threading.Thread(target=read, args=(voice,)) for voice in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(heard) == set(wanted.items())
    assert len(heard) == 40 * len(wanted)


def test_no_espeak_names_the_package_to_install() -> None:
    with pytest.raises(BadInput, match=r"pip install 'angen\[espeak\]'"):
        opened(None, None)


def test_a_broken_espeak_names_the_file_and_the_remedy(tmp_path: Path) -> None:
    broken = tmp_path / "libespeak-ng.so"
    broken.write_text("not a library")
    with pytest.raises(BadInput, match=r"libespeak-ng.so does not work .*angen\[espeak\]"):
        opened(str(broken), None)
