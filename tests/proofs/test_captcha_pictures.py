"""How often tesseract reads the default picture of the captcha: an attacker's cheapest tool."""

import base64
import io
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from captcha.models import CaptchaStore
from PIL import Image, ImageFilter

from django_ihuyi.guards.captchas.image import ImageCaptcha

pytestmark = [
    pytest.mark.proof,
    pytest.mark.once,
    pytest.mark.skipif(not shutil.which("tesseract"), reason="needs tesseract (Debian: apt install tesseract-ocr)"),
]

PICTURES = int(os.environ.get("PROOF_PICTURES", "1000"))
CAPITALS = ["-c", "tessedit_char_whitelist=ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
#: Size of the median filter, threshold, tesseract's arguments. The first is the recipe that the target is for.
RECIPES = {
    "--psm 8": (3, 128, ["--psm", "8"]),
    "--psm 8, capitals only, a larger filter, a low threshold": (5, 90, ["--psm", "8", *CAPITALS]),
    "--psm 8, capitals only, the largest filter": (9, 128, ["--psm", "8", *CAPITALS]),
    "--psm 7, capitals only": (3, 128, ["--psm", "7", *CAPITALS]),
}


@pytest.mark.parametrize("name", RECIPES)
def test_tesseract_reads_at_most_one_default_picture_in_200(name, figure, tmp_path):
    pictures = [show() for _ in range(PICTURES)]

    found = read([picture for picture, _ in pictures], RECIPES[name], tmp_path)

    right = sum(text == shown for text, (_, shown) in zip(found, pictures, strict=True))
    figure(f"captcha pictures read by tesseract {name}", f"{right} of {PICTURES} [target: 1 in 200]")
    assert right <= PICTURES / 200


def show():
    """Return a picture as a client gets it, and what it shows."""
    challenge = ImageCaptcha().challenge(purpose="login", client="192.0.2.7")
    picture = base64.b64decode(challenge.shown["image"].partition(",")[2])
    return picture, CaptchaStore.objects.get(hashkey=challenge.id).challenge


def read(pictures, recipe, folder):
    """Return the text that tesseract finds in each picture, after threefold scaling, a median filter, a threshold."""
    median, threshold, arguments = recipe
    for place, picture in enumerate(pictures):
        grey = Image.open(io.BytesIO(picture)).convert("L")
        large = grey.resize((3 * grey.width, 3 * grey.height), Image.Resampling.LANCZOS)
        clean = large.filter(ImageFilter.MedianFilter(median)).point(lambda value: 255 * (value > threshold))
        clean.save(folder / f"{place}.png")
    names = folder / "pictures.txt"
    names.write_text("\n".join(str(folder / f"{place}.png") for place in range(len(pictures))), encoding="utf-8")
    command = ["tesseract", str(names), str(folder / "texts"), "--dpi", "70", *arguments]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "OMP_THREAD_LIMIT": "1"})
    pages = Path(folder / "texts.txt").read_text(encoding="utf-8").split("\f")
    return ["".join(page.split()).upper() for page in pages[: len(pictures)]]
