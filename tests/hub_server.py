"""A hub on this machine: folders of repositories behind the few answers that fetching needs.

GET  /api/models/<owner>/<name>[/revision/<revision>]    revision and files, with their hashes
HEAD, GET  /<owner>/<name>/resolve/<revision>/<file>     a file, or its rest
"""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from angen.parts import file_sha256

NEWEST = "0123456789abcdef0123456789abcdef01234567"
LIST = re.compile(r"/api/models/([^/]+/[^/?]+)(?:/revision/([^/?]+))?(?:\?.*)?$")
FILE = re.compile(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+?)(?:\?.*)?$")


class LocalHub:
    """Serves ``folder/<owner>/<name>/...`` while it is entered.

    url      what HF_ENDPOINT is set to
    asked    what came, as "GET path", with the range where one was asked for
    cut      after so many bytes of a file that has more the connection breaks, once
    gone     from then on nothing is answered any more
    damaged  the file that arrives with another last byte
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.cut: int | None = None
        self.damaged = ""
        self.gone = self._down = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "LocalHub":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def mend(self) -> None:
        """From now on everything arrives."""
        self.cut, self.damaged = None, ""
        self.gone = self._down = False

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def log_message(self, *_: object) -> None:
                """Tests are quiet."""

        return Handler

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        """One request."""
        span = request.headers.get("Range", "")
        self.asked.append(f"{request.command} {request.path} {span}".strip())
        if self._down:
            request.send_error(503)
        elif (listed := LIST.match(request.path)) and (self.folder / listed[1]).is_dir():
            self._list(request, listed[1], listed[2] or NEWEST)
        elif (found := FILE.match(request.path)) and (self.folder / found[1] / found[3]).is_file():
            self._file(request, self.folder / found[1] / found[3], found[2], span, body=body)
        else:
            request.send_response(404)
            request.send_header("X-Error-Code", "RepoNotFound")
            request.send_header("Content-Length", "0")
            request.end_headers()

    def _list(self, request: BaseHTTPRequestHandler, repo: str, revision: str) -> None:
        place = self.folder / repo
        files = [
            {
                "rfilename": str(path.relative_to(place)),
                "size": path.stat().st_size,
                "lfs": {
                    "sha256": file_sha256(path),
                    "size": path.stat().st_size,
                    "pointerSize": 130,
                },
            }
            for path in sorted(place.rglob("*"))
            if path.is_file()
        ]
        told = json.dumps({"id": repo, "sha": revision, "siblings": files}).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(told)))
        request.end_headers()
        request.wfile.write(told)

    def _file(
        self, request: BaseHTTPRequestHandler, path: Path, revision: str, span: str, *, body: bool
    ) -> None:
        content = path.read_bytes()
        start = int(span.removeprefix("bytes=").rstrip("-")) if span else 0
        request.send_response(206 if start else 200)
        request.send_header("ETag", f'"{file_sha256(path)}"')
        request.send_header("X-Repo-Commit", revision)
        request.send_header("Accept-Ranges", "bytes")
        request.send_header("Content-Length", str(len(content) - start))
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        request.end_headers()
        if not body:
            return
        if path.name == self.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if self.cut is not None and len(content) > self.cut:
            content, self.cut, self._down = content[: self.cut], None, self.gone
            request.close_connection = True
        request.wfile.write(content[start:])
