"""deblock-compare: side-by-side pictures of clean image, JPEG and restored image.

deblock-compare --logdir=DIR --images=FOLDER --qualities=10,20 --output=DIR
"""

from PIL import Image

from deblock.launch import evaluation, picture, program, selection
from deblock.launch import flags as config_flags
from deblock.records import codec

config_flags.define(selection.SelectionConfig)


def main(arguments):
  """Draws one picture for each image and quality."""
  del arguments
  settings = config_flags.parse(selection.SelectionConfig)
  output = selection.prepare_output(settings.output)
  chosen, qualities = selection.choose(settings)
  restore = selection.load_restorer(settings)
  written = []
  with program.progress_bar("comparing", "picture", len(chosen.images) * len(qualities)) as bar:
    for image, clean in selection.read(chosen):
      for quality in qualities:
        data = codec.encode(clean, quality, settings.subsampling)
        jpeg, restored = evaluation.restored(restore, data, quality, settings.faithful)
        row = evaluation.compare(image, quality, clean, jpeg, restored)
        path = output / f"{image.replace('/', '_')}-q{quality}.png"
        temporary = path.with_suffix(".tmp")
        Image.fromarray(picture.side_by_side(clean, jpeg, restored, row)).save(temporary, "PNG")
        temporary.replace(path)
        written.append(path)
        bar.update()
  print("\n".join(f"picture: {path}" for path in written))


def run():
  """Entry point of the console script."""
  program.run(main)


if __name__ == "__main__":
  run()
