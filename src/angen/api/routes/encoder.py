"""The encoder that a released base model lacks: fitted, checked, published."""

from typing import Annotated, Any

from fastapi import APIRouter
from fastapi import Path as PathParameter
from fastapi.responses import FileResponse

from angen.api.bodies import Body
from angen.api.deps import DeskDep, named
from angen.api.files import CHECK_MEDIA, ZIP, served
from angen.api.problems import faults
from angen.api.views import QUEUED, EncoderList, EncoderView
from angen.jobs.job import Job
from angen.studio.requests.encoder import (
    CheckEncoderRequest,
    FitEncoderRequest,
    PublishEncoderRequest,
    QuoteEncoderRequest,
)

router = APIRouter(prefix="/api/encoder", tags=["encoder"])
EncoderId = Annotated[
    str, named("encoder (`id` in the list)", "ASLP-lab--DiffRhythm2-3f9a4c1b2d7e")
]


@router.get("", response_model=EncoderList, responses=faults())
def list_encoders(desk: DeskDep) -> dict[str, Any]:
    """Base models that are here: which lack an encoder, how fits stand, what checks found."""
    return {"encoders": [EncoderView.of(info) for info in desk.encoders()]}


@router.post("/quote", **QUEUED)
def quote_fit(request: Body[QuoteEncoderRequest], desk: DeskDep) -> Job:
    """How long a fit would take, how much memory and disk, from a few measured pieces of it."""
    return desk.quote_encoder(request)


@router.post("/fit", **QUEUED)
def fit_encoder(request: Body[FitEncoderRequest], desk: DeskDep) -> Job:
    """Fit an encoder to the decoder of a base model; a fit that was begun is gone on with.

    Cancel the job to stop it: songs and steps are saved. Retry it, and it goes on.
    """
    return desk.fit_encoder(request)


@router.post("/check", **QUEUED)
def check_encoder(request: Body[CheckEncoderRequest], desk: DeskDep) -> Job:
    """Is a fitted encoder good enough to train with? A verdict, and a page with sounds."""
    return desk.check_encoder(request)


@router.post("/publish", **QUEUED)
def publish_encoder(request: Body[PublishEncoderRequest], desk: DeskDep) -> Job:
    """Pack a fitted encoder with its card, ready for a hub."""
    return desk.publish_encoder(request)


@router.get("/check/{encoder}/{file:path}", response_class=FileResponse, responses=CHECK_MEDIA)
def check_file(
    encoder: EncoderId,
    file: Annotated[
        str,
        PathParameter(
            description="check.html, check.json, or a sound of sounds/.",
            min_length=1,
            max_length=200,
            examples=["check.html"],
        ),
    ],
    desk: DeskDep,
) -> FileResponse:
    """The newest check of an encoder: its page, its figures, its sounds."""
    return served(desk.settings.home, desk.encoder_check_file(encoder, file))


@router.get("/{encoder}/export", response_class=FileResponse, responses=ZIP)
def published_encoder(encoder: EncoderId, desk: DeskDep) -> FileResponse:
    """A published encoder as one .zip: encoder.json, encoder.safetensors and the card."""
    path = desk.published_encoder(encoder)
    return served(desk.settings.home, path, name=f"{encoder}.zip", show="attachment")
