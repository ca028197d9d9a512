"""Changes in XMP packets that leave every other byte where it is.

A packet parsed and written again would lose its padding, its order and its prefixes, which other
programs rely on. So properties are found by the prefixes that every program writes.
"""

import re

# xmpNote: the name of a second packet in the same file.
EXTENDED = "xmpNote:HasExtendedXMP"
# Adobe's and Google's gain maps, Google's directory of the pictures behind the image, and films.
BEHIND_THE_IMAGE = r"hdrgm:\w+|Container:Directory|G?Camera:(?:MotionPhoto|MicroVideo)\w*"


def upright(packet: bytes) -> bytes:
  """Returns a packet that asks for no turn, if it says anything about it."""
  packet = re.sub(rb"(\btiff:Orientation\s*=\s*[\"'])[^\"'<>]*", rb"\g<1>1", packet)
  return re.sub(rb"(<tiff:Orientation\b[^>]*>)[^<]*(</tiff:Orientation)", rb"\g<1>1\g<2>", packet)


def without(packet: bytes, names: str) -> bytes:
  """Returns a packet without some properties, be they attributes or elements.

  Args:
    packet: the packet.
    names: regular expression of their names.
  """
  found = names.encode("ascii")
  packet = re.sub(rb"\s+(?:%b)\s*=\s*(?:\"[^\"]*\"|'[^']*')" % found, b"", packet)
  # Each element ends at the first end of its own name: none of these holds one of its own.
  return re.sub(
    rb"<(%b)(?:\s[^>]*)?(?:/>|(?<!/)>.*?</\1\s*>)" % found, b"", packet, flags=re.DOTALL
  )
