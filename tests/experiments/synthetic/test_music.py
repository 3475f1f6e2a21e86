"""Moods can be heard."""

from dataclasses import replace

import numpy as np
import pytest

from experiments.synthetic import MOODS, generate_clips
from experiments.synthetic.music import compute_music_parameters, render_audio


def test_the_sound_has_the_level_and_the_brightness_of_its_mood(decoded_clips):
    for clip, segment in decoded_clips:
        if segment.audio is None:
            continue
        how, wave = compute_music_parameters(clip.valence, clip.arousal), segment.audio.samples
        assert np.sqrt(np.mean(wave**2)) == pytest.approx(how.rms_level, rel=0.1)
    centres = []
    for arousal in (-0.8, -0.2, 0.4, 0.9):
        power = (
            np.abs(np.fft.rfft(render_audio(replace(decoded_clips[0][0], valence=0.5, arousal=arousal)))) ** 2
        )
        centres.append((power * np.arange(len(power))).sum() / power.sum())
    assert centres == sorted(centres) and centres[-1] > 2 * centres[0]


def test_unpleasant_moods_tremble():
    def tremble(valence):
        wave = np.abs(render_audio(replace(generate_clips(1, seed=0)[0], valence=valence, arousal=0.8)))
        power = np.abs(np.fft.rfft(wave - wave.mean())) ** 2
        return power[3 * 39 : 3 * 41 + 1].max() / np.median(power[3 * 30 : 3 * 50])  # 3 s: a third of a Hz

    assert tremble(-0.8) > 20 * tremble(0.8)


def test_tempo_can_be_counted():
    clip = generate_clips(1, seed=0)[0]
    for valence, arousal in MOODS.values():
        wave = render_audio(replace(clip, valence=valence, arousal=arousal))
        size = 80  # 5 ms
        loud = np.sqrt(np.square(wave.reshape(-1, size)).mean(axis=1))
        loud = np.convolve(loud, np.ones(5) / 5, "same")  # over the tremble's 25 ms
        echo = np.array([np.corrcoef(loud[lag:], loud[:-lag])[0, 1] for lag in range(20, 160)])
        beat = 200 / (20 + echo.argmax())  # notes a second, or a whole fraction of it
        ratio = compute_music_parameters(valence, arousal).notes_per_second / beat
        assert ratio == pytest.approx(round(ratio), abs=0.06)
