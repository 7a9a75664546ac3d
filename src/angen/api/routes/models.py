"""Base models: which there are, and fetching one."""

from typing import Any

from fastapi import APIRouter

from angen.api.bodies import Body
from angen.api.deps import DeskDep
from angen.api.problems import faults
from angen.api.views import JobView, ModelList
from angen.jobs.job import Job
from angen.studio.requests.models import FetchRequest

router = APIRouter(prefix="/api/models", tags=["models"])


@router.get("", response_model=ModelList, responses=faults())
def list_models(desk: DeskDep) -> dict[str, Any]:
    """Base models, here or to be had."""
    return {"models": desk.models(), "default": desk.settings.base}


@router.post(
    "/fetch",
    status_code=202,
    response_model=JobView,
    responses=faults(409, 413, 415, 507),
)
def fetch_model(request: Body[FetchRequest], desk: DeskDep) -> Job:
    """Fetch a base model from the Hugging Face hub, or what pip delivers: spleeter, musicnn."""
    return desk.fetch(request)
