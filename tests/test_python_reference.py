"""docs/reference/python.md lists the public API and nothing else, with signatures that hold and lines that run."""

import ast
import dataclasses
import enum
import importlib
import inspect
import re

import pytest
from django.dispatch import Signal

from django_ihuyi import signals
from tests.support.docs_pages import PAGES, ROOT, blocks, named, sources, text_of

PAGE = ROOT / "docs/reference/python.md"
MODULES = [
    "api.fields",
    "api.permissions",
    "backends",
    "backends.base",
    "backends.console",
    "backends.ihuyi",
    "backends.locmem",
    "backends.simulator",
    "client.outcomes",
    "client.results",
    "client_addresses",
    "database.postgresql",
    "delivery",
    "delivery.admission",
    "exceptions",
    "forms",
    "guards",
    "guards.budgets",
    "guards.captcha",
    "guards.captchas",
    "masking",
    "models",
    "phones",
    "proofs",
    "pytest_plugin",
    "retention",
    "signals",
    "simulator",
    "simulator.pages",
    "simulator.server",
    "tasks",
    "verification",
]


def read_entries():
    """Return {module: {name: parameters as they are written, None without parentheses}}."""
    entries, names = {}, {}
    for line in text_of(PAGE).splitlines():
        if module := re.fullmatch(r"## django_ihuyi\.([\w.]+)", line):
            names = entries.setdefault(module[1], {})
        elif entry := re.fullmatch(r"### `(\w+)(?:\((.*)\))?`", line):
            names[entry[1]] = entry[2]
    return entries


def read_sections():
    """Return (module, name, text) of each entry."""
    for chapter in re.split(r"^## django_ihuyi\.", text_of(PAGE), flags=re.MULTILINE)[1:]:
        for section in re.split(r"^### ", chapter, flags=re.MULTILINE)[1:]:
            yield chapter.splitlines()[0], re.match(r"`(\w+)", section)[1], section


ENTRIES = read_entries()
SECTIONS = list(read_sections())
SIGNATURES = [
    (module, name, written)
    for module, names in ENTRIES.items()
    for name, written in names.items()
    if written is not None
]


def public(module):
    return importlib.import_module(f"django_ihuyi.{module}")


def test_each_public_module_has_its_section():
    assert sorted(ENTRIES) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_the_page_lists_what_a_module_exports(module):
    assert sorted(ENTRIES[module]) == sorted(public(module).__all__)
    assert [name for name in public(module).__all__ if not hasattr(public(module), name)] == []


@pytest.mark.parametrize(("module", "name", "written"), SIGNATURES, ids=[f"{m}.{n}" for m, n, _ in SIGNATURES])
def test_a_signature_is_as_it_is_written(module, name, written):
    """The names, their order, the star before those that are passed by name, and the defaults that are spelled out."""
    function = getattr(public(module), name)
    # A fixture is a wrapped function.
    function = getattr(function, "__wrapped__", getattr(function, "_get_wrapped_function", lambda: function)())

    assert parameters_of(inspect.signature(function)) == [split(text) for text in split_at_commas(written)]


def parameters_of(signature):
    found, is_keyword_only = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not is_keyword_only:
            found.append(("*", Anything()))
            is_keyword_only = True
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        default = "" if parameter.default is parameter.empty else spell(parameter.default)
        found.append((f"{stars}{parameter.name}", default))
    return found


def spell(value):
    return f'"{value}"' if isinstance(value, str) else getattr(value, "__name__", repr(value))


def split_at_commas(written):
    return [part for part in re.split(r", (?![^(]*\))", written) if part]


def split(text):
    name, _, default = text.partition("=")
    return name, Anything() if default == "…" or name == "*" else default


class Anything:
    """A default that the page does not spell out."""

    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.fixture
def _told_nothing():
    """Take back what the page's receiver was connected to."""
    all_signals = [value for value in vars(signals).values() if isinstance(value, Signal)]
    before = [list(signal.receivers) for signal in all_signals]
    yield
    for signal, receivers in zip(all_signals, before, strict=True):
        signal.receivers[:] = receivers
        signal.sender_receivers_cache.clear()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("own_simulator", "_told_nothing")
def test_its_lines_run_one_after_another(configure, outbox):
    configure(TEMPLATES={**public_templates(), "order_ready": {"TEXT": "您的订单{1}已可取货。"}})
    namespace = {"__name__": "page"}
    for _, body in blocks(PAGE, "python"):
        # A block is told by its text where it fails.
        exec(compile(body, f"<{body[:60]}>", "exec"), namespace)

    assert namespace["message"].phone == "+8613900139000"


def test_each_entry_has_a_line():
    assert [name for _, name, section in SECTIONS if "```python" not in section] == []


@pytest.mark.parametrize(("module", "name", "section"), SECTIONS, ids=[f"{m}.{n}" for m, n, _ in SECTIONS])
def test_the_fields_of_a_value_and_the_members_of_an_enum_are_named(module, name, section):
    described = getattr(public(module), name)
    parts = []
    if dataclasses.is_dataclass(described):
        parts = [field.name for field in dataclasses.fields(described)]
    elif isinstance(described, type) and issubclass(described, enum.Enum):
        parts = list(described.__members__)

    assert [part for part in parts if f"`{part}`" not in section] == []


def public_templates():
    return {"code": {"TEXT": "您的验证码是：{code}。请不要把验证码泄露给其他人。"}}


IMPORTED = [
    pytest.param(node.module, alias.name, id=f"{named(page)}: {node.module}.{alias.name}")
    for page in PAGES
    for body in sources(page)
    if "import " in body
    for node in ast.walk(ast.parse(body))
    if isinstance(node, ast.ImportFrom) and node.module.startswith("django_ihuyi")
    for alias in node.names
]


@pytest.mark.parametrize(("module", "name"), IMPORTED)
def test_no_page_imports_a_name_that_is_not_public(module, name):
    inner = module.removeprefix("django_ihuyi").removeprefix(".")
    module_that_is_imported = f"{inner}.{name}".removeprefix(".")
    is_module = any(f"{public_one}.".startswith(f"{module_that_is_imported}.") for public_one in MODULES)
    assert is_module or name in public(inner).__all__
