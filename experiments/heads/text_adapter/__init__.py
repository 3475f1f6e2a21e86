"""MiniLM adapted to affect: low-rank adapters for valence and arousal of sentences, phrases and words.

Low-rank adapters (LoRA, Hu et al. 2021) on the attention and feed-forward layers; all other weights are
frozen. The main training set is EmoBank's sentences. The others are short and are trained beside it:
ratings of pictures' themes, and the words of two lexicons, which have far more words than the rated
sentences (VADER, Hutto & Gilbert 2014: valence; NRC, Mohammad & Turney 2013: emotions). Negated phrases get
the valence of VADER's rule.

The packaged adapters are a model soup (Wortsman et al. 2022): the mean of the changes of several trainings
with the same initial weights and other orders of the texts. Each is kept on disk: an interrupted command
continues.

    python -m experiments.heads.text_adapter --data DIR --out encoders/weights/minilm-affect.safetensors
"""
