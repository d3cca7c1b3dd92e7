"""Seeds that depend on what they are used for, never on when they are drawn."""

import hashlib
import json


def derive_seed(*parts: object) -> int:
    """A seed in [0, 2**31) that depends on the values of `parts` alone.

    The parts are hashed as JSON with sorted keys (SHA-256), so the seed is the same on any
    machine, in any process and in any order of trials.
    """
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
