from .app import make_app as make_app
from .server import is_loopback as is_loopback
from .server import run_server as run_server
from .services import Services as Services
