from .exclusions import Exclusions as Exclusions
from .file_scan import quote_path as quote_path
from .indexer import Indexer as Indexer
from .pruning import select_present_roots as select_present_roots
from .role_completion import RoleCompleter as RoleCompleter
from .summary import IndexProgress as IndexProgress
from .summary import RoleCompletion as RoleCompletion
