"""A headless Chromium for tests, driven by selenium."""

import contextlib
import os
import pathlib
import shutil
import tempfile
from unittest import mock

from selenium import webdriver
from selenium.webdriver.chrome import service
from selenium.webdriver.common import keys
from selenium.webdriver.common.actions import action_builder, pointer_input
from selenium.webdriver.common.by import By

KEYS = keys.Keys
_FLAGS = (
  *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
  *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
  *("--hide-scrollbars", "--force-color-profile=srgb", "--disable-dev-shm-usage"),
)


def programs() -> tuple[str, str] | None:
  """Returns the paths of Chromium and ChromeDriver, or None where one is missing."""
  chromium = shutil.which("chromium") or shutil.which("google-chrome")
  driver = shutil.which("chromedriver")
  return (chromium, driver) if chromium and driver else None


class Browser(webdriver.Chrome):
  """A session. Elements are named by CSS selectors, the first one counts."""

  def open(self, path: pathlib.Path) -> None:
    """Opens a file."""
    self.get(path.resolve().as_uri())

  def run(self, script: str, *arguments):
    """Returns what a function's body in JavaScript returns."""
    return self.execute_script(script, *arguments)

  def find(self, selector: str):
    """Returns an element."""
    return self.find_element(By.CSS_SELECTOR, selector)

  def name_of(self, selector: str) -> tuple[str, str]:
    """Returns role and accessible name of an element, as assistive technology gets them."""
    element = self.find(selector)
    return element.aria_role, element.accessible_name

  def drag(self, start: tuple[int, int], end: tuple[int, int], kind: str = "mouse") -> None:
    """Presses a pointer, a mouse or a finger (kind "touch"), moves it and lets it go."""
    pointer = pointer_input.PointerInput(kind, kind)
    actions = action_builder.ActionBuilder(self, mouse=pointer, duration=50)
    actions.pointer_action.move_to_location(*start).pointer_down().move_to_location(*end)
    actions.pointer_action.pointer_up()
    actions.perform()

  def complaints(self) -> list[str]:
    """Returns the console's errors and warnings since the last call."""
    entries = self.get_log("browser")
    return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

  def view(self, width: int, height: int, dark: bool = False, touch: bool = False) -> None:
    """Sets the size of the page in CSS pixels, whether dark is preferred, and fingers used."""
    self.execute_cdp_cmd(
      "Emulation.setDeviceMetricsOverride",
      {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch},
    )
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    self.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
    self.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": touch})


@contextlib.contextmanager
def opened():
  """Yields a `Browser` with an empty profile; its processes and folder go afterwards.

  Raises:
    RuntimeError: if Chromium or ChromeDriver is missing.
    selenium.common.WebDriverException: if they do not start.
  """
  found = programs()
  if found is None:
    raise RuntimeError("Chromium or ChromeDriver is not installed.")
  chromium, driver = found
  with (
    tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
    # No proxy of the environment stands between the driver and us.
    mock.patch.dict(os.environ, {"no_proxy": "localhost,127.0.0.1"}),
  ):
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
      options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    # With both paths given, selenium looks for no driver elsewhere.
    with Browser(options, service.Service(driver)) as session:
      yield session
