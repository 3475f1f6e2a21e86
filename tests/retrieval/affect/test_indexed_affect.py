"""The affect of a file is the same, whether it is indexed or estimated alone."""

from contextlib import closing

import numpy as np
import pytest
from library_factory import gallery

from encoders.base import MediaError, is_missing_row
from retrieval.affect.predict import predict_file_affect
from retrieval.features.affect import affect_to_json, compute_duration_weights
from retrieval.features.config import PipelineConfig
from retrieval.indexing.indexer import Indexer
from retrieval.storage.library import Library
from retrieval.storage.snapshot_loading import load_snapshot
from spaces.affect_regression import average_estimates

STORED_PRECISION = 2e-3  # a library keeps raw rows as float16


def test_indexed_files_have_the_affect_that_affect_feel_gives(tmp_path):
    media = gallery(tmp_path / "media", photos=2)
    with closing(Library.create(tmp_path / "lib", PipelineConfig(), 15.0)) as library:
        with library.lock_for_writing():
            Indexer(library, lambda counts: None).run([media], 1)
        snapshot = load_snapshot(library)
        item_by_path = {path: i for i, path in snapshot.load_paths(np.flatnonzero(snapshot.is_shown)).items()}
        paths = [media / name for name in sorted(item.name for item in media.iterdir())]
        records = list(predict_file_affect(library.pipeline, paths, jobs=1))
        assert not any(isinstance(record, MediaError) for record in records)
        compared = 0
        for path, record in zip(paths, records, strict=True):
            segments = snapshot.list_segments(item_by_path[str(path)])
            weights = compute_duration_weights(snapshot.spans[segments])
            indexed = average_estimates(snapshot.select_affect(segments), weights)
            if record["affect"] is None:
                assert is_missing_row(np.asarray(indexed)[None])[0]
                continue
            compared += 1
            assert affect_to_json(indexed) == pytest.approx(record["affect"], abs=STORED_PRECISION)
        assert compared >= 4
