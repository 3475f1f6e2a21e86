"""Tiny random copies of CLIP, for tests of what is composed of it."""

import torch
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from encoders.clipvip.config import ClipVipConfig, EmotionConfig
from encoders.clipvip.model import ClipVip

WIDTH, PATCHES, SIDE = 32, 4, 32
START, END = 50, 51  # the two largest ids, as in CLIP
WORDS = ("a", "happy", "sad", "angry", "dog", "runs", "sleeps", "music", "party", "storm")


def make_clip_config(**vision):
    sizes = {"hidden_size": WIDTH, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    return CLIPConfig(
        text_config={**sizes, "vocab_size": 52, "max_position_embeddings": 16, "bos_token_id": START,
                     "eos_token_id": END, "pad_token_id": END},
        vision_config={**sizes, "image_size": SIDE, "patch_size": 16, **vision},
        projection_dim=16,
    )  # fmt: skip


def make_clip(seed=0):
    """A CLIP whose weights are large enough for differences to show."""
    torch.manual_seed(seed)
    clip = CLIPModel(make_clip_config()).eval()
    with torch.no_grad():
        for parameter in clip.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)
    return clip


def make_model(clip=None, *, emotions=None, added_proxies=3, affect_dim=0, seed=1, temporal=0.5):
    """A model around a clip (whose modules it takes), with a random temporal embedding."""
    clip = clip or make_clip()
    torch.manual_seed(seed)
    config = ClipVipConfig(
        clip=clip.config.to_dict(), added_proxies=added_proxies, emotions=emotions or EmotionConfig(),
        affect_dim=affect_dim,
    )  # fmt: skip
    model = ClipVip(config, clip).eval()
    with torch.no_grad():
        model.video.temporal_embedding.normal_(std=temporal) if temporal else None
    return model


def make_videos(count=2, frames=12, seed=0):
    return torch.randn(count, frames, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def make_texts(seed=0):
    """Token ids (3, 8) of texts of 3, 5 and 6 words, and their mask."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.full((3, 8), END)
    mask = torch.zeros(3, 8, dtype=torch.long)
    for row, length in enumerate((3, 5, 6)):
        ids[row, 0] = START
        ids[row, 1 : 1 + length] = torch.randint(0, START, (length,), generator=generator)
        mask[row, : length + 2] = 1
    return ids, mask


def save_tokenizer(folder, words=WORDS, max_length=16):
    """CLIP's tokenizer with some words and their letters as its vocabulary; the size of the vocabulary."""
    letters = sorted(set("".join(words)))
    merges, pieces = [], []
    for word in words:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            merges.append((parts[0], parts[1]))
            parts[:2] = [parts[0] + parts[1]]
            pieces.append(parts[0])
    names = list(dict.fromkeys([*letters, *(letter + "</w>" for letter in letters), *pieces]))
    names = [*names, "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {name: number for number, name in enumerate(names)}
    tokenizer = CLIPTokenizer(
        vocab=vocabulary, merges=list(dict.fromkeys(merges)), model_max_length=max_length
    )
    tokenizer.save_pretrained(folder)
    return len(vocabulary)


def save_clip(folder, words=WORDS, max_length=32, seed=0):
    """A tiny random CLIP with the tokenizer of some words, in the layout of transformers."""
    folder.mkdir(parents=True, exist_ok=True)
    config = make_clip_config()
    size = save_tokenizer(folder, words, max_length)
    text = config.text_config
    text.vocab_size, text.max_position_embeddings = size, max_length
    text.bos_token_id, text.eos_token_id, text.pad_token_id = size - 2, size - 1, size - 1
    torch.manual_seed(seed)
    CLIPModel(config).save_pretrained(folder)
    return folder
