"""A headless Chromium that tests drive by the W3C WebDriver protocol, with nothing but urllib."""

import base64
import contextlib
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

_FLAGS = (
  *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
  *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
  *("--hide-scrollbars", "--force-color-profile=srgb", "--disable-dev-shm-usage"),
)
_PATIENCE_SECONDS = 60
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # The key of a web element, W3C WebDriver 12.1.
KEYS = {"left": "\ue012", "up": "\ue013", "right": "\ue014", "home": "\ue011", "tab": "\ue004"}


def programs() -> tuple[str, str] | None:
  """Returns the paths of Chromium and ChromeDriver, or None where one is missing."""
  chromium = shutil.which("chromium") or shutil.which("google-chrome")
  driver = shutil.which("chromedriver")
  return (chromium, driver) if chromium and driver else None


class Browser:
  """A session; every method is a command of the protocol, and raises RuntimeError if it fails."""

  def __init__(self, session: str):
    self._session = session

  def command(self, path: str, method: str = "POST", **values):
    """Returns the value of a command's reply."""
    return _request(f"{self._session}/{path}", method, values)

  def devtools(self, name: str, **values):
    """Returns the reply to a command of Chromium's own protocol."""
    return self.command("goog/cdp/execute", cmd=name, params=values)

  def open(self, path: pathlib.Path) -> None:
    """Opens a file."""
    self.command("url", url=path.resolve().as_uri())

  def run(self, script: str, *arguments):
    """Returns what a function's body in JavaScript returns."""
    return self.command("execute/sync", script=script, args=list(arguments))

  def find(self, selector: str) -> str:
    """Returns the first element that a CSS selector finds."""
    return self.command("element", using="css selector", value=selector)[_ELEMENT]

  def click(self, selector: str) -> None:
    """Clicks on an element after bringing it into view."""
    self.command(f"element/{self.find(selector)}/click")

  def type(self, selector: str, keys: str) -> None:
    """Types into an element."""
    self.command(f"element/{self.find(selector)}/value", text=keys)

  def name_of(self, selector: str) -> tuple[str, str]:
    """Returns role and accessible name of an element, as assistive technology gets them."""
    element = self.find(selector)
    role = self.command(f"element/{element}/computedrole", "GET")
    return role, self.command(f"element/{element}/computedlabel", "GET")

  def drag(self, start: tuple[int, int], end: tuple[int, int], kind: str = "mouse") -> None:
    """Presses a pointer, a mouse or a finger (kind "touch"), moves it and lets it go."""
    move = {"type": "pointerMove", "duration": 0, "origin": "viewport"}
    self.command(
      "actions",
      actions=[
        {
          "type": "pointer",
          "id": kind,
          "parameters": {"pointerType": kind},
          "actions": [
            {**move, "x": start[0], "y": start[1]},
            {"type": "pointerDown", "button": 0},
            {**move, "x": end[0], "y": end[1], "duration": 50},
            {"type": "pointerUp", "button": 0},
          ],
        }
      ],
    )

  def screenshot(self, selector: str = "") -> bytes:
    """Returns a PNG file of what is in view, or of one element."""
    path = f"element/{self.find(selector)}/screenshot" if selector else "screenshot"
    return base64.b64decode(self.command(path, "GET"))

  def complaints(self) -> list[str]:
    """Returns what the console got since this was last asked, errors and warnings."""
    entries = self.command("se/log", type="browser")
    return [entry["message"] for entry in entries if entry["level"] in ("SEVERE", "WARNING")]

  def view(self, width: int, height: int, dark: bool = False, touch: bool = False) -> None:
    """Sets the size of the page in CSS pixels, whether dark is preferred, and fingers used."""
    self.devtools(
      "Emulation.setDeviceMetricsOverride",
      **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": touch},
    )
    self.devtools(
      "Emulation.setEmulatedMedia",
      features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}],
    )
    self.devtools("Emulation.setTouchEmulationEnabled", enabled=touch)


@contextlib.contextmanager
def opened():
  """Yields a `Browser` with an empty profile; its processes and folder go afterwards.

  Raises:
    RuntimeError: if it does not start.
  """
  found = programs()
  if found is None:
    raise RuntimeError("Chromium or ChromeDriver is not installed.")
  chromium, driver = found
  with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
  with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
    process = subprocess.Popen(
      [driver, f"--port={port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
      server = f"http://127.0.0.1:{port}"
      _wait_for(server, process)
      options = {"binary": chromium, "args": [*_FLAGS, f"--user-data-dir={profile}"]}
      wanted = {
        "browserName": "chrome",
        "goog:chromeOptions": options,
        "goog:loggingPrefs": {"browser": "ALL"},
      }
      made = _request(f"{server}/session", "POST", {"capabilities": {"alwaysMatch": wanted}})
      session = f"{server}/session/{made['sessionId']}"
      try:
        yield Browser(session)
      finally:
        _request(session, "DELETE", {})
    finally:
      process.terminate()
      process.wait(_PATIENCE_SECONDS)


def _wait_for(server, process):
  until = time.monotonic() + _PATIENCE_SECONDS
  while True:
    try:
      if _request(f"{server}/status", "GET", {})["ready"]:
        return
    except OSError:
      pass
    if process.poll() is not None or time.monotonic() > until:
      raise RuntimeError("ChromeDriver did not start.")
    time.sleep(0.05)


def _request(url, method, values):
  data = json.dumps(values).encode() if method == "POST" else None
  request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)
  try:
    with _OPENER.open(request, timeout=_PATIENCE_SECONDS) as reply:
      return json.load(reply)["value"]
  except urllib.error.HTTPError as error:
    with error:
      raise RuntimeError(f"{url}: {json.load(error)['value']}") from None


# Whatever proxy the environment names has no part in this.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
