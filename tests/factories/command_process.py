"""Commands in one process of their own, whose registries have more rows than ours."""

import json
import subprocess
import sys
from contextlib import contextmanager

from repository import ROOT

SERVE = """
import json, sys
from importlib import import_module
sys.path[:0] = json.loads(sys.argv[1])
import_module(sys.argv[2])
from library_factory import invoke
for line in sys.stdin:
    module, words = json.loads(line)
    done = invoke(import_module(module).main, *words)
    print(json.dumps([done.returncode, done.stdout, done.stderr]), flush=True)
"""


@contextmanager
def command_process(folder, name, code):
    """Runs commands where `code` was imported first, as module `name`: (exit code, output, errors)."""
    (folder / f"{name}.py").write_text(code)
    path = [str(folder), str(ROOT), str(ROOT / "tests" / "factories")]
    with subprocess.Popen(
        [sys.executable, "-c", SERVE, json.dumps(path), name], cwd=ROOT, stdin=-1, stdout=-1, text=True
    ) as process:

        def run(*words, module="retrieval.__main__"):
            process.stdin.write(json.dumps([module, [*map(str, words)]]) + "\n")
            process.stdin.flush()
            return tuple(json.loads(process.stdout.readline()))

        yield run
        process.stdin.close()
