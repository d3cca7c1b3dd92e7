"""Why a server was not reached: the line that says it, and the setting that mends it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

from ..redaction import redacted, shown

WAY_OUT = "start it or mend MLFLOW_TRACKING_URI"
_UNKNOWN_ISSUER = {18, 19, 20, 21}
"""OpenSSL's codes of a certificate that nobody trusted has signed; others are too old, say."""


def why_not_reached(address: str, error: Exception) -> str:
    """The line for an error of MLflow's client, or of a setting that it cannot read.

    Args:
        address: Of the server.
        error: What was raised; the errors that led to it are looked at, too.
    """
    from requests import RequestException

    server = f"the MLflow server {shown(address)}"
    reasons = list(_reasons(error))
    for one in reasons:
        if isinstance(one, ssl.SSLCertVerificationError):
            mended = (
                "set MLFLOW_TRACKING_SERVER_CERT_PATH to the file of its certificate, or of the "
                "authority that signed it"
            )
            way_out = mended if one.verify_code in _UNKNOWN_ISSUER else WAY_OUT
            return (
                f"{server} has a certificate that is not trusted ({one.verify_message}); {way_out}"
            )
        if address.startswith("https:") and _is_cut(one):
            return (
                f"{server} ends the connection; if it asks for a certificate of yours, set "
                f"MLFLOW_TRACKING_CLIENT_CERT_PATH; else {WAY_OUT}"
            )
    for one in reasons:
        if isinstance(one, (RequestException, UnicodeError)):  # the latter, of a host's name
            return f"{server} cannot be reached ({type(one).__name__}); {WAY_OUT}"
    why = error if isinstance(error, ValueError) else reasons[-1]  # MLflow's words, or the first
    said = redacted(" ".join(str(why).split()))
    return f"{server} cannot be asked: {said}; mend the setting"


def _reasons(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that led to it; urllib3 names some as an argument alone."""
    while error is not None:
        yield error
        for inner in error.args:
            if isinstance(inner, BaseException):
                yield from _reasons(inner)
        error = error.__cause__ or error.__context__


def _is_cut(error: BaseException) -> bool:
    """Whether the other side ended a connection. What it says of the reason, in TLS 1.3, may be
    lost on the way."""
    is_told = isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")
    return is_told or isinstance(error, (ConnectionResetError, BrokenPipeError, ssl.SSLEOFError))
