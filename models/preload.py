"""TensorFlow and the code of networks, loaded by the process that trainers are forked from.

An error is kept for the trainers, which can tell it: that process has nobody to tell it to, and
would end with a traceback each time it is started.
"""

from __future__ import annotations

ERROR: Exception | None = None
try:
    from . import network  # noqa: F401
except Exception as error:  # a broken installation may raise anything
    ERROR = error
