"""What is stored of an uploaded picture."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageSequence

from massmail.forms import pictures
from massmail.forms.pictures import NotAPicture, rewritten

SECRET = "Keizersgracht 1"


def upload(kind: str, mode: str = "RGB", size: tuple[int, int] = (30, 20), **options):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **options)
    return buffer


def animation(kind: str) -> io.BytesIO:
    """A red stripe that moves over nothing."""
    frames = []
    for number in range(3):
        frame = Image.new("RGBA", (9, 9), (0, 0, 0, 0))
        frame.paste((255, 0, 0, 255), (number * 3, 0, number * 3 + 3, 9))
        frames.append(frame)
    buffer = io.BytesIO()
    options = {"disposal": 2} if kind == "GIF" else {"lossless": True}
    frames[0].save(
        buffer,
        kind,
        save_all=True,
        append_images=frames[1:],
        duration=[100, 200, 300],
        loop=0,
        **options,
    )
    return buffer


@pytest.mark.parametrize(
    ("kind", "mode", "mime_type", "suffix"),
    [
        ("PNG", "RGBA", "image/png", ".png"),
        ("PNG", "P", "image/png", ".png"),
        ("JPEG", "RGB", "image/jpeg", ".jpg"),
        ("JPEG", "CMYK", "image/jpeg", ".jpg"),
        ("MPO", "RGB", "image/jpeg", ".jpg"),
        ("GIF", "P", "image/gif", ".gif"),
        ("WEBP", "RGBA", "image/webp", ".webp"),
    ],
)
def test_the_bytes_decide_what_it_is(kind, mode, mime_type, suffix):
    picture = rewritten(upload(kind, mode))

    assert (picture.mime_type, picture.suffix) == (mime_type, suffix)
    assert (picture.width, picture.height) == (30, 20)
    assert Image.open(io.BytesIO(picture.content)).size == (30, 20)


def test_what_a_camera_wrote_into_it_is_gone():
    exif = Image.Exif()
    exif[0x010E] = SECRET

    file = upload("JPEG", exif=exif, comment=SECRET.encode())
    assert SECRET.encode() in file.getvalue()

    picture = rewritten(file)
    assert SECRET.encode() not in picture.content
    assert not Image.open(io.BytesIO(picture.content)).getexif()


def test_what_stands_behind_its_end_is_gone():
    file = upload("PNG")
    file.write(b"<script>alert(1)</script>")

    assert b"script" not in rewritten(file).content


def test_a_picture_that_lies_on_its_side_is_turned():
    exif = Image.Exif()
    exif[0x0112] = 6

    picture = rewritten(upload("JPEG", exif=exif))

    assert (picture.width, picture.height) == (20, 30)


def pixels_and_times(file: io.BytesIO) -> list[tuple[list[tuple], int]]:
    with Image.open(file) as image:
        return [
            (
                [frame.convert("RGBA").getpixel((x, 1))[3] for x in (1, 4, 7)],
                frame.info["duration"],
            )
            for frame in ImageSequence.Iterator(image)
        ]


@pytest.mark.parametrize("kind", ["GIF", "WEBP"])
def test_an_animation_goes_on_moving(kind):
    picture = rewritten(animation(kind))

    assert pixels_and_times(io.BytesIO(picture.content)) == [
        ([255, 0, 0], 100),
        ([0, 255, 0], 200),
        ([0, 0, 255], 300),
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"\x89PNG\r\n\x1a\n broken",
        upload("PNG").getvalue()[:45],
        upload("BMP").getvalue(),
        b"%PDF-1.7",
    ],
    ids=["empty", "svg", "broken", "cut off", "another format", "pdf"],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(NotAPicture, match="This is no PNG"):
        rewritten(io.BytesIO(content))


@pytest.mark.parametrize("size", [(6_400, 6_400), (10_001, 1)])
def test_a_small_file_with_a_huge_picture_is_refused(size):
    file = upload("PNG", "1", size)
    assert len(file.getvalue()) < 100_000

    with pytest.raises(NotAPicture, match="too many pixels"):
        rewritten(file)


@pytest.mark.parametrize("limit", [400, 200])
def test_what_pillow_itself_warns_of_or_refuses_is_refused(monkeypatch, limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)

    with pytest.raises(NotAPicture, match="too many pixels"):
        rewritten(upload("PNG"))


def test_an_animation_counts_with_all_its_frames(monkeypatch):
    monkeypatch.setattr(pictures, "MAX_PIXELS", 9 * 9 * 3 - 1)

    with pytest.raises(NotAPicture, match="too many pixels"):
        rewritten(animation("GIF"))
