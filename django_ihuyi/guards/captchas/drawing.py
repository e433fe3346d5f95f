"""Draw the letters of a captcha so that people read them, and programs for printed text do not.

Letters touch, lean and are bent. Where two of them, or a letter and the line, lie on each other, the picture is white:
no filter can take the line away without taking a part of each letter.
"""

from __future__ import annotations

import hashlib
import io
import math
import secrets
import struct

from PIL import Image, ImageChops, ImageDraw, ImageFont

#: Without letters that look like another one when they lean and touch.
LETTERS = "ADFGHLMRSTUWXZ"

# Parts of the font's size, and degrees.
_SIZES = (0.95, 1.2)
_BOLD = 0.03
_LEANING = (-22, 22)
_OVERLAP = (0.1, 0.18)
_SHIFT = (-0.15, 0.15)
_LINE = 0.08
_BEND = 0.07
_BEND_LENGTH = (0.9, 1.6)
#: Pixels of a side of the squares that are bent.
_SQUARE = 6


def choose_letters(length: int) -> str:
    """Return random letters."""
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def draw(text: str, *, seed: bytes, font: str, size: int, ink: str, paper: str) -> bytes:
    """Return a PNG of the text. The same seed draws the same picture: many pictures of one text would tell it."""
    chance = _Chance(seed)
    shape = _draw_letters(text, chance, font, size)
    shape = _bend(ImageChops.difference(shape, _draw_line(shape.size, chance, size)), chance, size)
    picture = Image.new("RGBA", shape.size, (0, 0, 0, 0) if paper == "transparent" else paper)
    picture.paste(ink, mask=shape)
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


class _Chance:
    """Numbers that only the holder of the seed can know."""

    def __init__(self, seed: bytes) -> None:
        # 256 numbers: a text of 32 letters, the longest that the package stores, needs about 140.
        self._numbers = struct.iter_unpack(">I", hashlib.shake_256(seed).digest(1024))

    def uniform(self, least: float, most: float) -> float:
        return float(least + (most - least) * next(self._numbers)[0] / 2**32)


def _draw_letters(text: str, chance: _Chance, font: str, size: int) -> Image.Image:
    height = int(1.8 * size)
    shape = Image.new("L", (size * (len(text) + 2), height))
    left = size // 3
    for letter in text:
        cell = Image.new("L", (2 * size, height))
        ImageDraw.Draw(cell).text(
            (size, height / 2),
            letter,
            font=ImageFont.truetype(font, size * chance.uniform(*_SIZES)),
            fill=255,
            anchor="mm",
            stroke_width=round(size * _BOLD),
        )
        cell = cell.rotate(chance.uniform(*_LEANING), resample=Image.Resampling.BICUBIC)
        begin, _, end, _ = cell.getbbox() or (0, 0, size, 0)
        layer = Image.new("L", shape.size)
        layer.paste(cell.crop((begin, 0, end, height)), (left, int(size * chance.uniform(*_SHIFT))))
        shape = ImageChops.difference(shape, layer)
        left += end - begin - int(size * chance.uniform(*_OVERLAP))
    return shape.crop((0, 0, left + size // 2, height))


def _draw_line(extent: tuple[int, int], chance: _Chance, size: int) -> Image.Image:
    width, height = extent
    layer = Image.new("L", extent)
    middle, slope = height * chance.uniform(0.45, 0.55), chance.uniform(-0.15, 0.15)
    swing, length, phase = size * chance.uniform(0.1, 0.35), size * chance.uniform(2, 5), chance.uniform(0, math.tau)
    points = [
        (x, middle + slope * (x - width / 2) + swing * math.sin(phase + math.tau * x / length))
        for x in range(0, width, 3)
    ]
    ImageDraw.Draw(layer).line(points, fill=255, width=max(1, round(size * _LINE)), joint="curve")
    return layer


def _bend(shape: Image.Image, chance: _Chance, size: int) -> Image.Image:
    across, along = (math.tau / (size * chance.uniform(*_BEND_LENGTH)) for _ in range(2))
    first, second = (chance.uniform(0, math.tau) for _ in range(2))

    def source(x: int, y: int) -> tuple[float, float]:
        swing = size * _BEND
        return x + swing * math.sin(across * y + first), y + swing * math.sin(along * x + second)

    squares = []
    for left in range(0, shape.width, _SQUARE):
        for top in range(0, shape.height, _SQUARE):
            right, bottom = left + _SQUARE, top + _SQUARE
            corners = (source(left, top), source(left, bottom), source(right, bottom), source(right, top))
            squares.append(((left, top, right, bottom), tuple(part for corner in corners for part in corner)))
    return shape.transform(shape.size, Image.Transform.MESH, squares, Image.Resampling.BILINEAR)
