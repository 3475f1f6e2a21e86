"""Text towers while they are trained (torch): of sentence vectors, or a GRU over word vectors.

JEMC's is a GRU over word vectors trained with it (Mithun et al. 2018, after VSE++, Faghri et al. 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from encoders import Rows
from spaces.joint.gru import compute_last_states, is_bfloat16_faster
from spaces.joint.space import TEXT_ROLE, Tower
from spaces.joint.towers.projection import Projection


class SentenceTower(nn.Module):
    """Sentence vectors (n, d) to unit rows (n, dim); starts orthogonal where the space is wide enough."""

    def __init__(self, input_dim: int, dim: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.projection = Projection({TEXT_ROLE: input_dim}, dim, dropout=dropout)
        if input_dim <= dim:
            self.projection.init_orthogonal()

    def forward(self, texts: Tensor) -> Tensor:
        """(n, dim) unit rows."""
        return self.projection({TEXT_ROLE: (texts, torch.ones(len(texts), dtype=torch.bool))})

    def fit_standardisation(self, texts: Tensor) -> None:
        """Centre on the training texts that are present."""
        self.projection.fit_standardisation({TEXT_ROLE: texts[~texts.isnan().any(1)]}, per_column=False)

    def to_tower(self) -> Tower:
        """The tower in numpy."""
        return self.projection.to_tower()


class GRUTower(nn.Module):
    """Token ids (n, length) to unit rows (n, dim): the last state of a GRU over trained word vectors.

    word_vectors: (words, d) initial vectors, NaN for words without one; by default, and for those, drawn from
                  (-.1, .1) as in VSE++
    use_bfloat16: the GRU's matrix products round their factors to bfloat16, weights and sums stay float32; by
                  default where that is faster, which depends on `dim` and the CPU alone, so that a machine
                  always gives the same bits
    """

    def __init__(
        self,
        vocabulary_size: int,
        dim: int,
        *,
        word_dim: int = 300,
        word_vectors: Rows | None = None,
        use_bfloat16: bool | None = None,
    ) -> None:
        super().__init__()
        self.use_bfloat16 = is_bfloat16_faster(dim) if use_bfloat16 is None else use_bfloat16
        self.embedding = nn.Embedding(
            vocabulary_size, word_dim if word_vectors is None else word_vectors.shape[1], padding_idx=0
        )
        self.gru = nn.GRU(self.embedding.embedding_dim, dim, batch_first=True)
        with torch.no_grad():
            self.embedding.weight.uniform_(-0.1, 0.1)
            if word_vectors is not None:
                initial = torch.from_numpy(word_vectors)
                self.embedding.weight.copy_(torch.where(initial.isnan(), self.embedding.weight, initial))
            self.embedding.weight[0] = 0

    def forward(self, texts: Tensor) -> Tensor:
        """(n, dim) unit rows."""
        states = compute_last_states(self.gru, self.embedding, texts, use_bfloat16=self.use_bfloat16)
        return normalize(states, dim=1)

    def fit_standardisation(self, texts: Tensor) -> None:
        """No effect: token ids have no scale."""
