"""Measure how the package is built, by its own imports: `python3 tests/house.py [CHECKOUT …]` prints the figures.

A room is a module or a package at the top of `django_ihuyi/`. A layer is a step of the longest chain of imports between
rooms.
"""

import ast
import functools
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NAME = "django_ihuyi"
MOST_LOOSE, MOST_LAYERS, MOST_PAIRS = 20, 9, 150


class House:
    """The rooms of a checkout, and which imports which."""

    def __init__(self, root=ROOT):
        self.package = root / NAME
        self.files = [path for path in sorted(self.package.rglob("*.py")) if "migrations" not in path.parts]
        self.imports = {room: set() for room in map(self.room_of, self.files) if room != "__init__"}
        for path in self.files:
            room = self.room_of(path)
            for name in imported_names(path):
                package, _, inner = name.partition(".")
                target = inner.partition(".")[0]
                if package == NAME and target in self.imports and room in self.imports and target != room:
                    self.imports[room].add(target)

    def room_of(self, path):
        return path.relative_to(self.package).parts[0].removesuffix(".py")

    @property
    def loose(self):
        """The modules at the top, which belong to no package."""
        return [path.stem for path in self.package.glob("*.py") if path.stem != "__init__"]

    @property
    def pairs(self):
        """(importer, imported) of two rooms."""
        return [(room, target) for room, targets in self.imports.items() for target in targets]

    @functools.cached_property
    def layers(self):
        """The rooms by their height, lowest first. Raises ValueError where rooms import each other in a circle."""
        layers, placed = [], set()
        while len(placed) < len(self.imports):
            layer = {room for room, targets in self.imports.items() if room not in placed and targets <= placed}
            if not layer:
                raise ValueError(f"a circle among {sorted(set(self.imports) - placed)}")
            layers.append(layer)
            placed |= layer
        return layers


def imported_names(path):
    """Yield each imported name of a file, whole: `package.module.name`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "absolute imports only"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def main(roots):
    for root in map(Path, roots or [ROOT]):
        house = House(root.resolve())
        print(f"loose modules {len(house.loose)} (at most {MOST_LOOSE}), layers {len(house.layers)} ({MOST_LAYERS}), "
              f"pairs of rooms {len(house.pairs)} ({MOST_PAIRS})")  # fmt: skip
        for height, layer in reversed(list(enumerate(house.layers, start=1))):
            print(f"  {height}: {', '.join(sorted(layer))}")


if __name__ == "__main__":
    main(sys.argv[1:])
