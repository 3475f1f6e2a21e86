"""Networks in the cache."""

import numpy as np
import pytest

from encoders import files, onnx_runtime


@pytest.mark.slow
def test_a_damaged_network_is_made_again_and_is_an_onnx_file(tmp_path, monkeypatch):
    import onnx
    import torch

    monkeypatch.setenv("AFFECT_CACHE", str(tmp_path))
    torch.manual_seed(0)
    module = torch.nn.Linear(3, 2)
    example = np.ones((2, 3), np.float32)

    def outputs():
        return onnx_runtime.load_network("net-1", lambda: module, [example], [{0: "n"}])(example)[0]

    first, file = outputs(), tmp_path / "net-1.onnx"
    onnx.checker.check_model(onnx.load(file))
    good = file.read_bytes()
    for bad in (
        b"",
        good[:100],
        bytes(len(good)),
        good[: len(good) // 2] + b"\1" + good[len(good) // 2 + 1 :],
    ):
        file.write_bytes(bad)
        assert np.array_equal(outputs(), first) and files.read_cached(file) is not None
    assert [path.name for path in tmp_path.iterdir()] == ["net-1.onnx"]
    monkeypatch.setenv("AFFECT_CACHE", str(file))
    assert np.array_equal(outputs(), first)
