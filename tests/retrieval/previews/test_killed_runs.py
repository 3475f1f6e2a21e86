"""A killed index run leaves a preview of every item that it has committed."""

import random
import subprocess
import sys
from contextlib import closing

import pytest
from library_factory import ROOT, content, gallery, index, new_library

from retrieval.previews import PreviewStore, find_preview_problems, list_items_without_preview
from retrieval.storage import Library

RUN = """
import sys
from pathlib import Path
sys.path.insert(0, "tests/factories")
from retrieval.features import batching
from retrieval.indexing.indexer import Indexer
from retrieval.storage.library import Library
batching.BATCH_FRAMES = 3
library = Library.open(Path(sys.argv[1]))
with library.lock_for_writing():
    Indexer(library, lambda counts: print(counts.indexed, flush=True)).run([Path(sys.argv[2])], jobs=2)
"""


@pytest.mark.slow
def test_items_are_never_without_preview(tmp_path):
    media, rng = gallery(tmp_path / "media", photos=50), random.Random(2)
    sizes = []
    for number in range(6):
        lib = tmp_path / str(number)
        new_library(lib).close()
        run = subprocess.Popen(
            [sys.executable, "-c", RUN, lib, media], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        stop_at = rng.randrange(2, 45)
        while (line := run.stdout.readline()) and int(line) < stop_at:
            pass
        run.kill()
        run.communicate()
        with closing(Library.open(lib)) as library:
            assert list_items_without_preview(library) == [] and find_preview_problems(library) == []
            sizes.append(len(library.catalog.load_item_ids()))
        index(lib, media)  # goes on; what was left over is removed
        with closing(Library.open(lib)) as library, closing(PreviewStore.open(lib)) as store:
            assert list_items_without_preview(library) == []
            assert store.count()["images"] == 52 and len(content(lib)) == 54
    assert len(set(sizes)) > 3, sizes
