"""Side-by-side pictures: clean, JPEG and restored, with a detail enlarged."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from deblock.launch.evaluation import figures as figures_lib

DETAIL = 64  # Side of the enlarged square, in pixels of the image.
GAP = 8
CAPTION = 44
AMPLIFIED = 8  # Factor of differences.
NARROWEST = 250  # Pixels that a caption takes.
BACKGROUND, INK, MARK = (250, 250, 250), (20, 20, 20), (230, 60, 40)


def side_by_side(clean, jpeg, restored, row: figures_lib.Row) -> np.ndarray:
  """Returns clean | JPEG | restored with captions, and below each the same detail enlarged.

  The detail is the square that restoring changed for the better most.

  Args:
    clean: uint8 [H, W, 3] or [H, W, 1].
    jpeg: uint8, same shape.
    restored: uint8, same shape.
    row: their figures.
  Returns:
    uint8 [h, w, 3], a picture of its own size.
  """
  height, width, _ = clean.shape
  top, left, detail = most_improved(clean, jpeg, restored)
  clean, jpeg, restored = (
    np.ascontiguousarray(np.broadcast_to(image, (height, width, 3)))
    for image in (clean, jpeg, restored)
  )
  factor = max(1, width // detail)
  enlarged = factor * detail
  column = max(width, enlarged, NARROWEST)
  sheet = Image.new(
    "RGB",
    (3 * column + 4 * GAP, CAPTION + height + enlarged + 3 * GAP),
    BACKGROUND,
  )
  draw = ImageDraw.Draw(sheet)
  font = ImageFont.load_default(size=16)
  columns = (
    ("clean", row.image, clean),
    (
      f"JPEG, quality {row.quality}",
      f"PSNR {row.psnr_jpeg:.2f} dB   SSIM {row.ssim_jpeg:.4f}",
      jpeg,
    ),
    (
      f"restored ({row.gain:+.2f} dB)",
      f"PSNR {row.psnr:.2f} dB   SSIM {row.ssim:.4f}",
      restored,
    ),
  )
  for index, (title, figures, pixels) in enumerate(columns):
    x, y = GAP + index * (column + GAP), GAP
    draw.text((x, y), f"{title}\n{figures}", INK, font=font, spacing=2)
    y += CAPTION
    picture = Image.fromarray(pixels)
    square = picture.crop((left, top, left + detail, top + detail))
    sheet.paste(picture, (x, y))
    draw.rectangle(
      (x + left - 1, y + top - 1, x + left + detail, y + top + detail), outline=MARK, width=2
    )
    y += height + GAP
    sheet.paste(square.resize((enlarged, enlarged), Image.Resampling.NEAREST), (x, y))
  return np.asarray(sheet)


def with_differences(clean, jpeg, restored, row: figures_lib.Row) -> np.ndarray:
  """Returns `side_by_side` and below it how far JPEG and restored image are from the clean one.

  The differences are shown as absolute values times 8, black where there is none.
  """
  above = side_by_side(clean, jpeg, restored, row)
  height = clean.shape[0]
  sheet = Image.new("RGB", (above.shape[1], above.shape[0] + CAPTION + height + GAP), BACKGROUND)
  sheet.paste(Image.fromarray(above), (0, 0))
  draw = ImageDraw.Draw(sheet)
  font = ImageFont.load_default(size=16)
  column = (above.shape[1] - 4 * GAP) // 3
  legend = "distance from the clean image,\nblack where there is none"
  draw.text((GAP, above.shape[0]), legend, INK, font=font, spacing=2)
  for index, (name, pixels) in enumerate((("JPEG", jpeg), ("restored", restored)), 1):
    x, y = GAP + index * (column + GAP), above.shape[0]
    difference = np.abs(pixels.astype(np.int64) - clean)
    figure = f"mean {difference.mean():.2f} of 255 levels"
    draw.text((x, y), f"|{name} - clean| x {AMPLIFIED}\n{figure}", INK, font=font, spacing=2)
    shown = np.minimum(AMPLIFIED * difference, 255).astype(np.uint8)
    sheet.paste(Image.fromarray(shown), (x, y + CAPTION))
  return np.asarray(sheet)


def most_improved(clean, jpeg, restored, most: int = DETAIL) -> tuple[int, int, int]:
  """Returns first row, first column and side of the square whose error fell most.

  Args:
    clean: uint8 [H, W, C].
    jpeg: uint8, same shape.
    restored: uint8, same shape.
    most: its side, less where the image is smaller; it is sought on a grid of half the side.
  """
  size = min(most, *clean.shape[:2])
  clean = clean.astype(np.float64)
  fallen = ((jpeg - clean) ** 2 - (restored - clean) ** 2).sum(axis=2)
  step = max(1, size // 2)
  corners = [
    (top, left)
    for top in range(0, clean.shape[0] - size + 1, step)
    for left in range(0, clean.shape[1] - size + 1, step)
  ]
  top, left = max(corners, key=lambda c: fallen[c[0] : c[0] + size, c[1] : c[1] + size].sum())
  return top, left, size
