"""Tiny random copies of hub models, and what every encoder of the hub promises."""

import numpy as np

from encoders.base import Audio, encode_all, is_missing_row

WORDS = ["[PAD]", "[UNK]", "[BOS]", "[EOS]", "a", "photo", "sound", "of", "the", "dog", "cat"]


def picture(t=2, h=50, w=70, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (t, h, w, 3), np.uint8)


def noise(seconds, rate=48000, seed=0):
    samples = np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate))
    return Audio(samples=samples.astype(np.float32), sample_rate=rate)


SILENCE = Audio(samples=np.zeros(48000, np.float32), sample_rate=48000)


def check(encoder, items, silent):
    """The promises: shape, dtype, no dependence on the batch, NaN when there is nothing to say."""
    rows = encode_all(encoder, [*items, silent])
    assert is_missing_row(rows).tolist() == [False] * len(items) + [True]
    assert np.allclose(rows, encode_all(encoder, [*items, silent], batch_size=1), atol=1e-4, equal_nan=True)
    assert len({tuple(row) for row in rows.round(6)}) == len(rows)
    return rows[:-1]


def save_tokenizer(folder):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    words.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    special = {"pad_token": "[PAD]", "bos_token": "[BOS]", "eos_token": "[EOS]", "unk_token": "[UNK]"}
    PreTrainedTokenizerFast(tokenizer_object=words, model_max_length=16, **special).save_pretrained(folder)


SMALL = {"hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 2, "num_attention_heads": 2}
TEXT = {**SMALL, "vocab_size": len(WORDS), "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}


def save_clip(folder):
    from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

    config = CLIPConfig(
        text_config={**TEXT, "max_position_embeddings": 16},
        vision_config={**SMALL, "image_size": 224, "patch_size": 32},
        projection_dim=24,
    )
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessor().save_pretrained(folder)
    save_tokenizer(folder)


def save_clap(folder):
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    audio = {"depths": [1] * 4, "num_attention_heads": [1, 2, 2, 4], "patch_embeds_hidden_size": 16}
    config = ClapConfig(
        text_config={**TEXT, "max_position_embeddings": 20},
        audio_config={**audio, "hidden_size": 128, "window_size": 8},
        projection_dim=24,
    )
    ClapModel(config).save_pretrained(folder)
    ClapFeatureExtractor(truncation="rand_trunc", padding="repeatpad").save_pretrained(folder)
    save_tokenizer(folder)


def save_ast(folder):
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    ASTForAudioClassification(ASTConfig(**SMALL, num_labels=7)).save_pretrained(folder)
    ASTFeatureExtractor().save_pretrained(folder)


def save_multilingual(folder):
    """A BERT with XLM-R's order of special tokens, where padding is not the first."""
    from transformers import BertConfig, BertModel

    BertModel(BertConfig(**{**TEXT, "pad_token_id": 1, "max_position_embeddings": 160})).save_pretrained(
        folder
    )
    save_tokenizer(folder)


TAUGHT_LOSS = 1e-3


def teach(folder, model_class, inputs, texts, steps=150):
    """Fit a saved copy to pairs of inputs (arguments of its media tower) and texts, by its own loss."""
    import torch
    import transformers

    model = getattr(transformers, model_class).from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    words = tokenizer(list(texts), padding=True, return_tensors="pt")
    words = {name: words[name] for name in ("input_ids", "attention_mask")}
    optimiser = torch.optim.Adam(model.parameters(), 1e-3)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(steps):
            optimiser.zero_grad()
            loss = model(**inputs, **words, return_loss=True).loss
            loss.backward()
            optimiser.step()
            if loss < TAUGHT_LOSS:
                break
    model.save_pretrained(folder)
