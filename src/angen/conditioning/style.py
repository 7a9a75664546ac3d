"""Style vectors: 512 numbers for a sentence or a recording, in one space.

``mini`` brings this small encoder. The released model was trained on the vectors of
MuQ-MuLan (``conditioning.mulan``).

A vector is a learned meaning beside fixed codes of tempo and key (``codes``) and of instruments
(``instruments``), side by side as ``vector`` says. For each frame of a song it may be joined by
what ``telling`` adds: its beats, in the tempo that it asks for, and its end.

Shapes: B items, S samples, T frames, W words, E = 512.

Source: the two-tower idea and its loss are those of Radford et al. 2021, CLIP, arXiv:2103.00020.
"""

import math
import re
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from angen.conditioning.codes import (
    TEMPO_CODE,
    key_codes,
    tempo_codes,
    tempo_of_code,
    text_codes,
)
from angen.conditioning.figures import FASTEST, KEYS, SLOWEST, without_figures
from angen.conditioning.instruments import INSTRUMENT_CODE, instrument_code
from angen.conditioning.telling import song_line
from angen.conditioning.vector import MEANING, STYLE_WIDTH, TEMPO_PLACES, composed
from angen.errors import BadInput, Incompatible, MissingWeights
from angen.mel import LogMel
from angen.tensors import (
    config_of,
    filled,
    read_json,
    read_tensors,
    write_json,
    write_tensors,
)

STYLE_CONFIG, STYLE_FILE = "style.json", "style.safetensors"
WORDS = "words"  # the kind of encoder
WORD = re.compile(r"[0-9]+|[a-z]+[#♯♭]?|[^\x00-\x7f\W]+")
PULSE_LAGS = 112
LAGS_S = (0.2, 2.42)
LONGEST_S = 60.0  # of a recording; a longer one is heard in its middle


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleConfig:
    """Fields of ``style.json`` beside ``"kind": "words"``."""

    rate_hz: int
    fft_samples: int
    hop_samples: int
    bands: int
    audio_width: int
    audio_strides: tuple[int, ...]
    text_buckets: int
    text_width: int
    text_hidden: int
    timeline: bool = False  # whether the DiT beside it learned with timelines

    def __post_init__(self) -> None:
        if self.bands % 4:
            raise ValueError(f"bands={self.bands} must be a multiple of 4")
        if self.hop_samples > self.fft_samples:
            raise ValueError(
                f"hop_samples={self.hop_samples} skips sound: fft_samples={self.fft_samples}"
            )


def pieces(text: str, buckets: int) -> list[int]:
    """A text as hashed features: its words, pairs of neighbours, and letter triples of long words.

    Stable across machines and versions: the hash is CRC-32. Upper and lower case are one.
    """
    words = WORD.findall(text.lower())
    names = [f"1:{word}" for word in words]
    names += [f"2:{a} {b}" for a, b in pairwise(words)]
    for word in words:
        if len(word) > 4:
            framed = f"<{word}>"
            names += [f"3:{framed[i : i + 3]}" for i in range(len(framed) - 2)]
    return [zlib.crc32(name.encode()) % buckets for name in names]


class TextTower(nn.Module):
    """Sentences -> (B, 512), not normalised.

    The meaning is the mean of the features' vectors, then an MLP; tempo, key and instruments are
    read.
    """

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self.buckets = config.text_buckets
        self.words = nn.Embedding(config.text_buckets, config.text_width)
        self.hidden = nn.Linear(config.text_width, config.text_hidden)
        self.leave = nn.Linear(config.text_hidden, MEANING)

    def forward(self, texts: Sequence[str]) -> Tensor:
        """Each text by itself: its neighbours in the batch change nothing, not even a rounding."""
        device = self.words.weight.device
        means, tempi, keys, players = [], [], [], []
        for text in texts:
            found = pieces(without_figures(text), self.buckets)
            vectors = self.words(torch.tensor(found, dtype=torch.long, device=device))
            means.append(vectors.sum(0) / math.sqrt(max(1, len(found))))
            tempo, key = text_codes(text)
            tempi.append(tempo)
            keys.append(key)
            players.append(instrument_code(text))
        meaning = self.leave(functional.gelu(self.hidden(torch.stack(means))))
        read = [torch.stack(codes).to(device) for codes in (tempi, keys, players)]
        return composed(meaning, *read)


class AudioBlock(nn.Module):
    """Residual convolution over time with a norm per frame: (B, C, T) -> (B, C, T)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.over_time = nn.Conv1d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T) -> (B, C, T)."""
        normed = self.norm(x.transpose(1, 2)).transpose(1, 2)
        mixed: Tensor = self.over_time(functional.gelu(normed))
        return x + mixed


