"""What a client says of servers that refuse, are away, or are none: one line and an exit code."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from live import free_tcp_port
from livedvr.cli import main, rest
from livedvr.cli.rest import Rest
from livedvr.resources.errors import InvalidArgument, Unreachable
from stub_server import refusal, stub_server


def _run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"LIVEDVR_TOKEN": None, **environment}).invoke(main, [*arguments])


@pytest.mark.parametrize(
    ("code", "status", "field", "exit_code", "said"),
    [
        (400, "INVALID_ARGUMENT", "channel_id", 2, "ID: it is wrong (like this)"),
        (400, "OUT_OF_RANGE", None, 2, "it is wrong (like this)"),
        (501, "UNIMPLEMENTED", "channel.sprite_sheets", 2, "channel.sprite_sheets: it is wrong (like this)"),
        (404, "NOT_FOUND", "name", 3, "it is wrong (like this)"),
        (503, "UNAVAILABLE", None, 4, "it is wrong (like this)"),
        (500, "DATA_LOSS", None, 4, "it is wrong (like this)"),
        (403, "PERMISSION_DENIED", None, 5, "it is wrong (like this)"),
        (400, "FAILED_PRECONDITION", "name", 6, "it is wrong (like this)"),
        (409, "ALREADY_EXISTS", "channel_id", 6, "ID: it is wrong (like this)"),
        (409, "ABORTED", None, 6, "it is wrong (like this)"),
        (429, "RESOURCE_EXHAUSTED", None, 6, "it is wrong (like this)"),
        (500, "INTERNAL", None, 1, "it is wrong (like this)"),
    ],
)
def test_what_a_server_refuses(code: int, status: str, field: str | None, exit_code: int, said: str) -> None:
    with stub_server(refusal(code, status, "it is wrong (like this)", field)) as stub:
        ran = _run("channel", "get", "news", "--server", stub.url)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (exit_code, "", f"livedvr: {said}\n")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, b"<html>hello"), "this is no livedvr server: it answers 200 OK"),
        ((200, b"[]"), "this is no livedvr server: it answers 200 OK"),
        ((404, b'{"detail": "Not Found"}'), "this is no livedvr server: it answers 404 Not Found"),
        ((301, b""), "this is no livedvr server: it answers 301 Moved Permanently"),
        ((502, b"<html>"), "it answers 502 Bad Gateway"),
        ((400, b'{"error": "x"}'), "this is no livedvr server: it answers 400 Bad Request"),
    ],
)
def test_a_server_that_is_no_livedvr(answer: tuple[int, bytes], said: str) -> None:
    with stub_server(answer) as stub:
        ran = _run("input", "list", "--server", stub.url)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (5, "", f"livedvr: {stub.url}: {said}\n")


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("channel list", "channels"),
        ("input list", "inputs"),
        ("session list", "dvrSessions"),
        ("recording list", "recordings"),
        ("channel get a", "resource"),
        ("recording get a", "recording"),
        ("recording start a", "recording"),
        ("recording stop a", "recording"),
    ],
)
def test_somebody_else_who_answers_with_json(command: str, said: str) -> None:
    with stub_server({"status": "ok"}) as stub:
        ran = _run(*command.split(), "--server", stub.url)
    told = f"livedvr: {stub.url}: this is no livedvr server: it answers with no {said}\n"
    assert (ran.exit_code, ran.stdout, ran.stderr) == (5, "", told)


def test_nobody_listens_there() -> None:
    server = f"http://127.0.0.1:{free_tcp_port()}"
    ran = _run("input", "list", "--server", server)
    told = f"livedvr: {server}: it cannot be reached: Connection refused (does `livedvr serve` run there?)\n"
    assert (ran.exit_code, ran.stderr) == (5, told)


@contextmanager
def _talker(line: bytes) -> Iterator[int]:
    """A TCP server that says a line to whoever comes, when it has heard something."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            client, _ = server.accept()
            with client:
                client.recv(65536)
                client.sendall(line)

        thread = threading.Thread(target=talk)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


