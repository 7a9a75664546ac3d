"""The list of real recordings, how they are unpacked, and the pools that are made of them."""

import hashlib
import io
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from angen.audio.files import write_wav
from mini.bank import RATE_HZ
from mini.material import Material
from mini.recordings import (
    LICENCES,
    LIST,
    Recording,
    closes,
    entries,
    listed,
    stretches,
    table,
    take,
    unseen,
    write_pool,
)


def recording(path: str, content: bytes) -> Recording:
    return Recording(
        package="game",
        path=path,
        author="Somebody",
        title=path,
        licence="CC0",
        sha256=hashlib.sha256(content).hexdigest(),
        seconds=20.0,
        words=("dark",),
    )


def tar(**files: bytes) -> io.BytesIO:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./{name.replace('__', '/')}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    made.seek(0)
    return made


def test_the_list_names_author_title_hash_and_an_allowed_licence_of_each() -> None:
    found = listed()
    assert len(found) > 150
    for one in found:
        assert one.author
        assert one.title
        assert one.licence in LICENCES
        assert len(bytes.fromhex(one.sha256)) == 32
        assert one.seconds >= 15
        assert not one.path.startswith("/")
        assert ".." not in one.path.split("/")
    assert found == sorted(found, key=lambda one: (one.package, one.path))


def test_the_documentation_lists_each_recording_with_author_and_licence() -> None:
    text = (Path(__file__).parents[2] / "docs" / "mini-recordings.md").read_text(encoding="utf-8")
    assert text.endswith(f"{table(listed())}\n")


@pytest.mark.parametrize("licence", ["GPL-2", "CC-BY-NC-3.0", "CC-BY-ND-4.0", ""])
def test_a_licence_that_does_not_allow_training_is_refused(tmp_path: Path, licence: str) -> None:
    head, first, *_ = LIST.read_text(encoding="utf-8").splitlines()
    changed = tmp_path / "list.csv"
    changed.write_text(f"{head}\n{first}\n", encoding="utf-8")
    assert listed(changed)[0].licence == "CC-BY-SA-3.0"
    changed.write_text(f"{head}\n{first.replace('CC-BY-SA-3.0', licence)}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="licence"):
        listed(changed)


def test_a_file_listed_twice_is_refused(tmp_path: Path) -> None:
    head, first, *_ = LIST.read_text(encoding="utf-8").splitlines()
    (tmp_path / "list.csv").write_text(f"{head}\n{first}\n{first}\n", encoding="utf-8")
    with pytest.raises(ValueError, match="twice"):
        listed(tmp_path / "list.csv")


def test_a_twelfth_is_unseen_and_versions_of_a_piece_stay_together() -> None:
    found = listed()
    apart = unseen(found)
    share = sum(one.seconds for one in apart) / sum(one.seconds for one in found)
    assert 0.06 < share < 0.11
    assert len({one.package for one in apart}) >= 6
    learned = {(one.package, one.title) for one in found if one not in apart}
    assert not learned & {(one.package, one.title) for one in apart}


def test_listed_files_are_unpacked_and_no_others(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("music/b.ogg", b"second")
        archive.writestr("../../evil.ogg", b"evil")
    wanted = [recording("usr/a.ogg", b"first"), recording("usr/c.pk3!music/b.ogg", b"second")]
    files = {"usr__a.ogg": b"first", "usr__other.ogg": b"x", "usr__c.pk3": packed.getvalue()}
    take(tar(**files), wanted, tmp_path / "files")
    contents = {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert contents == {wanted[0].stored: b"first", wanted[1].stored: b"second"}


def test_a_path_that_leaves_the_package_is_stored_under_its_hash(tmp_path: Path) -> None:
    evil = recording("../../evil.ogg", b"evil")
    take(tar(**{"..__..__evil.ogg": b"evil"}), [evil], tmp_path / "files")
    assert [path.name for path in tmp_path.rglob("*.ogg")] == [evil.stored]


def test_a_changed_file_is_refused_and_not_stored(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"usr/a\.ogg has SHA-256"):
        take(tar(**{"usr__a.ogg": b"changed"}), [recording("usr/a.ogg", b"first")], tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"does not hold usr/b\.ogg"):
        take(tar(**{"usr__a.ogg": b"first"}), [recording("usr/b.ogg", b"first")], tmp_path)


def test_a_recording_is_split_into_equal_parts_without_silence_at_its_ends() -> None:
    tone = np.full(130 * RATE_HZ, 0.3, np.float32)
    silence = np.zeros(5 * RATE_HZ, np.float32)
    parts = stretches(np.concatenate([silence, tone, silence]))
    assert len(parts) == 3
    assert {len(part) for part in parts} <= {len(tone) // 3, len(tone) // 3 + 1}
    assert stretches(silence) == []


def test_music_ends_where_it_fades_out_and_not_where_it_is_cut() -> None:
    tone = np.full(20 * RATE_HZ, 0.3, np.float32)
    fade = tone * np.linspace(1, 0, len(tone), dtype=np.float32) ** 2
    assert closes(fade, fade)
    assert not closes(tone, tone)


def test_a_pool_of_recordings_is_read_as_one_of_composed_pieces(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    both = np.stack([np.full(20 * RATE_HZ, 0.2), np.full(20 * RATE_HZ, 0.4)])
    noise = (both * rng.uniform(-1, 1, 20 * RATE_HZ)).astype(np.float32)  # (2, S)
    write_wav(tmp_path / "sound.wav", noise, RATE_HZ)
    content = (tmp_path / "sound.wav").read_bytes()
    one = replace(recording("usr/a.wav", content), seconds=20.0)
    take(tar(**{"usr__a.wav": content}), [one], tmp_path)
    write_pool(tmp_path / "real", entries([one], tmp_path, lambda samples, rate_hz: {"drums": 0.9}))
    pool = Material(tmp_path / "real")
    (entry,) = pool.entries
    assert entry.style == ""
    assert entry.labels["recording"] == "game/usr/a.wav"
    assert entry.captions[0].startswith("dark, drums")
    assert "key" not in entry.labels or entry.labels["key"]
    error = np.abs(pool.piece(entry) - noise.mean(0)[: entry.samples])
    assert float(error.max()) < 2e-3
