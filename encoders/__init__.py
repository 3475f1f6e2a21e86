"""Media to features: decoding, and one expert each for objects, activity, sound, faces and words."""

from encoders.process_setup import disable_telemetry

disable_telemetry()
