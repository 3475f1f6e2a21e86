"""Sound as reading gives it, and how far two files' sounds are from each other."""

import av
import numpy as np
from sound_factory import calls

from encoders import media
from encoders.logmel import compute_logmel_statistics

RATE = 48000
READ = media.Sampling(sample_rate=16000)
CALLS = calls()
NONE = np.zeros_like(CALLS)


def sounds(path):
    return [part.audio for part in media.read_segments(path, media.probe(path), READ)]


def whole(path):
    return np.concatenate([sound.samples for sound in sounds(path)])


def channels_of(path):
    """Channels (c, n) at 16 kHz as the product read them before: planes, resampled one by one."""
    resampler, found = av.AudioResampler(format="fltp", rate=16000), []
    with av.open(str(path)) as container:
        for frame in [*container.decode(audio=0), None]:
            found += [piece.to_ndarray() for piece in resampler.resample(frame)]
    return np.concatenate(found, axis=1)


def difference(path, reference):
    """Decibels between the log-mel statistics of two files' first segments, on average."""
    one, two = (compute_logmel_statistics(sounds(file)[0]) for file in (path, reference))
    return float(np.abs(one - two).mean())
