"""`log=`: what the client does, told through Python's `logging` under the name ``xdrkit``. Secrets and tokens are never told."""

from __future__ import annotations

from . import _core
from .errors import ConfigurationError

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


def enable(log: object) -> None:
    """Turn it on.

    Args:
        log: ``"debug"`` (every request), ``"info"``, ``"warning"`` (waits and repetitions) or ``"error"``; or ``"stdout"``, which
            writes ``"info"`` and above to standard output, for places that have nothing else.

    Raises:
        ConfigurationError: it is none of these.
    """
    import logging

    name = "info" if log == "stdout" else log
    if not isinstance(name, str) or name not in _LEVELS:
        allowed = ", ".join(f'"{level}"' for level in _LEVELS)
        raise ConfigurationError(f'log: {log!r} is not allowed; it is {allowed} or "stdout"', argument="log")
    logger = logging.getLogger("xdrkit")
    logger.setLevel(_LEVELS[name])
    if log == "stdout" and not logger.handlers:
        import sys

        logger.addHandler(logging.StreamHandler(sys.stdout))
    elif not logger.hasHandlers():
        logger.addHandler(logging.StreamHandler())
    _core.set_log_level(_LEVELS[name])
