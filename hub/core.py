"""The hub: what every part of it (web server, worker, robot, scheduler, command line) is wired from."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from redis import Redis

from config.settings import Settings
from hub.blobs import blobs
from hub.calllog import CallLog
from hub.connections import Memory
from hub.database import Database
from hub.limits import Limiter
from hub.paging import PageMemory
from hub.redis_client import patient_client, quick_client
from hub.rights import Remembered
from hub.sealed_files import SealedFiles
from hub.signing import Signer
from hub.store import Store
from hub.vault import Vault, open_vault
from hub.wire_keys import WireKeys
from plugins.manager import Adapters, discover


@dataclass
class Hub:
    """The settings and what is opened from them, each on first use and once for each process."""

    settings: Settings

    @cached_property
    def db(self) -> Database:
        """The database."""
        return Database(self.settings.database)

    @cached_property
    def adapters(self) -> Adapters:
        """The adapters by name."""
        return discover()

    @cached_property
    def memory(self) -> Memory:
        """What adapters remember of their connections in this process."""
        return Memory()

    @cached_property
    def rights(self) -> Remembered:
        """The permissions of callers, as long as no right has changed."""
        return Remembered()

    @cached_property
    def pages(self) -> PageMemory:
        """What is remembered of large lists."""
        return PageMemory()

    @cached_property
    def calls(self) -> CallLog:
        """The call log."""
        return CallLog(self)

    @cached_property
    def limiter(self) -> Limiter:
        """The rate limits."""
        return Limiter(self.redis)

    @cached_property
    def vault(self) -> Vault:
        """The keeper of secrets."""
        return open_vault(self.settings)

    @cached_property
    def signer(self) -> Signer:
        """The keys with which the hub signs recordings."""
        return Signer(self)

    @cached_property
    def wire_keys(self) -> WireKeys:
        """The keys to which callers encrypt."""
        return WireKeys(self)

    @cached_property
    def store(self) -> Store:
        """The store of file contents."""
        return Store(blobs(self.settings, "store"))

    @cached_property
    def files(self) -> SealedFiles:
        """The store of encrypted contents."""
        return SealedFiles(blobs(self.settings, "files"), self.vault)

    @cached_property
    def redis(self) -> Redis:
        """A client that gives up quickly: for calls that somebody waits for."""
        return quick_client(self.settings)

    @cached_property
    def patient_redis(self) -> Redis:
        """A client that waits for its server: for workers and robots."""
        return patient_client(self.settings)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The zone of the times on the wire."""
        return ZoneInfo(self.settings.time_zone)
