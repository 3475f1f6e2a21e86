from .base import IndexKind as IndexKind
from .base import VectorIndex as VectorIndex
from .exact import ExactIndex as ExactIndex
from .registry import DEFAULT_INDEX as DEFAULT_INDEX
from .registry import INDEX_KINDS as INDEX_KINDS
from .registry import get_index_kind as get_index_kind
from .topk import rescore_all as rescore_all
from .topk import validate_k as validate_k
