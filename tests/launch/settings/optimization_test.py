import pytest

from deblock.launch.settings import optimization as optimization_settings
from deblock.model import losses


@pytest.mark.parametrize(
  ("change", "message"),
  [
    ({"loss": "l3"}, "loss must be one of charbonnier, .*, l1, .*, got 'l3'"),
    ({"optimizer": "lion"}, "optimizer must be one of adam, adamw, sgd, got 'lion'"),
    ({"schedule": "linear"}, "schedule must be one of constant, cosine, step, got 'linear'"),
    ({"precision": "half"}, "precision must be one of float32, bfloat16, float16, got 'half'"),
    ({"jit_compile": "yes"}, "jit_compile must be one of auto, true, false, got 'yes'"),
    ({"learning_rate": 0.0}, r"learning_rate must be positive, got 0\.0"),
    ({"learning_rate": float("nan")}, "learning_rate must be positive, got nan"),
    ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1\.0"),
    ({"ema_decay": -0.1}, r"ema_decay must be in \[0, 1\), got -0\.1"),
    ({"warmup_steps": -1}, "warmup_steps must be at least 0, got -1"),
    ({"weight_decay": -0.1}, r"weight_decay must be at least 0, got -0\.1"),
    ({"clip_norm": float("nan")}, "clip_norm must be at least 0, got nan"),
    ({"max_epochs": -1.0}, r"max_epochs must be at least 0, got -1\.0"),
    ({"weight_decay": 0.1}, r"weight_decay goes with optimizer=adamw or sgd, got 0\.1"),
    ({"optimizer": "adamw"}, r"weight_decay must be positive with optimizer=adamw, .* got 0\.0"),
    ({"milestone_factor": 0.0}, r"milestone_factor must be in \(0, 1\], got 0\.0"),
    ({"accumulate_steps": 0}, "accumulate_steps must be at least 1, got 0"),
    ({"milestones": "0.5,1.5"}, r"milestones must be shares .* or whole steps, got '1\.5'"),
    ({"early_crop_sizes": "20@0.5"}, "early_crop_sizes must be multiples of 8, .*, got 20"),
  ],
)
def test_a_broken_rule_is_named(change, message):
  with pytest.raises(ValueError, match=message):
    optimization_settings.OptimizationConfig(**change)


def test_the_names_of_losses_are_those_of_the_model():
  assert losses.names() == optimization_settings.LOSSES
