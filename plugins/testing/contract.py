"""The contract that every adapter keeps, as cases that can be run one by one."""
from __future__ import annotations

import base64
import importlib
import inspect
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any
from urllib.parse import quote

from plugins import codes
from plugins.adapter import Adapter
from plugins.context import Context
from plugins.errors import HubError
from plugins.fields import Record
from plugins.manager import LoadedAdapter, standard_catalogue
from plugins.testing.answers import HOOK_ANSWERS, answer_problems
from plugins.testing.doubles import context_for
from plugins.testing.faults import FAULTS, REFUSED, Fault
from plugins.testing.vendor import FakeVendor

PATIENCE = 0.4
LONGEST = 12.0
MARK = "SUITE-SECRET"
BLAMING = (codes.TOKEN_INVALID, codes.USER_UNKNOWN, codes.PASSWORD_WRONG, codes.NO_PERMISSION)


@dataclass(frozen=True)
class Case:
    """One check. Call it; it raises AssertionError, saying what is wrong. Its text is its name."""

    name: str
    check: Callable[[], None]

    def __call__(self) -> None:
        self.check()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Outcome:
    """What a call came to: an answer or an error, and everything that became visible by it."""

    answer: dict[str, Any] | None
    error: BaseException | None
    seconds: float
    visible: str


