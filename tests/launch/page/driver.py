"""Drives the page in a browser for browser_test.py: gives it files, waits, and takes results."""

import base64
import io
import time

import numpy as np
from PIL import Image

SECONDS = 60


def jpeg(pixels, **options):
  stream = io.BytesIO()
  Image.fromarray(pixels).save(stream, "JPEG", **options)
  return stream.getvalue()


def give(page, kind, files):
  """Drops or pastes files, {name: bytes}."""
  page.run(
    """const data = new DataTransfer();
    for (const [name, text] of arguments[1]) {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      data.items.add(new File([bytes], name, { type: "image/jpeg" }));
    }
    const options = { bubbles: true, cancelable: true };
    document.dispatchEvent(arguments[0] === "drop"
      ? new DragEvent("drop", { ...options, dataTransfer: data })
      : new ClipboardEvent("paste", { ...options, clipboardData: data }));""",
    kind,
    [[name, base64.b64encode(content).decode()] for name, content in files.items()],
  )


def rows(page):
  """Returns the state and the text of each file, by name."""
  return page.run(
    """const text = (row, selector) => row.querySelector(selector).textContent;
    return Object.fromEntries([...document.querySelectorAll("#list li")].map((row) =>
      [text(row, ".name"), [row.className, text(row, ".status")]]))"""
  )


def wait(condition):
  until = time.monotonic() + SECONDS
  while not (value := condition()):
    assert time.monotonic() < until
    time.sleep(0.05)
  return value


def finished(page, count):
  """Waits until so many files have been restored, failed or stopped; returns `rows`."""

  def every():
    found = rows(page)
    open_ones = [one for one in found.values() if one[0] in ("waiting", "working")]
    return found if len(found) == count and not open_ones else None

  return wait(every)


def shown(page):
  """Returns the image that the slider shows as restored."""
  address = page.run("return document.querySelector('.under .shown').src")
  return image(fetched(page, "return (await fetch(arguments[0])).blob()", address))


def fetched(page, script, *arguments):
  """Returns the bytes of the blob that the body of an asynchronous function returns."""
  text = page.execute_async_script(
    f"""const [done, ...rest] = [...arguments].reverse();
    const made = (async function () {{ {script} }}).apply(null, rest.reverse());
    made.then(async (blob) => {{
      const bytes = new Uint8Array(await blob.arrayBuffer());
      let text = "";
      for (let n = 0; n < bytes.length; n += 30000) {{
        text += String.fromCharCode(...bytes.subarray(n, n + 30000));
      }}
      done(btoa(text));
    }}).catch((error) => done(`!${{error.message}}`));""",
    *arguments,
  )
  assert not text.startswith("!"), text
  return base64.b64decode(text)


def restored(page, data, **options):
  """Returns the bytes that `deblock.restore` makes of a file's."""
  script = """const { restore } = await import("./deblock.js");
    const bytes = Uint8Array.from(atob(arguments[0]), (letter) => letter.charCodeAt(0));
    return restore(new Blob([bytes]), arguments[1]);"""
  return fetched(page, script, base64.b64encode(data).decode(), options)


def image(data):
  with Image.open(io.BytesIO(data)) as picture:
    return np.asarray(picture)
