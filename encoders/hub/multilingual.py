"""Optional sentence embeddings in some 50 languages (Reimers & Gurevych 2020)."""

from __future__ import annotations

from pathlib import Path

from encoders.base import EncoderCard
from encoders.files import compute_sha256
from encoders.hub.weights import find_model_folder, find_model_weights
from encoders.minilm import SentenceEncoder

NAME = "multilingual-minilm"
REPO = "sentence-transformers/paraphrase-multilingual-MiniLM-L12-v2"
MAX_TOKENS = 128  # the model card's own limit


def load_multilingual_minilm(folder: Path) -> SentenceEncoder:
    """The model in a folder of transformers' layout."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    weights = find_model_weights(folder)
    card = EncoderCard(
        name=NAME,
        modality="text",
        dim=config.hidden_size,
        licence="Apache-2.0",
        weights_source=f"huggingface.co/{REPO}",
        training_data="English paraphrases and their translations into 50 languages",
        sha256=compute_sha256(*filter(None, [weights, folder / "tokenizer.json"])),
    )
    return SentenceEncoder(card, folder, max_tokens=MAX_TOKENS, pad_id=config.pad_token_id or 0)


def multilingual_minilm() -> SentenceEncoder:
    """paraphrase-multilingual-MiniLM-L12-v2, 384-d. Raises MissingBackendError if it is missing."""
    return load_multilingual_minilm(find_model_folder(NAME, REPO))
