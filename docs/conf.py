"""How Sphinx builds these pages: `make docs`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from django_ihuyi import __version__  # noqa: E402  (found by the line above, installed or not)

project = "django_ihuyi"
author = "django_ihuyi contributors"
copyright = "2026, django_ihuyi contributors"
version = release = __version__

extensions = ["myst_parser"]
# The reference of result codes is made from the catalogue that the code works with.
if (HERE / "_ext" / "result_codes.py").exists():
    extensions.append("result_codes")

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
nitpicky = True

html_theme = "furo"
html_title = "django_ihuyi"
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0f6b57", "color-brand-content": "#0f6b57"},
    "dark_css_variables": {"color-brand-primary": "#6fd0b6", "color-brand-content": "#6fd0b6"},
}
html_show_sourcelink = False
