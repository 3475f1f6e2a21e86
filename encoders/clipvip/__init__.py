"""CLIP-ViP (Xue et al. 2023): text-to-video retrieval by CLIP with video proxies, and with emotions.

The emotion report (2024) added emotion embeddings to the text tower; `emotion_conditioning` has its rule and
others. Composed of transformers' CLIP; torch and transformers are imported by the modules, not here.
"""
