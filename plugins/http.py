"""The way to a vendor's HTTP interface: the only module that imports ``requests``.

An adapter makes one client for each connection and keeps it, then says what it wants and gets the parsed body or one of our errors::

    def client(ctx: Context) -> HttpClient:
        return shared(ctx, lambda connection: HttpClient.to(connection, errors=ERRORS, auth=...))

    run = client(ctx).get("/api/runs/{}", reference, shape=dict)

What can happen on the wire is dealt with here, once for all vendors: no connection -> Unreachable, no answer in time -> VendorTimeout,
an error answer -> the vendor's ErrorTable, a broken one -> VendorError. The vendor's answer goes along in ``error.raw``, shortened and
without secrets; ``error.maybe_done`` tells whether the request may have had its effect. Nothing that changes something is ever sent twice.
"""
from __future__ import annotations

import copy
import io
import json as jsonlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any, BinaryIO, Literal
from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

import requests
import urllib3

from plugins.addresses import checked_address, origin
from plugins.codes import Code
from plugins.complaint import Complaint, complaint_in, retry_after
from plugins.context import Connection, Context
from plugins.errors import HubError, InvalidInput, Unreachable, VendorError, VendorTimeout
from plugins.fields import Record, Text, Whole
from plugins.login import Auth, Ticket
from plugins.normalise import CREDENTIALS_REFUSED, ErrorTable, vendor_error
from plugins.redaction import redacted

logger = logging.getLogger(__name__)

TRACE_HEADER = "X-Trace-Id"
CONNECT_TIMEOUT = 3.0
READ_TIMEOUT = 15.0
LARGEST = 16 << 20
LONGEST_RAW = 4096
LONGEST_REASON = 300
REDIRECTS = 3

Kind = Literal["json", "text", "bytes"]


class HttpForm(Record):
    """What every connection over HTTP can be told, beside the vendor's own fields. Base class of adapters' forms."""

    timeout = Whole("等待厂商平台应答的最长时间，单位秒，默认 15", least=1, most=600)
    ca_file = Text("厂商平台使用自签证书时，CA 证书文件（PEM）在服务器上的路径", longest=1024)
    proxy = Text("访问厂商平台使用的 HTTP 代理地址", longest=255)


