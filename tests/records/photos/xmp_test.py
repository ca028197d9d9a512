import pytest

from deblock.records.photos import xmp

_BEGIN = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description xmlns:hdrgm="http://ns"'


@pytest.mark.parametrize(
  ("before", "after"),
  [
    (b' tiff:Orientation="6" a="6"/>', b' tiff:Orientation="1" a="6"/>'),
    (b" tiff:Orientation = '8'/>", b" tiff:Orientation = '1'/>"),
    (
      b"><tiff:Orientation>6</tiff:Orientation><a>6</a>",
      b"><tiff:Orientation>1</tiff:Orientation><a>6</a>",
    ),
    (b' exif:Orientation="6"/>', b' exif:Orientation="6"/>'),
  ],
)
def test_only_the_orientation_becomes_1(before, after):
  assert xmp.upright(_BEGIN + before) == _BEGIN + after


@pytest.mark.parametrize(
  "mention",
  [
    b' hdrgm:Version="1.0"',
    b"\n  hdrgm:GainMapMax = '3.5'",
    b' GCamera:MotionPhoto="1"',
    b' Camera:MicroVideoOffset="123"',
  ],
)
def test_attributes_go_with_the_space_before_them(mention):
  packet = _BEGIN + mention + b' dc:title="hdrgm:Version"/>'
  made = xmp.without(packet, xmp.BEHIND_THE_IMAGE)
  assert made == _BEGIN + b' dc:title="hdrgm:Version"/>'


@pytest.mark.parametrize(
  "element",
  [
    b"<hdrgm:Version>1.0</hdrgm:Version>",
    b"<hdrgm:BaseRenditionIsHDR/>",
    b'<Container:Directory><rdf:Seq><rdf:li a="1"/></rdf:Seq></Container:Directory>',
    b'<xmpNote:HasExtendedXMP rdf:parseType="x">0123</xmpNote:HasExtendedXMP>',
  ],
)
def test_elements_go_with_all_that_is_in_them(element):
  packet = _BEGIN + b">" + element + b"<dc:title>hdrgm</dc:title></rdf:Description>"
  names = f"{xmp.BEHIND_THE_IMAGE}|{xmp.EXTENDED}"
  assert xmp.without(packet, names) == packet.replace(element, b"")
