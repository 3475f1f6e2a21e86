"""How the rendered clips are made and read."""

from encoders.media import Sampling
from experiments.synthetic.frames import FPS
from retrieval.features.config import PipelineConfig

COUNT = 24
DENSE = Sampling(fps=FPS, max_frames=None)
TOYS = PipelineConfig(
    objects="toy-frames",
    activity="",
    sound="toy-sound",
    events="",
    text="toy-text",
    sentiment="",
    tone="",
    faces="",
)
