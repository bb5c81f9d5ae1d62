"""Every setting once: name, type, default, meaning.

A value comes from the environment (``RPAHUB_PORT``), else from the TOML file that ``RPAHUB_CONFIG`` or ``--config`` names, else from the
default here. ``rpahub settings`` prints them all.
"""
from __future__ import annotations

import base64
import hashlib
import os
import tomllib
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

PREFIX = "RPAHUB_"


class SettingsError(ValueError):
    """A setting that is unknown or wrong. The message names it and holds no value."""


class Settings(BaseSettings):
    """The settings of one program. Sizes are in bytes and durations in seconds, unless a name says otherwise."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, extra="forbid", frozen=True, validate_default=True)

    profile: Literal["embedded", "production"] = Field("embedded", description="production refuses convenience settings")
    role: Literal["hub", "robot"] = Field("hub", description="what this program is: a hub, or a standalone robot behind its own interface")
    data: Path = Field(Path("data"), description="folder of everything that the hub keeps on this machine")
    host: str = Field("127.0.0.1", description="address that the web server listens on")
    port: int = Field(8000, ge=0, le=65535, description="port that the web server listens on; 0 takes a free one")
    public_url: str = Field("", description="address under which callers reach the hub, for download links; by default taken from each request")

    proxies: int = Field(0, ge=0, le=8, description="reverse proxies in front of the web server, whose X-Forwarded-* headers are believed")

    database_url: SecretStr = Field(SecretStr(""), description="SQLAlchemy address of the database; by default SQLite in the data folder")
    redis_url: SecretStr = Field(SecretStr(""), description="address of a Redis; by default an embedded server on a unix socket")
    s3_bucket: str = Field("", description="S3 bucket of packages, files and recordings; by default they lie in the data folder")
    s3_endpoint: str = Field("", description="address of the S3 service, where it is not Amazon's")
    s3_region: str = Field("us-east-1", description="region of the S3 service")
    s3_access_key_id: SecretStr = Field(SecretStr(""), description="access key of the S3 service")
    s3_secret_access_key: SecretStr = Field(SecretStr(""), description="secret key of the S3 service")
    s3_allow_http: bool = Field(False, description="convenience: speak to the S3 service without TLS; refused in production")
    master_key: SecretStr = Field(SecretStr(""), description="key of secrets at rest, 32 bytes in base64; by default made in the data folder")
    previous_master_keys: SecretStr = Field(SecretStr(""), description="older values of master_key, with commas between, until all is sealed anew")
    at_rest_cipher: Literal["aes-256-gcm", "sm4-gcm"] = Field("aes-256-gcm", description="cipher of secrets at rest")

    workers: int = Field(2, ge=1, le=256, description="worker processes that call vendor platforms")
    robots: int = Field(2, ge=0, le=1000, description="native robots that the first start creates")
    machine_name: str = Field("", description="name of this machine in the hub; by default the host name")
    allow_machine_power: bool = Field(False, description="let administrators of the hub reboot and shut down this machine")
    machine_reboot_command: list[str] = Field(["systemctl", "reboot"], min_length=1, description="program and arguments that reboot this machine")
    machine_shutdown_command: list[str] = Field(["systemctl", "poweroff"], min_length=1, description="program and arguments that shut it down")
    upgrade_command: list[str] = Field(
        [], description="program and arguments that install robots on this machine, with {file} and {version} in them; empty is never"
    )
    upgrade_timeout: int = Field(900, ge=5, le=86400, description="longest run of upgrade_command, and wait for the robots' new version")
    machine_sample_interval: float = Field(15.0, gt=0, le=45, description="pause between two looks at this machine's figures")
    machine_history_days: int = Field(30, ge=1, le=3650, description="days that the figures of machines are kept, minute by minute")
    web_workers: int = Field(1, ge=1, le=64, description="processes of the web server")
    web_threads: int = Field(16, ge=1, le=512, description="requests that one web process serves at once")

    admin_password: SecretStr = Field(SecretStr(""), description="password of admin at the first start; by default a random one is made and printed")
    robot_secret: SecretStr = Field(SecretStr(""), description="secret of a standalone robot; by default a random one is made and printed")
    allow_plain_passwords: bool = Field(True, description="convenience: accept passwords on the wire as plain text; refused in production")
    allow_plain_over_http: bool = Field(False, description="convenience: accept them over HTTP without TLS from other machines too")
    require_password_nonce: bool = Field(False, description="accept encrypted passwords only with a nonce and a time inside, against replay")
    wire_key_overlap: int = Field(86400, ge=0, description="how long a wire key is still taken once there is a newer one")
    token_lifetime: int = Field(7200, ge=60, description="lifetime of a user's token")
    robot_token_lifetime: int = Field(86400, ge=60, description="lifetime of a robot's token")
    download_lifetime: int = Field(600, ge=10, description="lifetime of a signed download address")

    single_session: bool = Field(False, description="a new token of a user ends the older ones")
    login_failures: int = Field(5, ge=0, description="failed logins in a row that lock a user; 0 never locks")
    login_lock: int = Field(900, ge=1, description="how long failed logins lock a user")
    password_length: int = Field(8, ge=8, le=128, description="least length of a password, in characters")
    password_kinds: int = Field(2, ge=1, le=4, description="how many of lower case, upper case, digits and others a password must have")
    password_days: int = Field(0, ge=0, description="days after which a password must be changed; 0 never")
    rate_limit_ip: int = Field(60_000, ge=0, description="calls a minute from one address; 0 is without limit")
    rate_limit_client: int = Field(60_000, ge=0, description="calls a minute of one user or application; 0 is without limit")
    rate_limit_operation: int = Field(30_000, ge=0, description="calls a minute of one client to one operation; 0 is without limit")
    rate_limit_login: int = Field(120, ge=0, description="authentications a minute from one address; 0 is without limit")
    call_log_days: int = Field(90, ge=1, description="days that the call log is kept")
    call_log_body: int = Field(4096, ge=0, description="characters that the call log keeps of each request and response")
    metrics_token: SecretStr = Field(SecretStr(""), description="bearer token for /metrics; without one only this machine may read them")

    strict: bool = Field(False, description="refuse what the standard's tables refuse, instead of coercing lossless other forms")
    accept_bearer: bool = Field(False, description="take the token from an Authorization: Bearer header too, where there is no token header")
    http_always_200: bool = Field(False, description="answer every call with HTTP status 200, for callers that read resultCode only")
    time_zone: str = Field("Asia/Shanghai", description="zone of the times on the wire")
    page_size_limit: int = Field(1000, ge=1, description="largest pageSize")
    licence_public_key: str = Field("", description="Ed25519 public key (base64) of whoever signs licence files; without one only unsigned ones are taken")
    task_count_limit: int = Field(1000, ge=1, description="largest totalCount of one task/create")
    max_request: int = Field(256 * 1024**2, ge=1024, description="largest request")
    max_json: int = Field(64 * 1024**2, ge=1024, description="largest JSON request")
    max_package: int = Field(200 * 1024**2, ge=1024, description="largest process package")
    max_recording: int = Field(2 * 1024**3, ge=1024, description="largest recording that is fetched from a vendor platform")
    max_unpacked: int = Field(1024**3, ge=1024, description="largest unpacked process package")

    task_lease: int = Field(20, ge=3, le=45, description="a run that its robot has not confirmed for so long has failed")
    robot_timeout: int = Field(12, ge=3, description="a robot that has not been heard of for so long is offline")
    scheduler_interval: float = Field(1.0, gt=0, description="pause between two rounds of the scheduler")
    requeue_after: float = Field(5.0, gt=0, description="a queued task whose job is missing for so long is queued again")
    vendor_poll_interval: float = Field(2.0, gt=0, description="pause between two looks at the running tasks of a connection")
    vendor_timeout: float = Field(15.0, gt=0, le=300, description="longest wait for a vendor platform's answer")
    keep_work_folders: int = Field(20, ge=0, description="work folders of ended tasks that a robot keeps")
    keep_work_days: float = Field(0, ge=0, description="days for which a robot keeps them; 0 is however long")

    recording_fps: int = Field(5, ge=1, le=30, description="pictures a second of screen recordings")
    recording_quality: int = Field(28, ge=16, le=45, description="constant rate factor of recordings: 18 looks best, 40 takes least room")
    live_streams: int = Field(4, ge=1, le=256, description="live streams that one web process serves at once, at most half of web_threads")
    live_lifetime: int = Field(600, ge=10, le=86400, description="how long a live view lasts, and its addresses with it")
    desktop_enabled: bool = Field(False, description="serve remote desktops of robots on this machine; takes the extra desktop and x11vnc")
    desktop_host: str = Field("127.0.0.1", description="address that the remote desktops listen on")
    desktop_port: int = Field(8002, ge=1, le=65535, description="port that the remote desktops listen on")
    desktop_url: str = Field("", description="address under which browsers reach the remote desktops, such as https://desktop.example.com")
    desktop_lifetime: int = Field(3600, ge=60, le=86400, description="longest remote desktop session")
    desktop_sessions: int = Field(8, ge=1, le=256, description="remote desktop sessions at once on one machine")
    task_memory_limit: int = Field(0, ge=0, description="memory that all processes of a task may take together; 0 is without limit")
    task_cpu_limit: int = Field(0, ge=0, description="processor time that all processes of a task may take together; 0 is without limit")
    task_file_limit: int = Field(0, ge=0, description="largest file that a task's process may write; 0 is without limit")
    pip_index_url: SecretStr = Field(SecretStr(""), description="package index that requirements of packages come from; by default that of pip")
    pip_find_links: str = Field("", description="folder or page of wheels for them; without pip_index_url the only source")
    keep_environments: int = Field(10, ge=1, description="virtual environments of requirements that a machine keeps")
    credential_lease: int = Field(600, ge=10, le=86400, description="how long a task is to use a credential that it was told")
    queue_item_lease: int = Field(300, ge=1, le=86400, description="how long a task holds a queue item, where it does not say so itself")

    log_format: Literal["text", "json"] = Field("text", description="form of the program's own log")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level of the program's own log")

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError("no such time zone") from error
        return value

    @field_validator("licence_public_key")
    @classmethod
    def _ed25519_key(cls, value: str) -> str:
        """The 32 bytes of the key, or the 44 of its DER form as they stand in a PEM file."""
        if value and len(base64.b64decode(value, validate=True)) not in (32, 44):
            raise ValueError("must be an Ed25519 public key in base64")
        return value

    @model_validator(mode="after")
    def _safe_in_production(self) -> Settings:
        if self.profile == "production" and self.allow_plain_passwords:
            raise ValueError("allow_plain_passwords must be false in the production profile")
        if self.profile == "production" and self.s3_allow_http:
            raise ValueError("s3_allow_http must be false in the production profile")
        return self

    @property
    def database(self) -> str:
        """The SQLAlchemy address in force."""
        path = str(self.data / "hub.db").replace("%", "%25").replace("?", "%3F")
        return self.database_url.get_secret_value() or f"sqlite:///{path}"

    @property
    def run_folder(self) -> Path:
        """Sockets, pid and lock files of the running parts."""
        return self.data / "run"

    @property
    def log_folder(self) -> Path:
        """The program's own logs."""
        return self.data / "logs"

    @property
    def redis(self) -> str:
        """The Redis address in force."""
        return self.redis_url.get_secret_value() or f"unix://{quote(os.fsencode(self.redis_socket))}"

    @property
    def redis_socket(self) -> Path:
        """Socket of the embedded server. Unix socket addresses may be 107 bytes long at most, so a deep data folder gets one under /tmp."""
        socket = self.run_folder / "redis.sock"
        if len(os.fsencode(socket)) <= 100:
            return socket
        return Path("/tmp") / f"rpahub-{os.getuid()}-{hashlib.sha256(os.fsencode(self.data)).hexdigest()[:16]}" / "redis.sock"

    @property
    def embedded_redis(self) -> bool:
        """Whether the hub runs its own Redis-compatible server."""
        return not self.redis_url.get_secret_value()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in the program, over the environment, over the file."""
        named = os.environ.get("RPAHUB_CONFIG")
        toml = (TomlConfigSettingsSource(settings_cls, Path(named)),) if named else ()
        return (init_settings, env_settings, *toml)


def load(**overrides: Any) -> Settings:
    """The settings of this program; ``overrides`` that are None do not count. Raises SettingsError, which names each setting that is wrong."""
    named = os.environ.get("RPAHUB_CONFIG")
    if named and not Path(named).is_file():
        raise SettingsError(f"RPAHUB_CONFIG names no file: {named}")
    if unknown := _unknown_variables():
        raise SettingsError("; ".join(unknown))
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise SettingsError("; ".join(_problem(each) for each in error.errors(include_input=False, include_url=False))) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{named} is not TOML: {error}") from error


def source(name: str) -> str:
    """Where the value of a setting comes from: "environment", "file" or "default"."""
    if name in _variables():
        return "environment"
    file = os.environ.get("RPAHUB_CONFIG")
    return "file" if file and name in tomllib.loads(Path(file).read_text("utf-8")) else "default"


def _variables() -> dict[str, str]:
    """The environment variables with our prefix: name of the setting -> name of the variable. Their case does not matter."""
    return {key[len(PREFIX) :].lower(): key for key in os.environ if key.upper().startswith(PREFIX)}


def _unknown_variables() -> list[str]:
    """What to say about variables with our prefix that are no setting: a misspelt one must not be ignored in silence."""
    unknown = {name: key for name, key in _variables().items() if name not in Settings.model_fields and name != "config"}
    return [f"{key} is no setting{_suggestion(name)}" for name, key in sorted(unknown.items()) if not name.startswith("test_")]


def _suggestion(name: str) -> str:
    near = get_close_matches(name, Settings.model_fields, n=1)
    return f" (is {near[0]} meant?)" if near else ""


def _problem(error: ErrorDetails) -> str:
    """One error of pydantic in one line, without the value, which may be a secret."""
    name = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{name} is no setting{_suggestion(name)}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{name}: {message} (from the {source(name)})" if name else message
