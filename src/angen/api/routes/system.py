"""Whether the server answers, and what it is."""

import platform
from importlib.metadata import version

from fastapi import APIRouter

from angen.api.problems import faults
from angen.api.views import Health, Version

router = APIRouter(prefix="/api", tags=["server"])


@router.get("/health", response_model=Health, responses=faults())
async def health() -> Health:
    """Answers as soon as the server does."""
    return Health()


@router.get("/version", response_model=Version, responses=faults())
async def show_version() -> Version:
    """What runs."""
    return Version(angen=version("angen"), python=platform.python_version())
