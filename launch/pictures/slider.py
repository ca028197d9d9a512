"""The files of the before/after slider, which the report and the page for browsers share.

They need the custom properties --rule, --accent, --wash and --soft, as `report_page/page.css` has
them, and nothing else. Neither Jinja nor Keras is loaded here.
"""

import pathlib

FOLDER = pathlib.Path(__file__).parent / "report_page"
SCRIPT = FOLDER / "slider.js"
STYLE = FOLDER / "slider.css"


def script() -> str:
  """Returns the module in JavaScript, which exports `slider`, `element` and `clamp`."""
  return SCRIPT.read_text(encoding="utf-8")


def style() -> str:
  """Returns the style sheet."""
  return STYLE.read_text(encoding="utf-8")
