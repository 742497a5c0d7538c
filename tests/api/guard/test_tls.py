from __future__ import annotations

from pathlib import Path

import pytest

from api_certificates import certificate
from livedvr.api.guard.tls import open_tls
from livedvr.resources.errors import InvalidArgument


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


def test_a_pair(pair: tuple[Path, Path]) -> None:
    tls = open_tls(*pair)
    assert tls is not None
    assert [text[:10] for text in tls.pem()] == [b"-----BEGIN"] * 2
    assert open_tls(None, None) is None


def test_one_without_the_other(pair: tuple[Path, Path]) -> None:
    for given, missing in (((pair[0], None), "--tls-key"), ((None, pair[1]), "--tls-cert")):
        with pytest.raises(InvalidArgument, match="is given without") as caught:
            open_tls(*given)
        assert caught.value.field == missing


def test_files_that_are_not_there_or_no_pem(pair: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"--tls-cert .*none: cannot be read: No such file"):
        open_tls(tmp_path / "none", pair[1])
    with pytest.raises(InvalidArgument, match=r"--tls-key .*: cannot be read: Is a directory"):
        open_tls(pair[0], tmp_path)
    text = tmp_path / "text"
    text.write_text("hello")
    with pytest.raises(InvalidArgument, match=r"--tls-cert .*text: there is no CERTIFICATE in it"):
        open_tls(text, pair[1])
    with pytest.raises(InvalidArgument, match=r"--tls-key .*cert.pem: there is no PRIVATE KEY in it"):
        open_tls(pair[0], pair[0])
    text.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(InvalidArgument, match=r"--tls-cert .*text.*cannot be used"):
        open_tls(text, pair[1])


def test_the_key_of_another(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = certificate(tmp_path)
    with pytest.raises(InvalidArgument, match=f"--tls-key {other[1]}: it is not the key of {pair[0]}"):
        open_tls(pair[0], other[1])


def test_a_key_with_a_passphrase(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="it has a passphrase"):
        open_tls(*certificate(tmp_path, passphrase="secret"))
