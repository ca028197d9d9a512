import pytest

from deblock.launch.compressing import compress_config


@pytest.mark.parametrize(
  ("flags", "expected"),
  [
    ({"psnr": 34.0}, ("psnr", 34.0, None, None)),
    ({"ssim": 0.95}, ("ssim", 0.95, None, None)),
    ({"ssimulacra2": 70.0}, ("ssimulacra2", 70.0, None, None)),
    ({"bytes": "90000"}, ("psnr", None, 90_000, None)),
    ({"bytes": "200k"}, ("psnr", None, 200_000, None)),
    ({"bytes": "1.5M"}, ("psnr", None, 1_500_000, None)),
    ({"saving": "30%"}, ("psnr", None, None, 0.3)),
  ],
)
def test_one_target_is_asked_for(flags, expected):
  assert compress_config.CompressConfig(out="o", **flags).target == expected


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"out": ""}, "out must name a folder: use --out=DIR"),
    ({"psnr": 0.0}, "name one target, --psnr, --ssim, .*, got none"),
    ({"ssim": 0.9}, "name one target, .*, got psnr and ssim"),
    ({"psnr": -3.0}, r"psnr must be in \(0, 100\), got -3"),
    ({"psnr": 0.0, "ssim": 1.0}, r"ssim must be in \(0, 1\), got 1"),
    ({"psnr": 0.0, "bytes": "many"}, "bytes must be a number such as .* got 'many'"),
    ({"psnr": 0.0, "bytes": "0"}, "bytes must be a number such as .* got '0'"),
    ({"psnr": 0.0, "saving": "0.3"}, "saving must be a share of the bytes such as 30%, got '0.3'"),
    ({"psnr": 0.0, "saving": "100%"}, "saving must be a share .* got '100%'"),
    ({"model": "best"}, r"model must be one of default, fast or FILE\.onnx, got 'best'"),
    ({"tables": "flat"}, "tables must be one of auto, sloped, ijg, got 'flat'"),
    ({"sampling": "422"}, "sampling must be one of auto, 420, 444, got '422'"),
    ({"metadata": "some"}, "metadata must be one of keep, strip, got 'some'"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    compress_config.CompressConfig(**{"out": "o", "psnr": 34.0, **change})
