"""Write .env with random secrets where .env.example has empty ones; never over an existing file."""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path

EMPTY = re.compile(r"^((?!S3_)\w+)=$", re.MULTILINE)  # S3's come from elsewhere


def main(folder: Path) -> None:
    """Draw the secrets for the compose file in `folder`."""
    example = (folder / ".env.example").read_text("utf-8")
    text = EMPTY.sub(lambda match: f"{match[1]}={secrets.token_urlsafe(32)}", example)
    try:
        handle = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.exit(".env is there already; remove it first if new secrets are wanted")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main(Path(__file__).parent.parent)
