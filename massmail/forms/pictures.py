"""Uploaded pictures, decided by their bytes and written anew.

What is stored was made here: no comments, places or thumbnails of a camera, nothing
behind the picture's end, and no format that could carry scripts.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, Any

from django.utils.translation import gettext as _
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

# Of all frames together: what one worker may hold in memory for one upload.
MAX_PIXELS = 40_000_000
MAX_FRAMES = 200
MAX_SIDE = 10_000
ANIMATED = ("GIF", "WEBP")
BROKEN = (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError)
# Pillow warns of the smaller ones, which is an error where warnings are.
BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Format:
    """How a format that mail programs show is written."""

    mime_type: str
    suffix: str
    modes: frozenset[str]  # that it can store; others become the fallback
    fallback: str
    options: dict[str, Any]


FORMATS = {
    "PNG": Format(
        "image/png",
        ".png",
        frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}),
        "RGBA",
        {"optimize": True},
    ),
    "JPEG": Format(
        "image/jpeg",
        ".jpg",
        frozenset({"L", "RGB"}),
        "RGB",
        {"quality": 88, "optimize": True, "progressive": True},
    ),
    "GIF": Format(
        "image/gif",
        ".gif",
        frozenset({"P", "RGBA"}),
        "RGBA",
        {"optimize": True},
    ),
    "WEBP": Format(
        "image/webp", ".webp", frozenset({"RGB", "RGBA"}), "RGBA", {"quality": 88}
    ),
}


class NotAPicture(ValueError):
    """The upload cannot be used; the text says why."""


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored."""

    content: bytes
    mime_type: str
    suffix: str
    width: int
    height: int


def rewritten(file: IO[bytes]) -> Picture:
    """The upload as a picture of our own making; raises `NotAPicture`."""
    try:
        with Image.open(file, formats=list(FORMATS)) as picture:
            require_reasonable(picture)
            return written(picture, format_of(picture))
    except BOMBS as error:
        raise NotAPicture(_("The picture has too many pixels.")) from error
    except BROKEN as error:
        if isinstance(error, NotAPicture):
            raise
        raise NotAPicture(_("This is no PNG, JPEG, GIF or WebP picture.")) from error


def format_of(picture: Image.Image) -> str:
    """What it is stored as; telephones hide a second picture behind a JPEG."""
    found = picture.format or ""
    return "JPEG" if found == "MPO" else found


def require_reasonable(picture: Image.Image) -> None:
    """Before a single pixel is unpacked: small files can hold huge pictures."""
    frames = getattr(picture, "n_frames", 1)
    pixels = picture.width * picture.height * frames
    if pixels > MAX_PIXELS or max(picture.size) > MAX_SIDE:
        raise NotAPicture(_("The picture has too many pixels."))
    if frames > MAX_FRAMES:
        raise NotAPicture(_("The picture has too many frames."))


def written(picture: Image.Image, name: str) -> Picture:
    written_as = FORMATS[name]
    frames = []
    durations = []
    for frame in ImageSequence.Iterator(picture):
        frames.append(plain(frame, written_as))
        durations.append(frame.info.get("duration", 100))  # milliseconds
    options = dict(written_as.options)
    if len(frames) > 1 and name in ANIMATED:
        options |= {
            "save_all": True,
            "append_images": frames[1:],
            "duration": durations,
            # Each frame is whole: it replaces the one before, also where it is clear.
            **({"disposal": 2} if name == "GIF" else {}),
            **{key: picture.info[key] for key in ("loop",) if key in picture.info},
        }
    buffer = io.BytesIO()
    frames[0].save(buffer, name, **options)
    return Picture(
        buffer.getvalue(), written_as.mime_type, written_as.suffix, *frames[0].size
    )


def plain(frame: Image.Image, written_as: Format) -> Image.Image:
    """Turned upright, in a mode that the format has, without anything besides."""
    upright = ImageOps.exif_transpose(frame)
    if upright.mode not in written_as.modes:
        upright = upright.convert(written_as.fallback)
    kept: dict[str | tuple[int, int], Any] = {
        name: upright.info[name]
        for name in ("transparency", "icc_profile")
        if name in upright.info
    }
    if frame.mode == "CMYK":
        kept.pop("icc_profile", None)  # of the colours that it no longer has
    result = upright.copy()
    result.info = kept
    return result
