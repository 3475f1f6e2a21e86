"""Acoustic features of affect: pitch, spectrum, rhythm, harmony and voice quality."""
