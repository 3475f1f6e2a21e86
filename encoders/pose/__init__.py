"""Body pose in clips: a detector of bodies, 33 landmarks in three dimensions, directions of body segments."""

from encoders.pose.encoder import PoseEncoder, blazepose

__all__ = ["PoseEncoder", "blazepose"]
