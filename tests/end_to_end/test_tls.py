"""An MLflow server with a private certificate, which asks its clients for theirs."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ..commands.refusal import assert_refused
from ..conftest import Run, mlflow_command

LOOPBACK = ipaddress.ip_address("127.0.0.1")


@dataclass
class Server:
    """A server and the files of those who may talk to it.

    Attributes:
        certificate: The server's, which it signed itself.
        client: The key and the certificate of a client, in one file.
    """

    url: str
    certificate: Path
    client: Path


def certify(folder: Path, name: str) -> Path:
    """Write a key and a certificate that it signs itself; gives the file with both."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(LOOPBACK)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    file = folder / f"{name}.pem"
    file.write_bytes(private + certificate.public_bytes(encoding))
    return file


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tls")
    mine, client = certify(folder, "server"), certify(folder, "client")
    options = f"--ssl-keyfile {mine} --ssl-certfile {mine} --ssl-ca-certs {client}"
    required = f"--ssl-cert-reqs {int(ssl.CERT_REQUIRED)}"
    command, port, environment = mlflow_command(folder, "--uvicorn-opts", f"{options} {required}")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=folder, env=environment, **quiet)
    try:
        deadline = time.monotonic() + 240
        while socket.socket().connect_ex(("127.0.0.1", port)):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        yield Server(f"https://127.0.0.1:{port}", mine, client)
    finally:
        process.terminate()
        process.wait()


def test_a_study_is_shipped_with_mlflows_own_settings_of_certificates(
    fmsearch: Run, tmp_path: Path, small_grid: Path, images: Path, server: Server
) -> None:
    told = {
        "MLFLOW_TRACKING_URI": server.url,
        "MLFLOW_TRACKING_SERVER_CERT_PATH": str(server.certificate),
        "MLFLOW_TRACKING_CLIENT_CERT_PATH": str(server.client),
    }
    study = fmsearch("study", "--space", small_grid, "--data", images, **told)
    assert (study.returncode, study.stderr) == (0, "")
    assert list((tmp_path / "mlruns" / "outbox").glob("*/*")) == []
    doctor = fmsearch("doctor", **told)
    assert (doctor.returncode, doctor.stdout.splitlines()[-1]) == (0, "no differences")


def test_a_certificate_need_not_be_checked(installed: Run, server: Server) -> None:
    done = installed(
        "doctor",
        MLFLOW_TRACKING_URI=server.url,
        MLFLOW_TRACKING_INSECURE_TLS="true",
        MLFLOW_TRACKING_CLIENT_CERT_PATH=str(server.client),
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((), "(self-signed certificate); set MLFLOW_TRACKING_SERVER_CERT_PATH to the file of"),
        (("SERVER",), "asks for a certificate of yours, set MLFLOW_TRACKING_CLIENT_CERT_PATH;"),
        (("SERVER", "CLIENT", "INSECURE_TLS"), "only one of these environment variables may be"),
        (("no file",), "invalid path: nowhere.pem; mend the setting, or go on without by --offl"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_one_line_that_names_it(
    fmsearch: Run,
    tmp_path: Path,
    small_grid: Path,
    images: Path,
    server: Server,
    given: tuple[str, ...],
    expected: str,
) -> None:
    told = {
        "SERVER": {"MLFLOW_TRACKING_SERVER_CERT_PATH": str(server.certificate)},
        "CLIENT": {"MLFLOW_TRACKING_CLIENT_CERT_PATH": str(server.client)},
        "INSECURE_TLS": {"MLFLOW_TRACKING_INSECURE_TLS": "true"},
        "no file": {"MLFLOW_TRACKING_SERVER_CERT_PATH": "nowhere.pem"},
    }
    settings = {"MLFLOW_TRACKING_URI": server.url}
    for one in given:
        settings |= told[one]
    done = fmsearch("study", "--space", small_grid, "--data", images, **settings)
    assert_refused(done, expected, tmp_path)
