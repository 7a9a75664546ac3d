"""The way from recordings to an adapter. What takes long is queued: the answer is 202 and a job."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from angen.api.bodies import Body
from angen.api.deps import DeskDep, Following
from angen.api.problems import faults
from angen.api.views import QUEUED, JobView, TrainingNowView
from angen.jobs.job import Job
from angen.studio.learning.trainings import TrainingNow
from angen.studio.requests.material import (
    AnalyzeRequest,
    PrepareRequest,
    SplitRequest,
    StemsRequest,
)
from angen.studio.requests.training import QuoteRequest, ResumeRequest, TrainRequest

router = APIRouter(prefix="/api/training", tags=["training"])


class StopRequest(BaseModel):
    """Which training to stop."""

    model_config = ConfigDict(extra="forbid")

    job: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9_-]{1,64}$",
            description="Id of its job; null: the one that runs.",
        ),
    ] = None


THE_ONE = StopRequest()


@router.post("/analyze-audio", **QUEUED)
def analyze_audio(request: Body[AnalyzeRequest], desk: DeskDep) -> Job:
    """Listen to recordings, cut them into clips, and fill a metadata table."""
    return desk.analyze(request)


@router.post("/split-audio", **QUEUED)
def split_audio(request: Body[SplitRequest], desk: DeskDep) -> Job:
    """Cut recordings into clips on musical boundaries."""
    return desk.split(request)


@router.post("/separate-stems", **QUEUED)
def separate_stems(request: Body[StemsRequest], desk: DeskDep) -> Job:
    """Take recordings apart: vocals and accompaniment, or vocals, drums, bass and the rest."""
    return desk.separate_stems(request)


@router.post("/prepare-dataset", **QUEUED)
def prepare_dataset(request: Body[PrepareRequest], desk: DeskDep, after: Following = ()) -> Job:
    """Make a training set from a metadata table, or at once from recordings."""
    return desk.prepare(request, after)


@router.post("/quote", **QUEUED)
def quote_training(request: Body[QuoteRequest], desk: DeskDep) -> Job:
    """How long a training would take and how much memory, from a few measured steps."""
    return desk.quote(request)


@router.post("/train-lora", **QUEUED)
def train_lora(request: Body[TrainRequest], desk: DeskDep, after: Following = ()) -> Job:
    """Train an adapter on a dataset, then measure what it does."""
    return desk.train(request, after)


@router.post("/resume-training", **QUEUED)
def resume_training(request: Body[ResumeRequest], desk: DeskDep) -> Job:
    """Go on with a training that was stopped, from its newest checkpoint."""
    return desk.resume(request)


@router.post("/stop-training", response_model=JobView, responses=faults(404, 409, 413, 415))
def stop_training(desk: DeskDep, request: Body[StopRequest] = THE_ONE) -> Job:
    """Stop a training at its next step; it saves a checkpoint first, and can be resumed."""
    return desk.stop_training(request.job)


@router.get("/training-status", response_model=TrainingNowView, responses=faults())
def training_status(desk: DeskDep) -> TrainingNow:
    """How the trainings go or went."""
    found = desk.training_status()
    desk.store.hear()  # of what was just read: answers that were kept are given up
    return found
