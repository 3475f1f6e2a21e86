from .media_writer import write_audio as write_audio
from .sample_media import CLIP_SECONDS as CLIP_SECONDS
from .sample_media import SAMPLE_RATE_HZ as SAMPLE_RATE_HZ
from .sample_media import create_sample_media as create_sample_media
from .sample_media import synthesise_calm_chords as synthesise_calm_chords
