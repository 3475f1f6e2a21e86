"""Settings by name."""

import pytest

from encoders.base import AffectError
from experiments.ablation.settings import AblationSettings, apply_overrides, flatten_settings


def test_settings_are_typed():
    settings = apply_overrides(
        AblationSettings(), ["loss.margin=0.1", "schedule.epochs = 7", "text=sentence"]
    )
    assert (settings.loss.margin, settings.schedule.epochs, settings.text) == (0.1, 7, "sentence")
    assert settings.schedule.rate == AblationSettings().schedule.rate
    assert flatten_settings(settings)["schedule.epochs"] == 7


@pytest.mark.parametrize(
    "pair",
    ["schedule.warm=40", "loss.margn=1", "loss=1", "loss.margin", "schedule.epochs=1.5", "loss.margin=x",
     "loss.margin=-1", "schedule.decay=slow", "text=lstm", "schedule.batch=1", "heads.dropout=1", "fps=0",
     "loss.margin=nan"],
)  # fmt: skip
def test_bad_settings_are_one_line(pair):
    with pytest.raises(AffectError) as bad:
        apply_overrides(AblationSettings(), [pair])
    assert "\n" not in str(bad.value)


def test_unknown_setting_lists_all():
    with pytest.raises(AffectError, match=r"no setting 'x'; known: loss\.margin, .*words\.width.*text"):
        apply_overrides(AblationSettings(), ["x=1"])