@dataclass(frozen=True)
class Answer:
    """What came back. ``headers`` are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass(frozen=True)
class _Request:
    method: str
    url: str
    options: dict[str, Any]
    kind: Kind
    timeout: float
    largest: int
    secrets: frozenset[str]
    into: BinaryIO | None = None

    @property
    def reads_only(self) -> bool:
        return self.method in ("GET", "HEAD")


class HttpClient:
    """A vendor's address with the knowledge how to speak to it. May be used by several threads at once."""

    def __init__(
        self,
        address: str,
        *,
        errors: ErrorTable | None = None,
        auth: Auth | None = None,
        complaint: Callable[[int, Any], Complaint | None] = complaint_in,
        secrets: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
        timeout: float = READ_TIMEOUT,
        ca_file: str = "",
        proxy: str = "",
    ) -> None:
        """``headers`` go with every request. Raises ConfigurationError for an address that cannot be used."""
        self.address = checked_address(address)
        self._errors, self._auth, self._complaint, self._timeout = errors or ErrorTable(), auth, complaint, float(timeout)
        self._secrets = frozenset(secret for secret in secrets if secret)
        self._trace_id = ""
        self._session = requests.Session()
        # No .netrc, no proxy and no certificates that the environment happens to name: what counts is the connection's form.
        self._session.trust_env = False
        self._session.verify = ca_file or True
        self._session.proxies = {"http": checked_address(proxy), "https": checked_address(proxy)} if proxy else {}
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers.update({"User-Agent": "rpahub", "Accept": "application/json, */*;q=0.5", **(headers or {})})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, requests.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=8, max_retries=0))
        # urllib3 writes whole request lines at DEBUG, with whatever the query holds; the line below in this module says the same without.
        logging.getLogger("urllib3.connectionpool").addFilter(_is_warning)

    @classmethod
    def to(cls, connection: Connection, **options: Any) -> HttpClient:
        """The client for a connection whose form derives from HttpForm; all its credentials count as secret."""
        form = connection.options
        return cls(
            connection.address,
            secrets=connection.credentials.values(),
            timeout=form.get("timeout") or READ_TIMEOUT,
            ca_file=form.get("ca_file") or "",
            proxy=form.get("proxy") or "",
            **options,
        )

    def __repr__(self) -> str:
        return f"HttpClient({self.address})"

    def traced(self, trace_id: str) -> HttpClient:
        """The same client (and its connections), sending this trace id along."""
        client = copy.copy(self)
        client._trace_id = re.sub(r"[^A-Za-z0-9_.:-]", "", trace_id)[:64]
        return client

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    def get(self, path: str, *parts: Any, **options: Any) -> Any:
        """The body of a GET; see ``send``."""
        return self.send("GET", path, *parts, **options).body

    def post(self, path: str, *parts: Any, **options: Any) -> Any:
        """The body of the answer to a POST; see ``send``."""
        return self.send("POST", path, *parts, **options).body

    def put(self, path: str, *parts: Any, **options: Any) -> Any:
        """The body of the answer to a PUT; see ``send``."""
        return self.send("PUT", path, *parts, **options).body

    def patch(self, path: str, *parts: Any, **options: Any) -> Any:
        """The body of the answer to a PATCH; see ``send``."""
        return self.send("PATCH", path, *parts, **options).body

    def delete(self, path: str, *parts: Any, **options: Any) -> Any:
        """The body of the answer to a DELETE; see ``send``."""
        return self.send("DELETE", path, *parts, **options).body

    def send(
        self,
        method: str,
        path: str,
        *parts: Any,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Any = None,
        files: Any = None,
        headers: Mapping[str, str] | None = None,
        kind: Kind = "json",
        shape: type | tuple[type, ...] | None = None,
        timeout: float | None = None,
        largest: int = LARGEST,
        secrets: Iterable[str] = (),
    ) -> Answer:
        """Send one request and give the answer, or raise one of our errors.

        ``path`` lies under the client's address; each ``{}`` in it takes one of ``parts``, quoted. ``shape`` is the JSON type that the
        body must have. ``timeout`` is in seconds, for the whole answer; ``largest`` bounds it in bytes. ``secrets`` are texts in this
        request that must not come back in an error. ``params``, ``json``, ``data``, ``files`` as ``requests`` takes them.
        """
        request = _Request(
            method=method,
            url=self._url(path, parts),
            options={"params": params, "json": json, "data": data, "files": files, "headers": dict(headers or {})},
            kind=kind,
            timeout=timeout or self._timeout,
            largest=largest,
            secrets=self._secrets | {secret for secret in secrets if secret},
        )
        answer, ticket = self._granted(request, self._auth)
        if shape is not None and not isinstance(answer.body, shape):
            raise self._broken(request, ticket, answer, f"应答结构不符，收到 {type(answer.body).__name__}")
        return answer

    def download(self, address: str, into: BinaryIO, *, largest: int, timeout: float, hosts: Iterable[str] = ()) -> Answer:
        """Write the content at an address that the vendor named into a file, from its start. Sizes in bytes, ``timeout`` in seconds for all of it.

        The address must be on the client's own server, or on one of ``hosts``, which gets no credentials. Raises VendorError for others.
        """
        try:
            url = urljoin(f"{self.address}/", address.strip())
            is_own = origin(url) == origin(self.address)
            usable = is_own or (urlsplit(url).scheme in ("http", "https") and urlsplit(url).hostname in set(hosts))
        except ValueError:
            usable = False
        if not usable or re.search(r"[\\\x00-\x20\x7f]", url):
            raise VendorError("下载地址不属于连接所指的服务器，也不在允许的主机之列")
        options: dict[str, Any] = {"params": None, "json": None, "data": None, "files": None, "headers": {}}
        signs = {value for _, value in parse_qsl(urlsplit(url).query)}
        request = _Request("GET", url, options, "bytes", timeout, largest, self._secrets | signs, into)
        return self._granted(request, self._auth if is_own else None)[0]

    def _granted(self, request: _Request, auth: Auth | None) -> tuple[Answer, Ticket]:
        """The good answer to a request, with the ticket that was good for it: a refused one is renewed, once."""
        ticket = auth(None) if auth else Ticket()
        answer, complaint = self._asked(request, ticket)
        if complaint and auth and self._code(answer, complaint) in CREDENTIALS_REFUSED:
            renewed = auth(ticket)
            if renewed != ticket:
                ticket = renewed
                answer, complaint = self._asked(request, ticket)
        if complaint:
            raise self._refusal(request, answer, complaint, ticket)
        return answer, ticket

    def _url(self, path: str, parts: tuple[Any, ...]) -> str:
        quoted = path.format(*(quote(str(part), safe="") for part in parts)) if parts else path
        steps = unquote(quoted).split("/")
        if "://" in path or path.startswith("//") or re.search(r"[\\?#\x00-\x20\x7f]", path) or any(step in (".", "..") for step in steps):
            raise InvalidInput("引用或地址中含有不允许的字符")
        if any(str(part).strip() == "" for part in parts):
            raise InvalidInput("厂商侧标识为空")
        return f"{self.address}/{quoted.lstrip('/')}"

    def _asked(self, request: _Request, ticket: Ticket) -> tuple[Answer, Complaint | None]:
        started = time.monotonic()
        status, headers, content = self._delivered(request, ticket)
        logger.debug(
            "%s %s -> %s, %d bytes in %.0f ms (trace %s)",
            request.method, request.url.partition("?")[0], status, len(content), (time.monotonic() - started) * 1000, self._trace_id,
        )
        answer = Answer(status, headers, self._body(request, ticket, status, headers, content))
        return answer, self._complaint(status, answer.body)

    def _delivered(self, request: _Request, ticket: Ticket) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and content; follows a GET's redirects on the same host, and repeats a GET once whose connection broke.

        The error is raised outside the ``except`` block: a chained exception of ``requests`` would carry the request with its secrets.
        """
        deadline = time.monotonic() + CONNECT_TIMEOUT + request.timeout
        url, repeated, redirects = request.url, False, 0
        while True:
            failure: HubError | None = None
            try:
                status, headers, content = self._transferred(request, url, ticket, deadline)
            except (requests.RequestException, urllib3.exceptions.HTTPError, UnicodeError) as error:
                failure = network_error(error)
            if failure is not None:
                if not (request.reads_only and failure.maybe_done and isinstance(failure, Unreachable)) or repeated:
                    raise failure
                repeated = True
            elif 300 <= status < 400 and status != 304:
                redirects += 1
                target = urljoin(url, headers.get("Location", ""))
                if not request.reads_only or redirects > REDIRECTS or origin(target) != origin(url):
                    raise VendorError(f"厂商平台要求转到其他地址（HTTP {status}），请核对连接地址", raw={"status": status})
                url = target
            else:
                return status, headers, content

    def _transferred(self, request: _Request, url: str, ticket: Ticket, deadline: float) -> tuple[int, Mapping[str, str], bytes]:
        options = dict(request.options)
        options["headers"] = {**options["headers"], **ticket.headers}
        if self._trace_id:
            options["headers"][TRACE_HEADER] = self._trace_id
        options["params"] = {**(options["params"] or {}), **ticket.params} if url == request.url else None
        # A download may take long, but its pieces must keep coming.
        patience = min(request.timeout, self._timeout) if request.into else request.timeout
        wait = max(0.05, min(patience, deadline - time.monotonic()))
        response = self._session.request(
            request.method, url, timeout=(CONNECT_TIMEOUT, wait), allow_redirects=False, stream=True, **options
        )
        try:
            return response.status_code, response.headers, _content(response, request, deadline)
        finally:
            response.close()

    def _body(self, request: _Request, ticket: Ticket, status: int, headers: Mapping[str, str], content: bytes) -> Any:
        if request.kind == "bytes" and status < 400:
            return content
        if request.kind == "text" and status < 400:
            return content.decode("utf-8", "replace")
        if not content.strip():
            return None
        try:
            return jsonlib.loads(content)
        except (ValueError, RecursionError):
            text = content.decode("utf-8", "replace")
        if status >= 400:
            return text
        sort = "HTML" if "html" in headers.get("Content-Type", "") or text.lstrip()[:1] == "<" else "无法解析的内容"
        raise self._broken(request, ticket, Answer(status, headers, text), f"应为 JSON，收到{sort}")

    def _code(self, answer: Answer, complaint: Complaint) -> Code:
        return self._errors(complaint.code, complaint.text, answer.status if answer.status >= 400 else None)

    def _refusal(self, request: _Request, answer: Answer, complaint: Complaint, ticket: Ticket) -> HubError:
        hide = request.secrets | ticket.secrets()
        reason = f"HTTP {answer.status}" if answer.status >= 400 else f"错误码 {complaint.code}"
        if complaint.text:
            words = " ".join(complaint.text[:4 * LONGEST_RAW].split())
            reason += f"：{redacted(words, hide)[:LONGEST_REASON]}"
        error = vendor_error(
            self._code(answer, complaint),
            reason,
            raw=_raw(answer, hide),
            retry_after=retry_after(answer.headers.get("Retry-After")),
        )
        error.maybe_done = error.maybe_done or answer.status >= 500
        return error

    def _broken(self, request: _Request, ticket: Ticket, answer: Answer, reason: str) -> HubError:
        error = VendorError(reason, raw=_raw(answer, request.secrets | ticket.secrets()))
        error.maybe_done = True
        return error


def shared(ctx: Context, make: Callable[[Connection], HttpClient], name: str = "http") -> HttpClient:
    """The connection's one client in this process, made when first wanted and again when the connection was changed."""
    with ctx.lock:
        # A fork must not go on with its parent's sockets.
        mark = (os.getpid(), ctx.connection)
        kept = ctx.memo.get(name)
        if kept is None or kept[0] != mark:
            kept = ctx.memo[name] = (mark, make(ctx.connection))
    return kept[1].traced(ctx.trace_id)


