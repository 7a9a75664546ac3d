"""Where things lie and on what they run: the only file that reads the environment.

ANGEN_HOME      everything that is made: adapters, datasets, songs      ~/angen
ANGEN_DEVICE    auto, cpu, cuda, cuda:1, mps                            auto
ANGEN_BASE      mini, a folder, or a fetched hub id                     mini
ANGEN_THREADS   processor threads for the model                         as torch decides
ANGEN_DATABASE_URL    where the queue lies: sqlite:///... or postgresql+psycopg://...
                                                                        ANGEN_HOME/jobs.db
ANGEN_MAX_UPLOAD_MB   largest recording or archive that is taken        1024
ANGEN_MAX_UPLOADS     recordings that are kept at once                  2000
ANGEN_KEPT_JOBS       jobs that stay in the list when they are over     1000
ANGEN_KEPT_DAYS       days that they stay there at most                 365
ANGEN_AUTH            user:password that `angen studio` asks for        none
ANGEN_TOKEN           token for programs: Authorization: Bearer ...     none
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from angen.errors import BadInput

PREFIX = "ANGEN_"
NOT_OURS = "ANGEN_TEST_"  # read by tests alone


class Settings(BaseModel):
    """What holds for every command of a session."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    home: Path = Path("~/angen")
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    base: Annotated[str, Field(min_length=1)] = "mini"
    threads: Annotated[int, Field(ge=1, le=1024)] | None = None
    database_url: Annotated[str, Field(min_length=1)] | None = None
    max_upload_mb: Annotated[int, Field(ge=1, le=1_000_000)] = 1024
    max_uploads: Annotated[int, Field(ge=1, le=100_000)] = 2000
    kept_jobs: Annotated[int, Field(ge=10, le=1_000_000)] = 1000
    kept_days: Annotated[int, Field(ge=1, le=100_000)] = 365
    auth: SecretStr | None = None
    token: SecretStr | None = None

    @property
    def database(self) -> str:
        """URL of the queue."""
        path = quote(str(self.home / "jobs.db"))  # a ? or % of a folder's name is none of a URL
        return self.database_url or f"sqlite:///{path}"

    @property
    def max_upload_bytes(self) -> int:
        """Largest file that is taken in."""
        return self.max_upload_mb * 1_000_000

    @property
    def loras(self) -> Path:
        """Adapters, a folder each."""
        return self.home / "models" / "loras"

    @property
    def bundles(self) -> Path:
        """Fetched base models."""
        return self.home / "models" / "bundles"

    @property
    def encoders(self) -> Path:
        """Fits of encoders to base models that lack one, a folder each."""
        return self.home / "models" / "encoders"

    @property
    def demucs(self) -> Path:
        """Weights of Demucs, which separates stems."""
        return self.home / "models" / "demucs"

    @property
    def spleeter(self) -> Path:
        """Weights of Spleeter, which separates stems."""
        return self.home / "models" / "separators" / "spleeter"

    @property
    def judge(self) -> Path:
        """Weights of the outside judge."""
        return self.home / "models" / "judge" / "musicnn"

    @property
    def datasets(self) -> Path:
        """Training sets, a folder each."""
        return self.home / "training_data"

    @property
    def user_uploads(self) -> Path:
        """All that is made of recordings before they are a dataset."""
        return self.datasets / "user_uploads"

    @property
    def uploads(self) -> Path:
        """Recordings as they came, a folder each."""
        return self.user_uploads / "files"

    @property
    def collections(self) -> Path:
        """Metadata tables, a file each."""
        return self.user_uploads / "collections"

    @property
    def clips(self) -> Path:
        """Clips cut outside of a dataset."""
        return self.user_uploads / "clips"

    @property
    def stems(self) -> Path:
        """Stems separated outside of a dataset."""
        return self.user_uploads / "stems"

    @property
    def outputs(self) -> Path:
        """Songs."""
        return self.home / "outputs"

    @property
    def making(self) -> Path:
        """Songs on their way, each named by its job."""
        return self.outputs / ".making"

    @property
    def exports(self) -> Path:
        """Archives to take away."""
        return self.home / "exports"

    @property
    def incoming(self) -> Path:
        """Archives that were brought and are not unpacked yet."""
        return self.home / "incoming"


def read_settings(
    environ: Mapping[str, str] | None = None,
    *,
    home: Path | None = None,
    device: str | None = None,
    base: str | None = None,
) -> Settings:
    """Settings from the environment; arguments that are given go before it.

    Raises BadInput that names an unknown variable or a value that does not fit.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, object] = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and not name.startswith(NOT_OURS) and value
    }
    given = {"home": home, "device": device, "base": base}
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise BadInput(_faults(error)) from error
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def _faults(error: ValidationError) -> str:
    known = ", ".join(PREFIX + name.upper() for name in Settings.model_fields)
    lines = []
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0])
        if fault["type"] == "extra_forbidden":
            lines.append(f"{PREFIX}{name.upper()} is no setting; known are {known}.")
        else:
            lines.append(f"{name}={fault['input']!r}: {fault['msg']}.")
    return " ".join(lines)
