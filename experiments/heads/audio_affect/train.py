"""Trains the audio head of affect: acted emotion of speech, affect of music, kind of sound."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from experiments.heads.audio_affect.clips import load_clips
from experiments.heads.audio_affect.regressors import fit_regressors
from spaces import RegressorSet, save_regressors

WEIGHTS_FILE = Path(str(files("spaces") / "weights" / "affect-sound.safetensors"))
TRAINING_DATA = (
    "RAVDESS speech, actors 1 to 20, acted emotions (Livingstone & Russo 2018); VGMIDI, 148 pieces of game "
    "music rated by about 30 people each (Ferreira & Whitehead 2019), rendered to 15 s; to tell kinds of "
    "sound apart also animal sounds (github YashNita/Animal-Sound-Dataset), Sonic Pi's samples (CC0), "
    "Wesnoth's music (GPL-2+), drawn noises, and recordings from Debian packages: telephone prompts in "
    "English, Spanish, French, Italian and Russian (Asterisk; A. Smith, J. Wallack, C. Flora, P. Dal Zot, "
    "A. Desjardins and others), dialogue in Czech and Dutch (Fish Fillets), letters in 11 languages "
    "(KLettres), music on hold, music of Fish Fillets and Colobot, sounds of Colobot and of a keyboard. No "
    "emotion was learnt from those. Altered copies of the clips were learnt from as well: speed, equaliser, "
    "room, noise, telephone band."
)
LICENCE = (
    "non-commercial research: RAVDESS is CC BY-NC-SA 4.0, VGMIDI and the animal sounds state no licence. The "
    "packages' recordings are under CC BY, CC BY-SA, GPL-2+ and GPL-3+ "
    "(experiments/datasets/debian_voices.py). The "
    "file holds weights of small networks and no clip's rows."
)


def fit_and_save(
    data_root: Path, out_folder: Path | None = None, *, seed: int, quiet: bool = False
) -> list[Path]:
    """Fit and write affect-sound.safetensors into `out_folder` or the package. Raises as `load_clips`."""
    path = (out_folder or WEIGHTS_FILE.parent) / WEIGHTS_FILE.name
    save_regressors(path, fit(data_root, seed=seed, quiet=quiet))
    return [path]


def fit(data_root: Path, *, seed: int, quiet: bool = False) -> RegressorSet:
    """All regressors, trained on train and dev."""
    return fit_regressors(load_clips(data_root, seed=seed, quiet=quiet), seed=seed)
