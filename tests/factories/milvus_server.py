"""A true Milvus server of the PyPI package `milvus`, started and stopped by the tests in their own folder."""

import importlib.util
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest
from repository import ROOT

PACKAGE_FOLDER = Path(os.environ.get("AFFECT_MILVUS_SERVER", ROOT / ".venv" / "milvus-server"))
START_SECONDS = 240
PARTS = ("rootCoord", "proxy", "queryCoord", "queryNode", "indexNode", "dataCoord", "dataNode")
# of the embedded etcd, whose port for peers is the same in every server of the package
ETCD_SETTINGS = """name: default
listen-peer-urls: http://127.0.0.1:{peer}
initial-advertise-peer-urls: http://127.0.0.1:{peer}
initial-cluster: default=http://127.0.0.1:{peer}
listen-client-urls: http://127.0.0.1:{client}
advertise-client-urls: http://127.0.0.1:{client}
"""


_given_ports: set[int] = set()


def _find_free_port():
    """Another one each time, and in each process of the tests.

    Below those of outgoing connections, one of which could take it before the server does.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    step = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    while True:
        port = random.SystemRandom().randrange(10_000 + process, 32_000, step)
        with suppress(OSError), socket.socket() as probe:
            probe.bind(("", port))
            if port not in _given_ports:
                _given_ports.add(port)
                return port


@cache
def load_package():
    """The module `milvus` of the package; skips the test where there is none, or no client."""
    if importlib.util.find_spec("pymilvus") is None:
        pytest.skip("pymilvus is not installed (pip install 'affect-fusion[milvus]')")
    file = PACKAGE_FOLDER / "milvus" / "__init__.py"
    if sys.platform != "linux" or not file.is_file():
        pytest.skip(f"no Milvus server in {PACKAGE_FOLDER} (make milvus-server)")
    spec = importlib.util.spec_from_file_location("milvus_server_package", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class MilvusServer:
    """A server on loopback with its data in a folder; may be killed and started again."""

    def __init__(self, folder):
        package = load_package()
        package._initialize_data_files(PACKAGE_FOLDER)  # unpacks the program, once
        self.folder, self._process = folder, None
        config = package.MilvusServerConfig(data_dir=str(folder))
        for part in PARTS:
            config.set(f"{part}.ip", "127.0.0.1")
        config.set("common.session.ttl", 3)  # seconds after which a killed part is known to be gone
        config.configs |= {
            key: _find_free_port() for key in list(config.configurable_items) if key.endswith("_port")
        }
        config.resolve()
        self.port, self._health_port = int(config.get("proxy_port")), _find_free_port()
        (folder / "etcd.yaml").write_text(
            ETCD_SETTINGS.format(peer=_find_free_port(), client=config.get("etcd_port"))
        )

    def url(self, name, patience=START_SECONDS):
        return f"milvus://127.0.0.1:{self.port}/{name}?patience={patience}"

    def start(self):
        """Start, and wait until it says that it is well."""
        program = PACKAGE_FOLDER / "bin" / "milvus"
        environment = {
            **os.environ,
            "DEPLOY_MODE": "STANDALONE",
            "ETCD_CONFIG_PATH": str(self.folder / "etcd.yaml"),
            "METRICS_PORT": str(self._health_port),
            "MILVUS_RUN_DIR": str(self.folder / "run"),
            "LD_LIBRARY_PATH": str(program.parent),
        }
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "run", "standalone"], cwd=self.folder, env=environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError):
                health = f"http://127.0.0.1:{self._health_port}/healthz"
                if b"OK" in urllib.request.urlopen(health, timeout=5).read():
                    return
            if self._process.poll() is not None:
                break
            time.sleep(0.2)
        self.kill()
        log_end = (self.folder / "server.log").read_text(errors="replace")[-500:]
        pytest.fail(f"the Milvus server does not start here: {log_end}")

    def kill(self):
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
