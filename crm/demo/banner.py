"""The newsletter's picture, drawn when the demo is loaded."""

from __future__ import annotations

import io
import math

from PIL import Image, ImageDraw

WIDTH, HEIGHT = 1200, 400
# Drawn larger and scaled down, which smooths the edges.
SCALE = 2
COLOURS = 48

SKY = ((247, 222, 176), (243, 196, 140), (236, 168, 112))
SUN, HALO = (250, 238, 205), (247, 214, 158)
# Colour, height of the ridge, swing, waves over the width, phase.
HILLS = (
    ((178, 166, 118), 0.52, 0.10, 1.3, 0.4),
    ((126, 144, 104), 0.62, 0.09, 1.7, 2.1),
    ((74, 112, 88), 0.72, 0.08, 1.1, 4.0),
    ((44, 82, 69), 0.83, 0.06, 1.9, 1.2),
    ((31, 61, 54), 0.93, 0.04, 1.4, 3.3),
)
BIRDS = ((0.18, 0.20, 26), (0.23, 0.27, 18), (0.29, 0.17, 14))


def banner_png() -> bytes:
    """1200 × 400 pixels, to be shown at 600 × 200; some 15 kB."""
    size = (WIDTH * SCALE, HEIGHT * SCALE)
    image = Image.new("RGB", size)
    draw = ImageDraw.Draw(image)
    draw_sky(draw, size)
    draw_birds(draw, size)
    for hill in HILLS:
        draw_hill(draw, size, *hill)
    smooth = image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    palette = smooth.quantize(COLOURS, dither=Image.Dither.NONE)
    stream = io.BytesIO()
    palette.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def draw_sky(draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    """Three bands of dawn, and the sun with its halo."""
    width, height = size
    for number, colour in enumerate(SKY):
        top = height * number * 2 // 9
        draw.rectangle((0, top, width, height), fill=colour)
    centre, middle = width * 0.68, height * 0.46
    for radius, colour in ((height * 0.33, HALO), (height * 0.22, SUN)):
        box = (centre - radius, middle - radius, centre + radius, middle + radius)
        draw.ellipse(box, fill=colour)


def draw_hill(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    colour: tuple[int, int, int],
    level: float,
    swing: float,
    waves: float,
    phase: float,
) -> None:
    width, height = size
    ridge = [
        (x, height * (level + swing * slope(x / width * waves, phase)))
        for x in range(0, width + 1, 4)
    ]
    draw.polygon([(0, height), *ridge, (width, height)], fill=colour)


def slope(turns: float, phase: float) -> float:
    """Between -1 and 1; two waves, so that no ridge looks like a sine."""
    angle = turns * math.tau + phase
    return 0.7 * math.sin(angle) + 0.3 * math.sin(2.3 * angle + phase)


def draw_birds(draw: ImageDraw.ImageDraw, size: tuple[int, int]) -> None:
    width, height = size
    for x, y, wing in BIRDS:
        left, top, span = x * width, y * height, wing * SCALE
        for start, angles in ((left - span, (200, 350)), (left, (190, 340))):
            box = (start, top, start + span, top + span * 0.7)
            draw.arc(box, *angles, fill=HILLS[-1][0], width=3 * SCALE)
