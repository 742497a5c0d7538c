"""The key that signs: tokens by which receivers of notifications know us, and those that open a recording."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from livedvr.resources.errors import InvalidArgument

ALGORITHM = "RS256"
_BITS = 2048


class SigningKey:
    """An RSA key in a file (PEM), which is made, for its user alone, if it is not there.

    INVALID_ARGUMENT: the file cannot be read or made, or holds no RSA key.
    """

    def __init__(self, path: Path) -> None:
        try:
            key = serialization.load_pem_private_key(_read(path), None)
        except OSError as error:
            raise InvalidArgument(f"{path}: {error.strerror}", field="key_file") from error
        except (ValueError, TypeError) as error:
            raise InvalidArgument(f"{path} holds no private key in PEM without a password", field="key_file") from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise InvalidArgument(f"{path} holds no RSA key", field="key_file", hint="openssl genrsa")
        self._key, self._public = key, key.public_key()
        form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        self._id = hashlib.sha256(self._public.public_bytes(*form)).hexdigest()[:32]

    def sign(self, claims: dict[str, Any]) -> str:
        """A token; the same one for the same claims."""
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._id})

    def has_signed(self, token: str, claims: dict[str, Any]) -> bool:
        """Whether it is a token of ours that claims this. Times are the caller's business."""
        unchecked = {"verify_exp": False, "verify_nbf": False, "verify_iat": False, "verify_aud": False}
        try:
            found = jwt.decode(token, self._public, algorithms=[ALGORITHM], options=unchecked)  # type: ignore[arg-type]
        except jwt.InvalidTokenError:
            return False
        return claims.items() <= found.items()

    def jwks(self) -> dict[str, Any]:
        """The public half (RFC 7517)."""
        public = RSAAlgorithm.to_jwk(self._public, as_dict=True)
        return {"keys": [{**public, "kid": self._id, "use": "sig", "alg": ALGORITHM}]}


def _read(path: Path) -> bytes:
    if not path.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(made.private_bytes(*form))
    return path.read_bytes()