@pytest.mark.parametrize("line", [b"220 mail.example ESMTP\r\n", b""])
def test_a_port_where_no_http_is_spoken(line: bytes) -> None:
    with _talker(line) as port:
        ran = _run("input", "list", "--server", f"http://127.0.0.1:{port}/")
    told = (
        f"livedvr: http://127.0.0.1:{port}: it does not speak HTTP, or has gone away (https:// instead of http://?)\n"
    )
    assert (ran.exit_code, ran.stderr) == (5, told)


def test_a_port_where_no_tls_is_spoken() -> None:
    with _talker(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        ran = _run("input", "list", "--server", f"https://127.0.0.1:{port}")
    told = f"livedvr: https://127.0.0.1:{port}: it speaks no TLS (http:// instead of https://?)\n"
    assert (ran.exit_code, ran.stderr) == (5, told)


def test_a_certificate_that_nobody_has_signed(tmp_path: Path) -> None:
    certificate = _self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with stub_server({"inputs": []}, tls=context) as stub:
        refused = _run("input", "list", "--server", stub.url, "--json")
        trusted = _run("input", "list", "--server", stub.url, "--json", SSL_CERT_FILE=str(certificate))
    assert refused.exit_code == 5
    assert refused.stderr.startswith(f"livedvr: {stub.url}: its certificate is not trusted: self")
    assert refused.stderr.endswith("(SSL_CERT_FILE names a CA of your own)\n") and refused.stderr.count("\n") == 1
    assert (trusted.exit_code, trusted.stdout) == (0, "[]\n")


def _self_signed(folder: Path) -> Path:
    """A certificate for 127.0.0.1 and its key in one file."""
    from datetime import UTC, datetime, timedelta
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "livedvr")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "both.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_host_that_is_not_there_and_one_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreachable, match="there is no such host"):
        Rest("http://nobody.invalid").ask("GET", "x")
    with pytest.raises(Unreachable, match="there is no such host"):
        Rest("http://a..b").ask("GET", "x")
    monkeypatch.setattr(rest, "ANSWER", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unreachable, match="it does not answer"):
        Rest(f"http://127.0.0.1:{silent.getsockname()[1]}").ask("GET", "x")


@pytest.mark.parametrize(
    "server",
    [
        "",
        "tv",
        "127.0.0.1:8080",
        "ftp://tv",
        "http://",
        "http://u:p@tv",
        "http://tv/v1",
        "http://tv:99999",
        "http://[::1",
    ],
)
def test_what_is_no_server(server: str) -> None:
    with pytest.raises(InvalidArgument, match="is no server"):
        Rest(server)


def test_a_token_of_a_file_or_of_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("s3cret\nwhat follows is a remark\n")
    with stub_server({}) as stub:
        assert _run("input", "list", "--server", stub.url).exit_code == 0
        assert _run("input", "list", "--server", stub.url, LIVEDVR_TOKEN="other").exit_code == 0
        given = ["--token-file", str(file)]
        assert _run("input", "list", *given, LIVEDVR_SERVER=stub.url, LIVEDVR_TOKEN="other").exit_code == 0
    assert [asked.token for asked in stub.asked] == [None, "Bearer other", "Bearer s3cret"]


@pytest.mark.parametrize("text", ["", "\n", "two\twords\n", "schlüssel\n"])
def test_a_file_without_a_token_is_refused_and_not_shown(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    ran = _run("input", "list", "--token-file", str(file))
    told = "livedvr: --token-file: this is no token (one line of printable ASCII)\n"
    assert (ran.exit_code, ran.stderr) == (2, told)
    gone = _run("input", "list", "--token-file", str(tmp_path / "gone"))
    assert gone.stderr == f"livedvr: --token-file: {tmp_path}/gone: No such file or directory\n"
