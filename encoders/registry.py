"""Names to lazily imported factories, so that listing encoders costs nothing and imports no torch."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path

from encoders.base import Encoder, MissingBackendError, UnknownNameError

INSTALL_COMMAND = "pip install affect-fusion"


class Registry(Mapping[str, str]):
    """name -> "module:factory"; `make(name)` builds the encoder on its first call and caches it.

    A factory with a parameter takes a folder of weights: "name:FOLDER".
    """

    def __init__(self, kind: str, targets: Mapping[str, str]) -> None:
        self.kind = kind
        self._targets = dict(targets)
        self.make = functools.cache(self._make)

    def __getitem__(self, name: str) -> str:
        base = name.partition(":")[0]
        if base not in self._targets:
            raise UnknownNameError(self._format_unknown_name(base))
        return self._targets[base]

    def resolve(self, name: str) -> str:
        """The name with its folder, if any, as an absolute path. Raises UnknownNameError."""
        base, colon, folder = name.partition(":")
        self[base]
        return f"{base}:{Path(folder).expanduser().absolute()}" if colon else base

    def __iter__(self) -> Iterator[str]:
        return iter(self._targets)

    def __len__(self) -> int:
        return len(self._targets)

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def add(self, name: str, target: str) -> None:
        """Register another encoder. Raises ValueError if the name is taken."""
        if name in self._targets:
            raise ValueError(f"{self.kind} {name!r} is taken by {self._targets[name]}")
        self._targets[name] = target

    def _format_unknown_name(self, name: str) -> str:
        nearest = difflib.get_close_matches(name, self._targets, n=1)
        hint = f", did you mean {nearest[0]!r}" if nearest else ""
        return f"no {self.kind} {name!r}{hint}; known: {', '.join(sorted(self._targets))}"

    def _make(self, name: str) -> Encoder:
        module, factory_name = self[name].split(":")
        folder = name.partition(":")[2]
        try:
            factory: Callable[..., Encoder] = getattr(import_module(module), factory_name)
            if folder and not inspect.signature(factory).parameters:
                raise UnknownNameError(f"{self.kind} {name.partition(':')[0]!r} takes no folder")
            return factory(Path(folder)) if folder else factory()
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] == __package__:
                raise  # no package is missing: a fault of our own
            raise MissingBackendError(
                f"{self.kind} {name!r} needs the module {error.name!r}; "
                f"install this project's requirements again ({INSTALL_COMMAND})",
                command=INSTALL_COMMAND,
            ) from error


ENCODERS = Registry(
    "encoder",
    {
        "ast-audioset": "encoders.hub.audio_nets:ast_audioset",
        "blazepose": "encoders.pose:blazepose",
        "clap-htsat-unfused": "encoders.hub.clip_clap:clap_htsat_unfused",
        "clip-vit-base-patch32": "encoders.hub.clip_clap:clip_vit_base_patch32",
        "clipvip": "encoders.clipvip.encoder:clip_vip",
        "efficientnet-lite2": "encoders.efficientnet:efficientnet_lite2",
        "i3d-r50": "encoders.hub.video_nets:i3d_r50",
        "image-1721": "encoders.image_descriptors:image_1721",
        "lite2-flow": "encoders.optical_flow:lite2_flow",
        "logmel": "encoders.logmel:logmel",
        "minilm": "encoders.minilm:minilm",
        "minilm-affect": "encoders.minilm_affect:minilm_affect",
        "mtcnn-expression": "encoders.faces:mtcnn_expression",
        "mtcnn-fer": "encoders.faces:mtcnn_fer",
        "multilingual-minilm": "encoders.hub.multilingual:multilingual_minilm",
        "musicnn": "encoders.musicnn.encoder:musicnn",
        "musicnn-tags": "encoders.musicnn.encoder:musicnn_tags",
        "resnet152": "encoders.hub.torchvision_nets:resnet152",
        "soundnet": "encoders.soundnet.encoder:soundnet",
        "tone": "encoders.acoustic.features:tone",
        "toy-frames": "encoders.toy:toy_frames",
        "toy-sound": "encoders.toy:toy_sound",
        "toy-text": "encoders.toy:toy_text",
        "vgg16": "encoders.hub.torchvision_nets:vgg16",
        "x3d-m": "encoders.hub.video_nets:x3d_m",
        "yamnet": "encoders.yamnet:yamnet",
    },
)
