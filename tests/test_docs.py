"""The documentation is held to the code: what it names exists, and its pages fit together."""

import ast
import json
import re
from importlib import import_module
from urllib.parse import unquote, urlsplit

import pytest
from django.dispatch import Signal

from django_ihuyi import signals
from django_ihuyi.api.problems import PROBLEMS
from django_ihuyi.client.outcomes import FAULTS
from django_ihuyi.conf import Settings
from django_ihuyi.delivery import outcomes as delivery_outcomes
from django_ihuyi.delivery.routing import POLICY_FAULT
from tests.support.docs_pages import PAGES, ROOT, blocks, named, prose, sources, text_of
from tests.test_architecture import HOUSE, LAYERS

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
TEST = re.compile(r"(tests/[\w/]+\.py)(?:::(\w+))?")
PYTHON = [
    pytest.param(body, id=f"{named(page)}:{number}")
    for page in PAGES
    for number, body in enumerate(sources(page), start=1)
]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page):
    missing = [target for target in LINK.findall(prose(page)) if not resolves(page, target)]

    assert missing == []


def resolves(page, target):
    parts = urlsplit(target)
    if parts.scheme:
        return True
    file = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    return file.exists() and (not parts.fragment or parts.fragment in anchors_of(file))


def anchors_of(page):
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_test_that_is_named_exists(page):
    missing = [(path, name) for path, name in TEST.findall(text_of(page)) if not is_test(ROOT / path, name)]

    assert missing == []


def is_test(file, name):
    return file.exists() and (not name or f"def {name}(" in file.read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [name for name, value in vars(signals).items() if isinstance(value, Signal)])
def test_every_signal_is_described(name):
    page = ROOT / "docs" / "reference" / "signals.md"

    assert f"| `{name}` |" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("body", PYTHON)
def test_names_of_the_package_exist(body):
    """What is imported from it, and what is named by a dotted path in a setting."""
    missing = [name for name in package_names(parse(body)) if not exists(name)]

    assert missing == []


def parse(body):
    """Read a block; where it is not whole, it is a member of IHUYI."""
    try:
        return ast.parse(body)
    except SyntaxError:
        return ast.parse(f"IHUYI = {{{body}}}")


def package_names(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("django_ihuyi"):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and re.fullmatch(r"django_ihuyi(\.\w+)+", str(node.value)):
            yield node.value


def exists(name):
    module, _, attribute = name.rpartition(".")
    try:
        return hasattr(import_module(module), attribute) or import_module(name) is not None
    except ImportError:
        return False


@pytest.mark.parametrize("body", PYTHON)
def test_settings_exist(body):
    assert settings_in(parse(body)) <= set(Settings.__annotations__)


def settings_in(tree):
    """Return the keys of every dict that is called IHUYI, and of every IHUYI[…]."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign | ast.keyword) and isinstance(node.value, ast.Dict) and is_ihuyi(node):
            found |= {key.value for key in node.value.keys if key}
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value) == "IHUYI":
            found.add(node.slice.value)
    return found


def is_ihuyi(node):
    names = [node.arg] if isinstance(node, ast.keyword) else map(ast.unparse, node.targets)
    return "IHUYI" in names


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_settings_that_the_text_names_exist(page):
    said = set(re.findall(r"IHUYI\[\"(\w+)\"\]", text_of(page)))

    assert said <= set(Settings.__annotations__)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_json_is_json_and_its_problems_are_those_of_the_api(page):
    answers = [json.loads(body) for _, body in blocks(page, "json")]
    problems = [answer for answer in answers if isinstance(answer, dict) and "status" in answer]

    assert {problem["code"]: problem["status"] for problem in problems} == {
        problem["code"]: PROBLEMS[problem["code"]].status for problem in problems
    }


def test_the_page_on_delivery_has_every_fault():
    page = text_of(ROOT / "docs/explanation/delivery.md")

    slugs = {*FAULTS, *delivery_outcomes.FAULTS, POLICY_FAULT, *faults_that_are_named()}
    assert [slug for slug in sorted(slugs) if f"| `{slug}`" not in page and f", `{slug}`" not in page] == []


def faults_that_are_named():
    """Return those that stand in the code where a message or a submission is given one."""
    files = [path for path in HOUSE.package.rglob("*.py") if "simulator" not in path.parts]
    return {slug for path in files for slug in re.findall(r'\bfault="(\w+)"', path.read_text(encoding="utf-8"))}


def test_the_page_on_architecture_draws_the_layers_that_are_enforced():
    page = text_of(ROOT / "docs/explanation/architecture.md")
    [drawn] = [body for _, body in blocks(ROOT / "docs/explanation/architecture.md", "text")]

    units = {path.name.removesuffix(".py") for path in HOUSE.package.iterdir()} & set().union(*LAYERS)
    for line, layer in zip(drawn.replace("\n  ·", " ·").splitlines(), reversed(LAYERS), strict=True):
        assert layer & units <= set(line.split(" · ")) <= layer
    assert [unit for unit in units - {"migrations"} if not named_in(page, unit)] == []


def named_in(page, unit):
    return f"`{unit}.py`" in page or f"`{unit}/`" in page


def test_both_readmes_link_to_the_same_pages():
    english, chinese = (LINK.findall(prose(ROOT / name)) for name in ("README.md", "README.zh-CN.md"))

    assert set(english) - {"README.zh-CN.md"} == set(chinese) - {"README.md"}
