"""A line between two programs that loses answers: the request arrives and is carried out, and its sender sees a broken connection."""
from __future__ import annotations

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit


class LossyLine:
    """Passes requests on to ``target``. Put the end of an address into ``lose``: the next answer from there is lost, once."""

    def __init__(self, target: str) -> None:
        line = self
        parts = urlsplit(target)
        self.lose: list[str] = []
        self.lost: list[str] = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                there = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
                there.request("POST", self.path, body, dict(self.headers.items()))
                answer = there.getresponse()
                content = answer.read()
                there.close()
                lost = next((each for each in line.lose if self.path.endswith(each)), None)
                if lost is not None:
                    line.lose.remove(lost)
                    line.lost.append(self.path)
                    self.close_connection = True
                    return
                self.send_response_only(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                """What goes over the line is nobody's business."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> LossyLine:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
