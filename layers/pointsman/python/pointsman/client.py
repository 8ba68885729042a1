"""`pointsman_client` under the package's own name: asks a running service, and needs nothing of it."""

try:
    from pointsman_client import *  # noqa: F403
    from pointsman_client import __all__ as __all__
except ModuleNotFoundError as error:
    if error.name != "pointsman_client":
        raise
    raise ModuleNotFoundError(
        "pointsman.client is a package of its own. Install it: pip install 'pointsman[client]'", name=error.name
    ) from None
