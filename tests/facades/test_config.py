"""What is wrong in the file of `--facades` is told by section and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from livedvr.facades.config import check_facades, read_facades
from livedvr.resources.errors import InvalidArgument, PermissionDenied
from livedvr.resources.webhook_policy import PUBLIC, WebhookPolicy
from livedvr.serving import ServeOptions, Server


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = ", "is no TOML"),
        ("[pigeon]\nlisten = '127.0.0.1:1'\n", "there is no facade 'pigeon'"),
    ],
)
def test_a_file_that_is_wrong(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text(text)
    with pytest.raises(InvalidArgument, match=message) as caught:
        read_facades(path)
    assert caught.value.field == "--facades"


def test_an_empty_file_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "facades.toml"
    path.write_text("# nothing yet\n")
    assert read_facades(path) == []
    assert [one.getMessage() for one in caplog.records] == [
        f"{path} switches no facade on: write a section, such as [tencent]"
    ]


def test_no_file(tmp_path: Path) -> None:
    assert read_facades(None) == []
    with pytest.raises(InvalidArgument, match="No such file"):
        read_facades(tmp_path / "none.toml")


DOORS = {"--http": "127.0.0.1:8080", "--grpc": "127.0.0.1:8090"}
DOCS = Path(__file__).parents[2] / "docs"


def documented(folder: Path) -> str:
    """The sections of all facades' pages, in one file."""
    pages = [(DOCS / f"recordings-{name}.md").read_text() for name in ("tencent", "enfonica", "zego", "graph")]
    sections = [block for page in pages for block in re.findall(r"```toml\n(.*?)```", page, re.DOTALL)]
    assert len(sections) == len(pages)
    return "\n".join(sections).replace("/var/lib/livedvr/graph.pem", str(folder / "graph.pem"))


def test_what_the_pages_switch_on_goes_together(tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text(documented(tmp_path))
    facades = read_facades(path)
    check_facades(facades, DOORS, PUBLIC)
    assert len({facade.listen for facade in facades}) == 4
    server = Server(ServeOptions(tmp_path / "data", str(tmp_path), facades=path))
    assert server.addresses["tencent"] == "http://127.0.0.1:8091" and len(server.addresses) == 6


@pytest.mark.parametrize(("other", "first"), [("127.0.0.1:8091", r"\[tencent\] listen"), ("127.0.0.1:8080", "--http")])
def test_two_doors_at_one_address(other: str, first: str, tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text(documented(tmp_path).replace("127.0.0.1:8092", other))
    with pytest.raises(InvalidArgument, match=f"{first} is {other}, too") as caught:
        Server(ServeOptions(tmp_path / "data", str(tmp_path), facades=path))
    assert caught.value.field == "[enfonica] listen"


def test_a_callback_in_a_private_network_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "facades.toml"
    path.write_text(documented(tmp_path).replace("https://hooks.example/trtc", "http://10.0.0.1:9000/trtc"))
    with pytest.raises(PermissionDenied) as caught:
        Server(ServeOptions(tmp_path / "data", str(tmp_path), facades=path))
    assert caught.value.field == "[tencent] apps.1400000001.callback_url"
    assert caught.value.hint == "--allow-webhook 10.0.0.1:9000 allows it"
    check_facades(read_facades(path), DOORS, WebhookPolicy.of(["10.0.0.1:9000"]))
