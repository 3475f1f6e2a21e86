"""What a role completion decodes, event by event."""

from encoders.media import DecodedSegment
from retrieval.indexing import role_completion


def record_decoded_segments(monkeypatch):
    """A list that gets every segment that `RoleCompleter` decodes from now on."""
    encode_files, segments = role_completion.encode_files, []

    def record(decoded, encode):
        def tee():
            for event in decoded:
                if isinstance(event, DecodedSegment):
                    segments.append(event.segment)
                yield event

        return encode_files(tee(), encode)

    monkeypatch.setattr(role_completion, "encode_files", record)
    return segments
