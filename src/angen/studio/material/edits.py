"""A person's words and the machine's in one row: the person's go first, and stay."""

from angen.data.fields import CLEAR, coerced
from angen.data.manifest import EDITABLE, ClipMetadata
from angen.data.tables import described, with_values
from angen.studio.requests.material import MetadataEdit


def edited(
    metadata: ClipMetadata, heard: ClipMetadata, edit: MetadataEdit, file: str
) -> ClipMetadata:
    """``metadata`` of the clip ``file`` with a person's values.

    Raises BadInput that names clip and field.
    """
    given = edit.given()
    back = {name for name, value in given.items() if value is None}
    if back:
        restored = {name: getattr(heard, name) for name in back}
        kept = tuple(name for name in metadata.edited if name not in back)
        metadata = metadata.model_copy(update=restored | {"edited": kept})
    values = {
        name: CLEAR if coerced(name, value) in ("", ()) else value
        for name, value in given.items()
        if value is not None
    }
    return described(with_values(metadata, values, file), heard)


def heard_anew(metadata: ClipMetadata, heard: ClipMetadata) -> ClipMetadata:
    """What the machine hears, but for the fields that a person has written."""
    kept = {name: getattr(metadata, name) for name in EDITABLE if name in metadata.edited}
    kept |= {"edited": metadata.edited, "other": metadata.other}
    return described(heard.model_copy(update=kept), heard)
