"""Is this machine fit? One fact a line, each with its remedy."""

import platform
import shutil
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.util import find_spec

import torch

from angen.audio.demucs import is_here
from angen.audio.spleeter_weights import FILE as SPLEETER
from angen.conditioning.lyrics import encode_lyrics
from angen.errors import AngenError
from angen.judge.weights import FILE
from angen.studio.base import device_of, open_base
from angen.studio.settings import Settings

PYTHONS = ((3, 11), (3, 14))  # from, and before
MIN_FREE_GB = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """Something looked at."""

    name: str
    good: bool
    found: str
    remedy: str = ""


def check_machine(settings: Settings) -> list[Fact]:
    """What matters on this machine, good or not. Optional parts that are absent are no fault."""
    return [
        _python(),
        Fact(
            name="torch", good=True, found=f"{torch.__version__}, {torch.get_num_threads()} threads"
        ),
        _tried("device", lambda: device_of(settings)),
        _disk(settings),
        _tried(f"base {settings.base}", lambda: _base(settings)),
        _english(),
        _japanese(),
        _stems(settings),
        _judge(settings),
    ]


def _python() -> Fact:
    good = PYTHONS[0] <= sys.version_info[:2] < PYTHONS[1]
    return Fact(
        name="Python",
        good=good,
        found=f"{platform.python_version()} on {platform.system()} {platform.machine()}",
        remedy="" if good else "Use Python 3.11, 3.12 or 3.13.",
    )


def _disk(settings: Settings) -> Fact:
    there = next(path for path in (settings.home, *settings.home.parents) if path.exists())
    free = shutil.disk_usage(there).free / 1e9
    good = free >= MIN_FREE_GB
    return Fact(
        name="home",
        good=good,
        found=f"{settings.home}, {free:.1f} GB free",
        remedy="" if good else "Free some space, or set ANGEN_HOME to another disk.",
    )


def _base(settings: Settings) -> str:
    bundle = open_base(settings)
    weights = sum(parameter.numel() for parameter in bundle.dit.parameters())
    return f"{weights / 1e6:.1f} million weights, {bundle.sample_rate_hz} Hz"


def _english() -> Fact:
    name = "English lyrics (optional)"
    if find_spec("espeakng_loader") is None and find_library("espeak-ng") is None:
        return _absent(name, "espeak-ng", "espeak")
    return _tried(name, lambda: f"{len(encode_lyrics('hello world').tokens)} tokens")


def _japanese() -> Fact:
    name = "Japanese lyrics (optional)"
    if find_spec("janome") is None:
        return _absent(name, "Janome", "japanese")
    return _tried(name, lambda: f"{len(encode_lyrics('こんにちは').tokens)} tokens")


def _stems(settings: Settings) -> Fact:
    name, spleeter = "stems (optional)", (settings.spleeter / SPLEETER).is_file()
    if is_here(settings.demucs):
        return Fact(name=name, good=True, found="Demucs: vocals, drums, bass and the rest")
    if spleeter:
        return Fact(name=name, good=True, found="Spleeter: vocals and accompaniment")
    remedy = "angen models fetch spleeter"
    return Fact(name=name, good=True, found="no separator", remedy=remedy)


def _absent(name: str, program: str, extra: str) -> Fact:
    found, remedy = f"{program} is not installed", f"pip install 'angen[{extra}]'"
    return Fact(name=name, good=True, found=found, remedy=remedy)


def _judge(settings: Settings) -> Fact:
    there = (settings.judge / FILE).is_file()
    return Fact(
        name="outside judge (optional)",
        good=True,
        found="here" if there else "not fetched",
        remedy="" if there else "angen models fetch musicnn",
    )


def _tried(name: str, look: Callable[[], str]) -> Fact:
    try:
        return Fact(name=name, good=True, found=look())
    except AngenError as error:
        return Fact(name=name, good=False, found="missing or damaged", remedy=str(error))
