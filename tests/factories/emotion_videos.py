"""Rendered clips with annotated captions, and a tiny CLIP, on disk: what `emotions train` takes."""

import json
from pathlib import Path

from clip_factory import save_clip

from encoders.lexicon import compute_nrc_columns, has_emotion_keyword, is_sentimental, score_sentiment
from experiments.synthetic import generate_clips
from experiments.synthetic.captions import generate_captions


def list_records(count, seed):
    """Records of rendered clips with one caption each, in the emotion report's format."""
    return [
        make_record(Path(clip.name).stem, generate_captions(clip)[0]) for clip in generate_clips(count, seed)
    ]


def make_record(video, caption):
    columns = {name: int(value) for name, value in compute_nrc_columns(caption).items()}
    is_emotional = has_emotion_keyword(caption) or is_sentimental(score_sentiment(caption), 0.4)
    return {
        "video": f"{video}.mp4", "video_id": video, "caption": caption, "duration": 2.0,
        "emotion": int(is_emotional), **columns,
    }  # fmt: skip


def list_words(count, seed):
    """The words of all captions."""
    captions = [caption for clip in generate_clips(count, seed) for caption in generate_captions(clip)]
    return tuple(sorted({word for caption in captions for word in caption.replace("-", " - ").split()}))


def write_records(path, records):
    path.write_text(json.dumps(records))
    return path


def save_clip_for(folder, count, seed):
    """A tiny CLIP that knows the words of the captions."""
    return save_clip(folder, list_words(count, seed), max_length=32)
