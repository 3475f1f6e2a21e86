from .features.config import PipelineConfig as PipelineConfig
from .indexing.indexer import Indexer as Indexer
from .search.engine import Engine as Engine
from .search.hits import Hit as Hit
from .search.query import Query as Query
from .storage.library import Library as Library