def chroma_filters(rate_hz: int, fft_samples: int) -> Tensor:
    """Which pitch class each bin of 100 to 2000 Hz sounds: (12, fft_samples // 2 + 1), A first."""
    bins_hz = torch.linspace(0, rate_hz / 2, fft_samples // 2 + 1)
    pitch = 12 * (bins_hz.clamp_min(1) / 440).log2()  # semitones from A
    away = (pitch - torch.arange(12)[:, None] + 6) % 12 - 6  # (12, bins) semitones
    heard = (bins_hz > 100) & (bins_hz < 2000)
    return (-0.5 * (away / 0.4).square()).exp() * heard


def pulse_features(mel: Tensor, rate_hz: float) -> Tensor:
    """How the onsets of log-mels (B, bands, T) repeat: (B, 4 * PULSE_LAGS), about -1 to 1.

    The autocorrelation of four groups of bands' onsets, at lags from 0.2 to 2.42 s. Convolutions
    and a mean over time would have to learn this from scratch.
    """
    rise = (mel[:, :, 1:] - mel[:, :, :-1]).clamp_min(0)  # (B, bands, T - 1)
    batch, bands, frames = rise.shape
    onsets = rise.reshape(batch, 4, bands // 4, frames).mean(2)  # (B, 4, T - 1)
    onsets = onsets - onsets.mean(2, keepdim=True)
    lags = torch.linspace(*LAGS_S, PULSE_LAGS, device=mel.device) * rate_hz
    size = 2 * max(onsets.shape[2], int(lags[-1]) + 2)
    power = torch.fft.rfft(onsets, size).abs().square()
    products = torch.fft.irfft(power, size)  # (B, 4, size)
    ratio = products[:, :, lags.round().long()] / (products[:, :, :1] + 1e-6)
    features: Tensor = ratio.flatten(1)
    return features


class Answers(NamedTuple):
    """What the sound tower makes of B sounds."""

    meaning: Tensor  # (B, MEANING)
    tempo: Tensor  # (B, TEMPO_CODE) scores
    key: Tensor  # (B, KEYS) scores
    instruments: Tensor  # (B, INSTRUMENT_CODE) log-odds


class AudioTower(nn.Module):
    """Waveform (B, S) at the config's rate -> (B, 512), not normalised.

    What convolutions hear over time, its mean and spread, beside three summaries that need no
    learning: the mean spectrum, the pitch classes and the pulse.
    """

    chroma: Tensor

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self.mel = LogMel(
            rate_hz=config.rate_hz,
            fft_samples=config.fft_samples,
            hop_samples=config.hop_samples,
            bands=config.bands,
        )
        self.frame_hz = config.rate_hz / config.hop_samples
        chroma = chroma_filters(config.rate_hz, config.fft_samples)
        self.register_buffer("chroma", chroma, persistent=False)
        width = config.audio_width
        self.enter = nn.Conv1d(config.bands, width, 5, padding=2)
        layers: list[nn.Module] = []
        for stride in config.audio_strides:
            layers += [nn.Conv1d(width, width, stride, stride=stride), AudioBlock(width)]
        self.layers = nn.Sequential(*layers)
        summary = 2 * width + config.bands + 12 + 4 * PULSE_LAGS
        self.hidden = nn.Linear(summary, 3 * width)
        self.leave = nn.Linear(3 * width, MEANING)
        self.tempo = nn.Linear(3 * width, TEMPO_CODE)
        self.key = nn.Linear(3 * width, KEYS)
        self.instruments = nn.Linear(3 * width, INSTRUMENT_CODE)

    def hear(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """Waveform (B, S) -> log-mels (B, bands, T) and pitch classes (B, 12, T)."""
        spectrum = self.mel.spectrum(audio)  # (B, bins, T)
        return self.mel.bands(spectrum), self.chroma @ spectrum.sqrt()

    def answers(self, mel: Tensor, pitches: Tensor) -> Answers:
        """What ``hear`` gives -> meaning, and scores of tempi, of keys and of instruments.

        Level does not matter: the mean is taken away.
        """
        mel = mel / 2.5
        mel = mel - mel.mean((1, 2), keepdim=True)
        key = pitches.mean(2)  # (B, 12)
        key = functional.normalize(key - key.mean(1, keepdim=True), dim=1) * 3
        x = self.layers(self.enter(mel))  # (B, width, T / strides)
        heard = [x.mean(2), x.std(2, correction=0), mel.mean(2), key]
        summary = torch.cat([*heard, pulse_features(mel, self.frame_hz)], dim=1)
        hidden = functional.gelu(self.hidden(summary))
        return Answers(
            meaning=self.leave(hidden),
            tempo=self.tempo(hidden),
            key=self.key(hidden),
            instruments=self.instruments(hidden),
        )

    def vector(self, answers: Answers) -> Tensor:
        """The answers as (B, 512): of tempo, key and instruments, the mean of what may be."""
        tempo = answers.tempo.softmax(1) @ tempo_codes().to(answers.tempo)
        key = answers.key.softmax(1) @ key_codes().to(answers.key)
        return composed(answers.meaning, tempo, key, answers.instruments.sigmoid())

    def judge(self, mel: Tensor, pitches: Tensor) -> Tensor:
        """What ``hear`` gives -> (B, 512)."""
        return self.vector(self.answers(mel, pitches))

    def forward(self, audio: Tensor) -> Tensor:
        """Waveform (B, S) -> (B, 512)."""
        return self.judge(*self.hear(audio))


class StyleEncoder(nn.Module):
    """Texts and recordings to unit vectors of 512 numbers whose cosine says how well they agree."""

    usual_tempo: Tensor

    def __init__(self, config: StyleConfig) -> None:
        super().__init__()
        self.config = config
        self.text = TextTower(config)
        self.audio = AudioTower(config)
        if config.timeline:
            # weights and, last, bias of a meaning's usual tempo, the logarithm of beats per minute
            self.register_buffer("usual_tempo", torch.zeros(MEANING + 1))

    def tempo_of(self, vector: Tensor) -> float | None:
        """The tempo that a style vector (512,) asks for, in beats per minute.

        Where it names none, the one that is usual for what it means; None for a vector of zeros.
        """
        named = tempo_of_code(vector[TEMPO_PLACES])
        if named is not None or not float(vector[:MEANING].norm()):
            return named
        meaning = functional.normalize(vector[:MEANING].float(), dim=0)
        usual = self.usual_tempo.to(meaning)
        return min(FASTEST, max(SLOWEST, float((usual[:-1] @ meaning + usual[-1]).exp())))

    def timeline(
        self,
        vector: Tensor,
        frames: int,
        rate_hz: float,
        *,
        rows: int | None = None,
        ends: bool = False,
        loud: bool = True,
    ) -> Tensor | None:
        """What the frames of a song add to its vector (512,): (rows, 512); None for nothing.

        rows: how many are wanted, where the last block is longer than the song. ends: whether it
        shall be over with its last frame. loud: see ``telling.song_line``.
        """
        if not self.config.timeline:
            return None
        bpm, rows = self.tempo_of(vector), frames if rows is None else rows
        return song_line(vector, frames, rate_hz, rows=rows, bpm=bpm, ends=ends, loud=loud)

    def embed_text(self, texts: Sequence[str]) -> Tensor:
        """Sentences -> (B, 512) of length 1; no sentences give (0, 512)."""
        if not texts:
            return torch.zeros(0, STYLE_WIDTH)
        return torch.cat([functional.normalize(self.text([text]), dim=1) for text in texts])

    def embed_audio(self, audio: Tensor | NDArray[np.float32], rate_hz: int) -> Tensor:
        """Mono audio (S,) at any rate -> (512,) of length 1.

        Of more than a minute the middle minute is heard; a clip under a second is completed
        with silence. Raises BadInput for samples that are not numbers.
        """
        samples = np.asarray(audio, dtype=np.float32)
        if samples.ndim != 1:
            raise ValueError(f"embed_audio needs mono audio (S,), got shape {samples.shape}")
        if not np.isfinite(samples).all():
            raise BadInput("The recording has samples that are not numbers (NaN or infinite).")
        spare = len(samples) - round(LONGEST_S * rate_hz)
        if spare > 0:
            samples = samples[spare // 2 : len(samples) - (spare - spare // 2)]
        heard = soxr.resample(samples, rate_hz, self.config.rate_hz)
        heard = np.pad(heard, (0, max(0, self.config.rate_hz - len(heard))))
        weights = next(self.parameters())
        x = torch.from_numpy(heard).to(weights.device)[None]  # (1, S)
        return functional.normalize(self.audio(x), dim=1)[0]


def save_style(style: StyleEncoder, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write ``style.json`` and ``style.safetensors`` into ``folder``."""
    tensors = {name: tensor.to(dtype) for name, tensor in style.state_dict().items()}
    write_tensors(folder / STYLE_FILE, tensors)
    write_json(folder / STYLE_CONFIG, {"kind": WORDS, **asdict(style.config)})


def load_style(folder: Path, device: torch.device | str = "cpu") -> StyleEncoder:
    """The style encoder of the bundle in ``folder``, in float32, ready for use.

    Raises MissingWeights where the bundle brings none, as the released model does, and
    Incompatible where its files do not fit together.
    """
    if not (folder / STYLE_CONFIG).exists():
        raise MissingWeights(
            f"{folder} has no {STYLE_CONFIG}. The released DiffRhythm 2 takes its style vectors "
            "from MuQ-MuLan: `angen models fetch` adds it to a fetched base. Or use the "
            "bundled `mini`."
        )
    config, path = folder / STYLE_CONFIG, folder / STYLE_FILE
    values = read_json(config)
    if (kind := values.pop("kind", None)) != WORDS:
        raise Incompatible(f"{config}: unknown kind of style encoder {kind!r}")
    network = partial(StyleEncoder, config_of(StyleConfig, str(config), values))
    style = filled(network, config, path, read_tensors(path))
    return style.to(device).requires_grad_(False)
