"""Do two versions of espeak-ng read English alike, once `angen` has undone what it knows of?

Prints every line of a text, or word of a list, that they read differently. With --write, the
former reading of these words goes to src/angen/conditioning/former_words.json. That file was
made so, on Debian 12, whose own espeak-ng is 1.51:

    apt-get install espeak-ng wamerican-insane wbritish-huge
    cat /usr/share/dict/american-english-insane /usr/share/dict/british-english-huge > words
    printf '%s\\n' burien sammamish leschi uefi kusto kubernetes bitwarden schengen ado >> words
    python benchmarks/espeak_versions.py words --write \\
        --former /usr/lib/x86_64-linux-gnu/libespeak-ng.so.1 \\
                 /usr/lib/x86_64-linux-gnu/espeak-ng-data

The words added by `printf` are those that the dictionary of 1.52 has beyond that of 1.51 and
that the lists lack (found by comparing the keys of the two compiled files `en_dict`).
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from angen.conditioning.espeak import Espeak, former_words
from angen.files import replacing

TARGET = Path(__file__).parents[1] / "src/angen/conditioning/former_words.json"


def main() -> None:
    arguments = parsed()
    known = {} if arguments.write else former_words()
    former = Espeak(arguments.former[0], arguments.former[1], known)
    library, data = arguments.later or bundled()
    later = Espeak(library, data, known)
    texts = spellings(arguments.texts) if arguments.write else lines(arguments.texts)
    differing = [text for text in texts if differ(former, later, text)]
    for text in differing:
        print(f"{text}\n  {former.version}: {former.phonemes(text, 'en-us')}")
        print(f"  {later.version}: {later.phonemes(text, 'en-us')}")
    print(f"{len(differing)} read differently by {former.version} and {later.version}")
    if arguments.write:
        write({word: joined(former.names(word, "en-us")) for word in differing})
    elif differing:
        sys.exit(1)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("texts", type=Path, help="a text or a list of words, one to a line")
    pair = ("LIBRARY", "DATA")
    parser.add_argument("--former", type=Path, nargs=2, metavar=pair, required=True)
    parser.add_argument("--later", type=Path, nargs=2, metavar=pair, help="default: pip's")
    parser.add_argument("--write", action="store_true", help="write former_words.json")
    return parser.parse_args()


def bundled() -> tuple[Path, Path]:
    import espeakng_loader

    return Path(espeakng_loader.get_library_path()), Path(espeakng_loader.get_data_path())


def lines(file: Path) -> Iterator[str]:
    yield from file.read_text("utf-8").splitlines()


def spellings(file: Path) -> list[str]:
    """Each word of the list in lower case, and the same with an s."""
    words = {re.sub(r"\W.*", "", line).lower() for line in lines(file)} - {""}
    return sorted(words | {word + "s" for word in words})


def differ(former: Espeak, later: Espeak, text: str) -> bool:
    return former.phonemes(text, "en-us") != later.phonemes(text, "en-us")


def joined(names: str) -> str:
    """Phoneme names as they can stand in a text: ``|`` keeps neighbours apart."""
    return "||".join(name.replace("_", "|") for name in names.split(" "))


def write(readings: dict[str, str]) -> None:
    with replacing(TARGET) as file:
        file.write_text(json.dumps(readings, indent=0, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
