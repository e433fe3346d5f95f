"""The reference of result codes is what the catalogue says."""

import importlib.util
from pathlib import Path

from django_ihuyi.client.results import CATALOGUE

DOCS = Path(__file__).parent.parent.parent / "docs"


def load_generator():
    spec = importlib.util.spec_from_file_location("result_codes", DOCS / "_ext" / "result_codes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_the_one_that_the_catalogue_makes():
    page = load_generator().page()

    assert (DOCS / "reference" / "result_codes.md").read_text(encoding="utf-8") == page
    assert [code for code in CATALOGUE if page.count(f"\n| {code} | ") != 1] == []
