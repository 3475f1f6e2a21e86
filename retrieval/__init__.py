"""From a folder on disk to ranked results, and the measures of how good they are.

What a program may rely on: `Library` and `PipelineConfig` make and open a library, `Indexer` fills it,
`Engine` answers a `Query` with a list of `Hit`. Each is imported when it is first asked for, so that
`import retrieval` is quick.
"""

import lazy_loader

import encoders as encoders  # for what it does when imported: it forbids telemetry

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)  # names: see __init__.pyi