class ContractSuite:
    """The checks for one adapter. What they cover is decided by what the adapter implements, never by its name."""

    def __init__(self, adapter: Adapter | LoadedAdapter) -> None:
        self.loaded = adapter if isinstance(adapter, LoadedAdapter) else LoadedAdapter(adapter)
        self.adapter = self.loaded.adapter
        self.catalogue = standard_catalogue()
        names = [each.name for each in self.catalogue if each.hook] + list(HOOK_ANSWERS)
        self.implemented = [name for name in names if self.loaded.implements(name)]

    def cases(self) -> list[Case]:
        """All checks of this adapter."""
        cases = [
            Case("every operation is accounted for", self.check_coverage),
            Case("reasons are given in Chinese", self.check_reasons),
            Case("hooks have the one signature", self.check_signatures),
            Case("the form marks its secrets", self.check_form),
        ]
        if not self.adapter.needs_address:
            return cases
        cases.append(Case("every implemented operation has an example", self.check_examples))
        tried = set()
        for setup, name in self._examined():
            where = f"{setup} {name}".strip()
            cases.append(Case(f"{where} answers in the words of its response", partial(self.check_answer, name, setup)))
            cases.append(Case(f"{where} reports a refused connection", partial(self.check_refused, name, setup)))
            # Functions that one factory makes have one code, which meets every fault alike.
            made_by = (setup, self._code_of(name))
            if made_by not in tried:
                tried.add(made_by)
                cases += [Case(f"{where} survives {fault.name}", partial(self.check_fault, name, fault, setup)) for fault in FAULTS]
        return cases

    def _code_of(self, name: str) -> Any:
        return next(getattr(vars(module)[name], "__code__", name) for module in self.adapter.modules if name in vars(module))

    def _examined(self) -> Iterator[tuple[str, str]]:
        """What is called with which setup. What has no example is asked for all the same, and fails for want of one."""
        setups = self._setups()
        for setup, (_, examples) in setups.items():
            yield from ((setup, name) for name in self.implemented if name in examples and name != "task_run")
        known = {name for _, examples in setups.values() for name in examples}
        yield from (("", name) for name in self.implemented if name not in known and name != "task_run")

    def _setups(self) -> dict[str, tuple[Mapping[str, Any], Mapping[str, dict[str, Any]]]]:
        """The options and examples by the name of the setup; the usual one has none."""
        try:
            contract = self.contract()
        except AssertionError:
            return {}
        return {"": (getattr(contract, "OPTIONS", {}), contract.EXAMPLES), **getattr(contract, "MORE", {})}

    def check_coverage(self) -> None:
        """No silent gap: what the adapter neither implements nor the hub answers is said to be impossible, or to be missing yet.

        The robot's own side (clause 6.3) concerns adapters of single robots only: those that implement any of it.
        """
        sides = {each.side for each in self.catalogue if self.loaded.implements(each.name)} | {"platform"}
        gaps = [
            each.name
            for each in self.catalogue
            if each.side in sides and each.hook and self.loaded.support(each)[0] == "not yet" and each.name not in self.adapter.not_yet
        ]
        assert not gaps, f"neither implemented nor named in 'cannot' or 'not_yet': {', '.join(gaps)}"

    def check_reasons(self) -> None:
        """Each reason is a text that a Chinese reader understands."""
        for name, reason in {**self.adapter.cannot, **self.adapter.not_yet}.items():
            assert any("\u4e00" <= letter <= "\u9fff" for letter in reason), f"the reason for {name} is not in Chinese: {reason!r}"

    def check_signatures(self) -> None:
        """All have the same two arguments, although pluggy lets an implementation leave them out."""
        known = {each.name for each in self.catalogue} | set(HOOK_ANSWERS)
        for module in self.adapter.modules:
            for name, function in vars(module).items():
                if name in known and hasattr(function, "rpahub_impl"):
                    arguments = list(inspect.signature(function).parameters)
                    assert arguments == ["ctx", "params"], f"{module.__name__}.{name} must take (ctx, params), not {arguments}"

    def check_form(self) -> None:
        """What sounds like a secret is declared as one."""
        assert issubclass(self.adapter.form, Record), "the form must be a Record"
        for name, field in self.adapter.form().fields.items():
            sounds = any(word in name.lower() for word in ("secret", "password", "api_key", "apikey", "token"))
            assert not sounds or getattr(field, "secret", False), f"the form's field {name} is not marked secret"

    def check_examples(self) -> None:
        """The suite can only prove what it has an example of."""
        self.contract()
        examples = {name for _, each in self._setups().values() for name in each}
        missing = [name for name in self.implemented if name not in examples]
        unknown = [name for name in examples if name not in self.implemented]
        assert not missing, f"EXAMPLES has no parameters for {', '.join(missing)}"
        assert not unknown, f"EXAMPLES names what is not implemented: {', '.join(unknown)}"

    def check_answer(self, name: str, setup: str = "") -> None:
        """With a healthy vendor the operation answers as its response says."""
        with self._vendor() as vendor:
            outcome = self._call(name, vendor.address, setup)
            assert outcome.error is None, f"{name} failed with a healthy vendor: {outcome.error!r}"
            strange = [f"{seen.method} {seen.path}" for seen in vendor.strange]
            assert not strange, f"{name} asked for {strange}, which vendor() does not teach"
            operation = self.catalogue.by_name.get(name)
            problems = answer_problems(outcome.answer, operation.response if operation else HOOK_ANSWERS[name])
            assert not problems, f"{name}: {'; '.join(problems)}"
            self._check_leaks(name, "a healthy vendor", outcome)

    def check_refused(self, name: str, setup: str = "") -> None:
        """Nobody listens at the address."""
        with self._vendor() as vendor:
            self._call(name, vendor.address, setup)
            asked, address = len(vendor.requests), vendor.address
        if asked:
            self._judge(name, REFUSED, 1, self._call(name, address, setup))

    def check_fault(self, name: str, fault: Fault, setup: str = "") -> None:
        """The fault at each of the operation's calls gives the right error, soon, and shows no secret."""
        with self._vendor() as vendor:
            self._call(name, vendor.address, setup)
            asked = len(vendor.requests)
            for at in range(1, asked + 1):
                vendor.misbehave(lambda seen: fault.act(vendor, seen), at=at)
                self._judge(name, fault, at, self._call(name, vendor.address, setup))

    def contract(self) -> ModuleType:
        """The module ``contract`` beside the adapter's own modules."""
        package = self.adapter.modules[0].__name__.rpartition(".")[0]
        try:
            return importlib.import_module(f"{package}.contract")
        except ModuleNotFoundError as error:
            raise AssertionError(f"{package} has no module 'contract' with EXAMPLES and vendor()") from error

    def _vendor(self) -> FakeVendor:
        vendor = FakeVendor()
        self.contract().vendor(vendor)
        return vendor

    def _context(self, address: str, options: Mapping[str, Any]) -> Context:
        secret = {name: f"{MARK}-{name}-7q9\"/+ä" for name, field in self.adapter.form().fields.items() if getattr(field, "secret", False)}
        return context_for(self.adapter, address, options={"timeout": PATIENCE, **options}, credentials=secret)

    def _call(self, name: str, address: str, setup: str = "") -> Outcome:
        """Carry the example out, noting all that log, error and answer let see."""
        options, examples = self._setups()[setup]
        ctx = self._context(address, options)
        started = time.monotonic()
        answer: dict[str, Any] | None = None
        error: Exception | None = None
        texts: list[str] = []
        with Recorder(texts):
            try:
                answer = self.loaded.call(name, ctx, examples[name])
            except Exception as caught:  # noqa: BLE001 (whatever escapes is what the case judges)
                error = caught
        seconds = time.monotonic() - started
        if error is not None:
            texts += [repr(error), str(error), *traceback.format_exception(error)]
        if isinstance(error, HubError):
            texts += [error.message, json.dumps(error.raw, ensure_ascii=False, default=repr)]
        texts += [json.dumps(answer, ensure_ascii=False, default=repr), repr(ctx), repr(ctx.connection), repr(ctx.memo)]
        return Outcome(answer, error, seconds, "\n".join(texts))

    def _judge(self, name: str, fault: Fault, at: int, outcome: Outcome) -> None:
        where = f"{name}, call {at}, {fault.name}"
        assert outcome.seconds < LONGEST, f"{where}: took {outcome.seconds:.1f} s"
        self._check_leaks(name, fault.name, outcome)
        forgiven: Mapping[tuple[str, str], str] = getattr(self.contract(), "FORGIVES", {})
        if outcome.error is None:
            allowed = fault.may_answer or (name, fault.name) in forgiven
            assert allowed, f"{where}: answered {outcome.answer!r} as if nothing had happened"
            return
        error = outcome.error
        trace = "".join(traceback.format_exception(error))
        assert isinstance(error, HubError), f"{where}: raised {error!r}\n{trace}"
        assert isinstance(error, fault.errors), f"{where}: raised {error!r}"
        assert error.code == fault.code or fault.code is None, f"{where}: answered with code {error.code}, not {fault.code}"
        assert error.code not in BLAMING, f"{where}: the caller is blamed for the connection ({error.code})"
        assert error.retry_after == fault.retry_after or fault.retry_after is None, f"{where}: Retry-After is lost"

    def _check_leaks(self, name: str, when: str, outcome: Outcome) -> None:
        for secret in self._context("", {}).connection.credentials.values():
            for form in _forms(secret):
                position = outcome.visible.find(form)
                around = outcome.visible[max(0, position - 120):position + 20]
                assert position < 0, f"{name}, {when}: a credential can be seen in …{around}"


def _forms(secret: str) -> Iterator[str]:
    """A text as it may look after the usual transformations. In base64 it has three looks, by its position."""
    yield from {secret, quote(secret, safe=""), quote(secret), repr(secret)[1:-1]}
    yield from {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    for shift in range(3):
        yield base64.b64encode(b" " * shift + secret.encode()).decode()[4 if shift else 0:-6]


class Recorder:
    """Collects every log record, of whatever level, while it is entered."""

    def __init__(self, texts: list[str]) -> None:
        self._handler = _Collector(texts)

    def __enter__(self) -> None:
        root = logging.getLogger()
        self._level = root.level
        root.addHandler(self._handler)
        root.setLevel(logging.DEBUG)

    def __exit__(self, *_: Any) -> None:
        root = logging.getLogger()
        root.setLevel(self._level)
        root.removeHandler(self._handler)


class _Collector(logging.Handler):
    def __init__(self, texts: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._texts = texts
        self.setFormatter(logging.Formatter())

    def emit(self, record: logging.LogRecord) -> None:
        self._texts.append(self.format(record))
