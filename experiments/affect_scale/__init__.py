"""How far the affect of each modality lies on one scale: behind `bench scale`."""
