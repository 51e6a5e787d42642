"""An issuer of tokens: an OpenID provider on loopback, with a key of its own."""

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

_KEY_ID = "key-1"


class Issuer:
    """Serves its public key, and signs tokens (RS256); a context manager that ends it."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        numbers = self._key.public_key().public_numbers()
        key = {
            "kty": "RSA",
            "use": "sig",
            "alg": "RS256",
            "kid": _KEY_ID,
            "n": _text(numbers.n.to_bytes(256, "big")),
            "e": _text(numbers.e.to_bytes(3, "big")),
        }
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        _Handler.pages = {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
            },
            "/keys": {"keys": [key]},
        }
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def token(self, subject: str, *, audience: str, scope: str = "", lasts: int = 300) -> str:
        """A token of a viewer.

        Args:
            subject: Its ``sub``.
            audience: For whom it is.
            scope: What it allows, names with spaces between.
            lasts: Seconds; negative for one that has expired.
        """
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.url, "sub": subject, "aud": audience}
        claims |= {"iat": now - 600, "exp": now + lasts, "scope": scope}
        head = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
        signed = ".".join(_text(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_text(signature)}"


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, Any]

    def do_GET(self) -> None:
        page = self.pages.get(self.path)
        self.send_response(404 if page is None else 200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(page).encode())

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests' output is not the place."""


def _text(content: bytes) -> str:
    """Base64url without padding, as tokens have it (RFC 7515)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
