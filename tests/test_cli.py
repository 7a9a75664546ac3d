"""Commands as a shell sees them: exit codes, what is said where, help without torch."""

import csv
import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import typer

from angen.audio.files import read_comment, write_wav
from angen.cli.main import app, run
from angen.cli.terminal import plain
from angen.errors import BadInput, Stopped

RATE_HZ = 8_000
Cli = Callable[..., int]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def angen(home: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """The command, in a home of its own, on the tiny base."""
    monkeypatch.setenv("ANGEN_BASE", str(tiny_folder))
    monkeypatch.setenv("ANGEN_HOME", str(home))
    return lambda *arguments: run([str(argument) for argument in arguments])


def song(path: Path, seconds: float = 24, pitch_hz: float = 220) -> Path:
    """Clicks at 120 BPM over a broken chord."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    click = (time_s * 2 % 1 < 0.05) * np.sin(2 * np.pi * 1_000 * time_s)
    steps = 2 ** (np.array([0, 4, 7, 12])[(time_s * 2).astype(int) % 4] / 12)
    tone = np.sin(2 * np.pi * pitch_hz * np.cumsum(steps) / RATE_HZ)
    write_wav(path, (0.3 * click + 0.3 * tone).astype(np.float32), RATE_HZ)
    return path


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """A folder of three short songs, one of them in two clips."""
    for number, seconds in enumerate((12, 14, 24)):
        song(tmp_path / "songs" / f"song {number}.wav", seconds, 200 + 40 * number)
    return tmp_path / "songs"


def commands(group: typer.Typer) -> Iterator[list[str]]:
    """Every command of the program, as words."""
    from typer.main import get_command

    def walk(command: object, words: list[str]) -> Iterator[list[str]]:
        yield words
        for name, child in getattr(command, "commands", {}).items():
            yield from walk(child, [*words, name])

    yield from walk(get_command(group), [])


@pytest.mark.parametrize("words", list(commands(app)), ids=" ".join)
def test_every_command_has_help(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*words, "--help"]) == 0
    said = capsys.readouterr().out
    assert "Usage: angen" in said
    assert len(said) > 200


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "scipy", "soundfile", "peft", "matplotlib")
    program = (
        "import sys; from angen.cli.main import run; code = run(['--help']); "
        f"print([m for m in {heavy!r} if m in sys.modules], code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip().endswith("[] 0")


def test_a_command_that_does_not_exist_is_wrong_usage(angen: Cli) -> None:
    assert angen("compose") == 2
    assert angen("generate", "--nonsense") == 2
    assert angen("generate") == 2
    assert angen("train", "--name", "x") == 2
    assert angen("train", "--resume", "x", "--dataset", "y") == 2


@pytest.mark.parametrize("seconds", ["0", "-3", "0.5", "36000", "nan"])
def test_a_duration_outside_its_range_is_refused_with_the_range(
    angen: Cli, capsys: pytest.CaptureFixture[str], seconds: str
) -> None:
    assert angen("generate", "--prompt", "house", "--duration", seconds) == 1
    assert "1 to 600 seconds" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--rank", "2", "rank=2 is outside 4 to 64"),
        ("--learning-rate", "0.1", "learning_rate=0.1 is outside 1e-05 to 0.001"),
        ("--epochs", "51", "epochs=51 is outside 1 to 50"),
    ],
)
def test_a_recipe_outside_its_ranges_is_refused(
    angen: Cli, capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    assert angen("train", "--dataset", "d", "--name", "n", option, value) == 1
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "", " ", "con", "best_model", "a/b", "x" * 300])
def test_an_unfit_adapter_name_is_refused(
    angen: Cli, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert angen("train", "--dataset", "d", "--name", name) == 1
    assert "adapter name" in capsys.readouterr().err


def test_analyze_fills_the_metadata_table(
    angen: Cli, songs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert angen("analyze", songs, "--json") == 0
    heard = json.loads(capsys.readouterr().out)["heard"]
    assert [Path(item["file"]).name for item in heard] == [f"song {i}.wav" for i in range(3)]
    fields = {"genre", "bpm", "key", "mood", "instruments", "energy", "description", "confidence"}
    assert fields <= heard[0].keys()
    assert angen("analyze", songs / "song 0.wav") == 0
    assert "song 0.wav" in capsys.readouterr().out


def test_a_bad_file_is_named_and_the_others_go_on(
    angen: Cli, songs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (songs / "notes.wav").write_text("not music")
    assert angen("analyze", songs, "--json") == 4
    answer = capsys.readouterr()
    assert len(json.loads(answer.out)["heard"]) == 3
    assert "notes.wav" in json.loads(answer.out)["skipped"][0]["file"]
    assert "notes.wav" in answer.err


def test_a_folder_without_music_is_a_fault(
    angen: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert angen("analyze", tmp_path / "empty") == 1
    assert capsys.readouterr().err.count("Error:") == 1


def test_split_writes_clips_and_never_over_others(
    angen: Cli, songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    song(songs / "again" / "song 2.wav", 25, 300)
    assert angen("split", songs, "--out", tmp_path / "clips", "--json") == 0
    files = json.loads(capsys.readouterr().out)["files"]
    paths = [path for made in files.values() for path in made]
    assert len(paths) == len(set(paths)) >= 4
    assert all(Path(path).is_file() for path in paths)
    assert len(list((tmp_path / "clips").iterdir())) == len(paths)


def test_stems_without_weights_say_how_to_get_them(
    angen: Cli, songs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert angen("stems", songs) == 1
    said = capsys.readouterr().err
    assert "angen models fetch" in said or "pip install" in said


def test_stems_that_cannot_be_made_do_not_stop_a_dataset(
    angen: Cli, songs: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert angen("prepare", songs, "--name", "mine", "--stems") == 4
    assert "No stems were separated" in capsys.readouterr().err
    assert (home / "training_data" / "mine" / "dataset_info.json").is_file()


def test_the_whole_way_from_recordings_to_songs(
    angen: Cli, songs: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert angen("prepare", songs, "--name", "mine") == 0
    capsys.readouterr()

    table = tmp_path / "table.csv"
    assert angen("datasets", "export", "mine", table) == 0
    with table.open(newline="") as file:
        top, *others = csv.DictReader(file)
    with table.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(top))
        writer.writeheader()
        gone = {**top, "file": "gone.wav"}
        writer.writerows([{**top, "genre": "zither", "key": "H moll"}, *others, gone])
    capsys.readouterr()
    assert angen("datasets", "import", "mine", table) == 4
    said = capsys.readouterr().err
    assert f"{top['file']}: 'H moll' is not read as a key" in said
    assert "gone.wav: a row of the table that fits no recording" in said
    assert angen("datasets", "show", "mine") == 0
    assert "zither" in capsys.readouterr().out
    assert angen("datasets", "list") == 0
    assert "mine" in capsys.readouterr().out

    small = ("--rank", 4, "--alpha", 8, "--songs", 4, "--seconds", 4)
    code = angen("train", "--dataset", "mine", "--name", "lora", "--max-steps", 3, *small, "--json")
    answer = capsys.readouterr()
    assert code in (0, 3)
    assert "about" in answer.err  # the quote
    assert json.loads(answer.out)["report"]["verdict"] in (
        "closer",
        "slight",
        "no_effect",
        "farther",
    )
    folder = home / "models" / "loras" / "lora"
    report = json.loads((folder / "report.json").read_text())
    assert code == (3 if report["verdict"] != "closer" else 0)
    assert {"distance_base", "distance_adapter", "reduction"} <= report["effect"].keys()
    assert {"closest", "reference"} <= report["memorisation"].keys()
    assert (folder / "report.html").is_file()
    assert (folder / "README.md").is_file()

    assert angen("train", "--resume", "lora") == 1
    said = capsys.readouterr().err
    assert "'lora' is finished" in said
    assert "Loading" not in said

    assert angen("status", "lora", "--json") == 0
    assert json.loads(capsys.readouterr().out)["lora"]["state"] == "done"
    assert angen("adapters", "list", "--json") == 0
    assert json.loads(capsys.readouterr().out)[0]["name"] == "lora"
    assert angen("train", "--dataset", "mine", "--name", "lora") == 1
    assert "already" in capsys.readouterr().err

    first, second = tmp_path / "first.wav", tmp_path / "second.wav"
    asked = ("--prompt", "house, 120 BPM", "--duration", 6, "--seed", 5, "--steps", 3)
    assert angen("generate", *asked, "--adapter", "lora:0.5", "--out", first) == 0
    assert json.loads(read_comment(first) or "")["request"]["seed"] == 5
    assert angen("generate", "--again", first, "--out", second) == 0
    assert first.read_bytes() == second.read_bytes()
    plain_song = tmp_path / "base.wav"
    assert angen("generate", *asked, "--out", plain_song) == 0
    assert plain_song.read_bytes() != first.read_bytes()

    assert angen("adapters", "export", "lora", tmp_path / "lora.zip") == 0
    assert angen("adapters", "import", tmp_path / "lora.zip", "--name", "copy") == 0
    assert angen("adapters", "merge", "lora", "copy:0.5", "--name", "both") == 0
    assert angen("generate", *asked, "--adapter", "both", "--out", second) == 0
    assert angen("adapters", "rename", "both", "two") == 0
    assert angen("adapters", "show", "two") == 0
    assert angen("adapters", "delete", "two", "--yes") == 0
    capsys.readouterr()
    assert angen("generate", *asked, "--adapter", "two") == 1
    assert "There are: copy, lora" in capsys.readouterr().err


def test_a_report_on_another_dataset_does_not_replace_the_own(
    angen: Cli, songs: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("mine", "other"):
        assert angen("prepare", songs, "--name", name) == 0
    make = ("train", "--dataset", "mine", "--name", "lora", "--no-report", "--rank", 4)
    assert angen(*make, "--alpha", 8, "--max-steps", 2) == 0
    small = ("--songs", 4, "--seconds", 4)
    assert angen("report", "lora", "--dataset", "other", *small) in (0, 3)
    folder = home / "models" / "loras" / "lora"
    assert (folder / "reports" / "other" / "report.html").is_file()
    assert not (folder / "report.json").exists()
    assert angen("report", "lora", *small) in (0, 3)
    assert (folder / "report.json").is_file()


def test_a_song_cannot_be_made_with_an_adapter_that_does_not_fit(
    angen: Cli,
    songs: Path,
    tmp_path: Path,
    make_bundle: Callable[[int], Path],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert angen("prepare", songs, "--name", "mine") == 0
    make = ("train", "--dataset", "mine", "--name", "lora", "--no-report", "--rank", 4)
    assert angen(*make, "--alpha", 8, "--max-steps", 2) == 0
    made = tmp_path / "song.wav"
    asked = ("--prompt", "house", "--duration", 2, "--steps", 2, "--adapter", "lora")
    assert angen("generate", *asked, "--out", made) == 0
    capsys.readouterr()
    assert angen("generate", *asked, "--base", make_bundle(3)) == 1
    assert "was trained on the base" in capsys.readouterr().err
    assert angen(*make, "--alpha", 16, "--max-steps", 2, "--overwrite", "--seed", 3) == 0
    capsys.readouterr()
    assert angen("generate", "--again", made) == 1
    assert "'lora' has changed" in capsys.readouterr().err


def test_a_file_without_a_request_cannot_be_remade(
    angen: Cli, songs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert angen("generate", "--again", songs / "song 0.wav") == 1
    assert "holds no request" in capsys.readouterr().err


@pytest.mark.parametrize("adapter", ["lora:x", "lora:3", "lora:-1", "lora:nan", ":1"])
def test_a_strength_outside_its_range_is_refused(angen: Cli, adapter: str) -> None:
    assert angen("generate", "--prompt", "house", "--adapter", adapter) == 1


def test_lyrics_and_instrumental_exclude_each_other(angen: Cli, tmp_path: Path) -> None:
    (tmp_path / "words.txt").write_text("la la")
    both = ("--lyrics", tmp_path / "words.txt", "--instrumental")
    assert angen("generate", "--prompt", "house", *both) == 2


def test_a_song_is_not_written_under_a_name_that_it_is_not(angen: Cli, tmp_path: Path) -> None:
    assert angen("generate", "--prompt", "house", "--out", tmp_path / "song.mp3") == 2
    assert angen("generate", "--again", tmp_path / "a.wav", "--out", tmp_path / "b.flac") == 2
    assert not list(tmp_path.iterdir())


def test_words_that_a_base_cannot_sing_are_told(
    angen: Cli, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "words.txt").write_text("[verse]\nla la\n")
    asked = ("--prompt", "house", "--lyrics", tmp_path / "words.txt", "--duration", 2, "--steps", 2)
    assert angen("generate", *asked, "--out", tmp_path / "song.wav", "--json") == 0
    said = capsys.readouterr()
    assert "has no voice" in said.err
    assert [text for text in json.loads(said.out)["warnings"] if "has no voice" in text]


def test_notes_beside_recordings_that_are_not_read_are_told(
    angen: Cli, songs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (songs / "song 0.json").write_text(json.dumps({"key": "H moll"}))
    assert angen("prepare", songs, "--name", "mine") == 0
    assert "'H moll' is not read as a key" in capsys.readouterr().err


def test_models_are_listed(angen: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert angen("models", "list", "--json") == 0
    names = {model["name"] for model in json.loads(capsys.readouterr().out)}
    assert "ASLP-lab/DiffRhythm2" in names
    assert angen("models", "fetch", "mini") == 1
    assert angen("models", "fetch", "nonsense") == 1


def test_doctor_checks_recorded_numbers(angen: Cli, tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert angen("doctor", "--fixtures", tmp_path / "none") == 1


def test_doctor_looks_at_the_machine(angen: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    angen("doctor", "--json")
    facts = {fact["name"]: fact for fact in json.loads(capsys.readouterr().out)}
    assert facts["Python"]["good"]
    assert angen("doctor", "--base", "/nowhere") == 1
    assert "/nowhere" in capsys.readouterr().out


def test_debug_shows_the_traceback(angen: Cli, capsys: pytest.CaptureFixture[str]) -> None:
    assert angen("datasets", "show", "nothing") == 1
    assert "Traceback" not in capsys.readouterr().err
    assert angen("--debug", "datasets", "show", "nothing") == 1
    assert "Traceback" in capsys.readouterr().err


def test_faults_and_stops_have_their_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("angen 0")


def test_results_become_plain_json() -> None:
    values = {"a": Path("x"), "b": float("nan"), "c": (1, 2.5, float("inf")), "d": None}
    assert json.loads(json.dumps(plain(values))) == {
        "a": "x",
        "b": None,
        "c": [1, 2.5, None],
        "d": None,
    }


def test_errors_are_known() -> None:
    assert issubclass(Stopped, Exception)
    assert issubclass(BadInput, Exception)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_saves_and_says_how_to_go_on(
    angen: Cli,
    songs: Path,
    home: Path,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    assert angen("prepare", songs, "--name", "mine") == 0
    program = [sys.executable, "-m", "angen", "train", "--dataset", "mine", "--name", "lora"]
    folder = home / "models" / "loras" / "lora"
    with subprocess.Popen(
        [*program, "--max-steps", "100000", "--no-report"], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:  # ends with the process, should it die early
                if line.startswith("Training with"):
                    break
            time.sleep(1)
            process.send_signal(number)
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "angen train --resume" in said
    assert list((folder / "checkpoints").iterdir())
    assert json.loads((folder / "status.json").read_text())["state"] == "stopped"
    assert angen("train", "--resume", "lora", "--quote") == 2
    assert "recipe that was begun with" in capsys.readouterr().err


def test_the_log_ends_with_the_command(angen: Cli) -> None:
    before = logging.getLogger().handlers[:], logging.getLogger().level
    assert angen("--debug", "datasets", "list") == 0
    assert (logging.getLogger().handlers, logging.getLogger().level) == before
