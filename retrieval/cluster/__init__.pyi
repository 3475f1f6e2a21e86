from .connection import UnreachableServerError as UnreachableServerError
from .ray_encoder import RayEncoder as RayEncoder
from .search import MilvusLibrary as MilvusLibrary  # which registers how it is searched
from .upkeep import find_problems as find_problems
from .upkeep import update_index as update_index
from .url import MilvusUrl as MilvusUrl
