import numpy as np
import pytest

from deblock.launch.evaluation import protocol
from deblock.records.jpeg import codec


def test_gray_is_matlabs_luma_within_half_a_level(picture):
  clean = picture(24, 40)
  shown, data = protocol.reference_and_jpeg(clean, 30, protocol.ProtocolConfig(gray=True))
  exact = 16 + clean @ np.array((65.481, 128.553, 24.966)) / 255
  assert shown.shape == (24, 40, 1) and shown.dtype == np.uint8
  assert np.abs(shown[..., 0] - exact).max() <= 0.5 + 1e-6
  np.testing.assert_array_equal(codec.decode(data), codec.decode(codec.encode(shown, 30)))


def test_a_gray_image_keeps_its_levels(picture):
  level = picture(16, 24)[..., :1]
  np.testing.assert_array_equal(protocol.gray(level.repeat(3, axis=2)), level)


@pytest.mark.parametrize("gray", [False, True])
def test_between_two_jpegs_rows_and_columns_are_cut_off_as_of_the_clean_image(picture, gray):
  clean = picture(48, 64)
  settings = protocol.ProtocolConfig(double_quality=10, double_shift=4, gray=gray)
  shown, data = protocol.reference_and_jpeg(clean, 50, settings)
  whole = protocol.gray(clean) if gray else clean
  np.testing.assert_array_equal(shown, whole[4:, 4:])
  first = codec.decode(codec.encode(whole, 10))[4:, 4:, : whole.shape[2]]
  assert data == codec.encode(np.ascontiguousarray(first), 50)


def test_by_default_the_published_protocol_is_followed(picture):
  clean = picture(24, 32)
  shown, data = protocol.reference_and_jpeg(clean, 20)
  assert shown is clean and data == codec.encode(clean, 20, "420")
  assert protocol.measured_samples(clean, protocol.PUBLISHED) is clean


@pytest.mark.parametrize(
  ("settings", "words"),
  [
    ({}, "colour JPEG 4:2:0; measured on RGB together"),
    ({"gray": True}, "gray JPEG of MATLAB's luma; measured on gray levels"),
    ({"luma": True, "subsampling": "444"}, "colour JPEG 4:4:4; measured on MATLAB's luma"),
    ({"double_quality": 10}, "at quality 10 before, then cut by 4 rows and columns"),
    ({"faithful": True}, "kept inside the JPEG's quantisation cells"),
  ],
)
def test_the_description_says_what_is_compressed_and_measured(settings, words):
  assert words in protocol.describe(protocol.ProtocolConfig(**settings))
