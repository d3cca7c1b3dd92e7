"""Redaction: what is shown and logged has no passwords, tokens or keys in it.

An address is read in both ways in which a library may read it. SQLAlchemy lets a password go on to
the last `@`, `/` and `?` included; urllib ends it at the first `/`. The longer one is hidden.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

HIDDEN = "***"
HARMLESS = frozenset(
    ("application_name", "cache", "channel_binding", "charset", "connect_timeout", "dbname",
     "driver", "gssencmode", "host", "hostaddr", "mode", "port", "sslcert", "sslcrl", "sslmode",
     "sslrootcert", "target_session_attrs", "timeout", "uri", "user")
)  # fmt: skip
"""Options of an address that are shown; of all others, however they are called, only the name."""
ADDRESS = re.compile(r"""\w[\w+.-]*://\S*[^\s'"`,.;:)\]}>]""")
_SECRET = r"pass(?:w(?:or)?d|phrase)?|pwd|secret|token|(?:api|access)[_-]?key|credentials?"  # nosec B105
ASSIGNED = re.compile(
    rf"""(?i)(?<![\w?&])([\w-]*(?:{_SECRET})["']?\s*=\s*|authorization["']?\s*[:=]\s*["']?\w+\s+)"""
    r"""("[^"]*"|'[^']*'|[^\s,;&)]+)"""
)
"""As in a driver's `password=x` or a request's `Authorization: Bearer x`."""


def shown(address: str) -> str:
    """An address without its secrets."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    before, at, after = rest.rpartition("@")
    user, colon, _ = before.partition(":")
    if at and "/" not in user:  # where a slash comes first, no library finds a user
        is_token = not colon and scheme.startswith("http")
        rest = f"{'' if is_token else user}{':' if colon else ''}"
        rest += f"{HIDDEN if colon or is_token else ''}@{after}"
    rest, sharp, fragment = rest.partition("#") if scheme.startswith("http") else (rest, "", "")
    path, question, options = rest.partition("?")
    options = "&".join(map(_option, options.split("&")))
    fragment = HIDDEN if "=" in fragment else fragment
    return f"{scheme}://{path}{question}{options}{sharp}{fragment}"


def _option(text: str) -> str:
    name, equals, _ = text.partition("=")
    return text if not equals or unquote_plus(name).lower() in HARMLESS else f"{name}={HIDDEN}"


def redacted(text: str) -> str:
    """A text in which addresses and other secrets may stand, without them."""
    text = ADDRESS.sub(lambda found: shown(found[0]), text)
    return ASSIGNED.sub(rf"\1{HIDDEN}", text)