def network_error(error: Exception) -> HubError:
    """Our error for what ``requests`` or ``urllib3`` raised. It repeats none of their words, which hold addresses with their queries."""
    inner = error.args[0] if error.args else None
    causes = [error, inner, getattr(inner, "reason", None)]

    def among(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    failure: HubError
    if among(urllib3.exceptions.NewConnectionError):
        failure = Unreachable("地址无法解析或连接被拒绝")
    elif among(requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError):
        failure = Unreachable(f"{CONNECT_TIMEOUT:.0f} 秒内未能建立连接")
    elif among(requests.Timeout, urllib3.exceptions.TimeoutError):
        failure = VendorTimeout("未在规定时间内收到完整应答")
    elif among(requests.exceptions.SSLError, urllib3.exceptions.SSLError):
        failure = Unreachable("TLS 握手或证书校验失败")
    elif among(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError):
        failure = Unreachable("无法连接代理服务器")
    elif among(requests.exceptions.ContentDecodingError, urllib3.exceptions.DecodeError, requests.exceptions.ChunkedEncodingError):
        failure = VendorError("应答不完整或无法解码")
        failure.maybe_done = True
    elif isinstance(error, urllib3.exceptions.HTTPError):
        failure = VendorError("应答传输中断")
        failure.maybe_done = True
    elif among(requests.ConnectionError):
        failure = Unreachable("连接被中断，未收到应答")
        failure.maybe_done = True
    else:
        failure = VendorError(f"请求无法发送（{type(error).__name__}）")
    failure.raw = {"error": type(error).__name__}
    return failure


def _raw(answer: Answer, secrets: Iterable[str]) -> dict[str, Any]:
    body = answer.body if isinstance(answer.body, str) else jsonlib.dumps(answer.body, ensure_ascii=False, default=repr)
    # Cut twice: what the first cut leaves of a secret at its edge falls to the second.
    return {"status": answer.status, "body": redacted(body[:4 * LONGEST_RAW], secrets)[:LONGEST_RAW]}


def _content(response: requests.Response, request: _Request, deadline: float) -> bytes:
    """The decoded content, or nothing where it went into the request's file.

    Reads what there is, so that a vendor that sends byte after byte is noticed at the deadline.
    """
    into: BinaryIO = io.BytesIO()
    largest = min(request.largest, LARGEST) if request.into else request.largest
    if request.into and response.status_code < 300:
        into, largest = request.into, request.largest
    into.seek(0)
    into.truncate()
    size = 0
    while piece := response.raw.read1(1 << 16, decode_content=True):
        size += len(piece)
        if size > largest:
            raise VendorError(f"应答超过 {largest} 字节，已停止接收")
        if time.monotonic() > deadline:
            raise VendorTimeout("未在规定时间内收到完整应答")
        into.write(piece)
    return into.getvalue() if isinstance(into, io.BytesIO) else b""


def _is_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING
