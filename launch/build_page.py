"""deblock-page: writes the page that restores in a browser, or serves it here.

deblock-page --out=DIR
deblock-page --serve

The folder has static files for any web server. The page works offline and sends no image anywhere.
"""

import pathlib
import webbrowser

from deblock.launch import flags as config_flags
from deblock.launch import program
from deblock.launch.page import building, serving
from deblock.launch.page import settings as settings_lib
from deblock.records import console


def main(arguments):
  """Writes or serves the page."""
  del arguments
  config = config_flags.parse(settings_lib.PageConfig)
  if config.out:
    folder = pathlib.Path(config.out)
    sizes = building.write(folder, config.runtime)
    console.say(
      f"page: {folder / building.INDEX} ({len(sizes)} files, {sum(sizes.values()) / 1e6:.1f} MB)"
    )
  if config.serve:
    _serve(config)


def _serve(config):
  with serving.of(building.contents(config.runtime), config.port) as server:
    address = f"http://127.0.0.1:{server.server_port}/"
    console.say(f"serving {address} until Ctrl-C")
    if config.browser:
      webbrowser.open(address)
    try:
      server.serve_forever()
    except KeyboardInterrupt:
      console.say("stopped")


def run():
  """Entry point of the console script."""
  program.run(main, settings_lib.PageConfig)


if __name__ == "__main__":
  run()
