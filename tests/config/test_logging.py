"""The program's own log: one line for each event, whoever writes it, and no secrets in it."""
from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from config import logging as our_logging
from config.logging import HANDLER_PREFIX, set_up
from config.redaction import LONGEST, is_secret_name, redact, redact_text
from config.settings import Settings, load


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    level = root.level
    yield
    for handler in [each for each in root.handlers if (each.name or "").startswith(HANDLER_PREFIX)]:
        root.removeHandler(handler)
        handler.close()
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


def as_json(tmp_path: Path, **given: object) -> Settings:
    return load(data=tmp_path, log_format="json", **given)


def lines(settings: Settings) -> list[str]:
    return (settings.log_folder / "hub.log").read_text("utf-8").splitlines()


def events(settings: Settings) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines(settings)]


def test_event_has_time_level_role_fields_and_context(tmp_path: Path) -> None:
    settings = as_json(tmp_path)
    set_up(settings, "worker-2")
    with structlog.contextvars.bound_contextvars(trace_id="abc123"):
        structlog.get_logger("hub.tasks").info("任务开始", task_id=5)
    (event,) = events(settings)
    assert event["time"].endswith("+08:00")
    assert {**event, "time": ""} == {
        "time": "",
        "level": "info",
        "role": "worker-2",
        "event": "任务开始",
        "task_id": 5,
        "trace_id": "abc123",
        "logger": "hub.tasks",
    }


def test_standard_library_logging_flows_through_with_the_context(tmp_path: Path) -> None:
    settings = as_json(tmp_path)
    set_up(settings, "web")
    with structlog.contextvars.bound_contextvars(trace_id="abc123"):
        logging.getLogger("some.library").warning("took %d ms", 7, extra={"job": 3})
    (event,) = events(settings)
    assert (event["event"], event["level"], event["trace_id"], event["job"]) == ("took 7 ms", "warning", "abc123", 3)


def test_rq_logs_its_warnings_through_ours_and_keeps_its_chatter(tmp_path: Path) -> None:
    from rq.logutils import setup_loghandlers

    settings = as_json(tmp_path)
    set_up(settings, "worker-1")
    logger = logging.getLogger("rq.worker")
    before = (logger.level, list(logger.handlers))
    try:
        setup_loghandlers("INFO", name="rq.worker")
        logger.info("chatter")
        logger.warning("worth knowing")
        assert logger.handlers == before[1]
    finally:
        logger.setLevel(before[0])
    assert [event["event"] for event in events(settings)] == ["worth knowing"]


def test_level_is_respected(tmp_path: Path) -> None:
    settings = as_json(tmp_path, log_level="warning")
    set_up(settings, "web")
    structlog.get_logger("x").info("no")
    logging.getLogger("x").info("no")
    structlog.get_logger("x").error("yes")
    assert [event["event"] for event in events(settings)] == ["yes"]


def test_secrets_are_masked_by_name_and_by_look(tmp_path: Path) -> None:
    settings = as_json(tmp_path)
    set_up(settings, "web")
    structlog.get_logger("x").warning(
        "connecting to https://bob:s3cret@rpa.example/api?token=s3cret",
        password="s3cret",
        request={"headers": [{"Authorization": "Bearer s3cret-s3cret"}], "body": '{"clientSecret": "s3cret", "n": 1}', "apiKey": b"s3cret"},
        task_id=5,
    )
    logging.getLogger("y").error("userPassword=%s", "s3cret")
    text = "\n".join(lines(settings))
    assert "s3cret" not in text
    assert "https://bob:***@rpa.example/api?token=***" in text
    assert events(settings)[0]["task_id"] == 5


def test_secrets_in_tracebacks_are_masked(tmp_path: Path) -> None:
    settings = as_json(tmp_path)
    set_up(settings, "web")
    try:
        raise ValueError("login failed: password='s3cret', user='bob'")
    except ValueError:
        structlog.get_logger("x").exception("broke")
        logging.getLogger("y").exception("broke too")
    first, second = events(settings)
    assert "s3cret" not in str(first) + str(second)
    assert "ValueError: login failed: password=***, user='bob'" in first["exception"]
    assert "Traceback" in second["exception"]


def test_text_form_has_one_line_for_an_event_whatever_the_event_says(tmp_path: Path) -> None:
    settings = load(data=tmp_path)
    set_up(settings, "web")
    structlog.get_logger("x").info("name is\n2026-01-01 error forged", who="a\nb", count=2)
    (line,) = lines(settings)
    assert r"info    web name is\n2026-01-01 error forged" in line
    assert r'who="a\nb" count=2' in line


def test_traceback_is_indented_under_its_line(tmp_path: Path) -> None:
    settings = load(data=tmp_path)
    set_up(settings, "web")
    try:
        raise ValueError("oh")
    except ValueError:
        structlog.get_logger("x").exception("broke")
    first, *rest = lines(settings)
    assert " broke " in first
    assert rest
    assert all(line.startswith("    ") for line in rest)


def test_terminal_can_be_terser_than_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load(data=tmp_path)
    set_up(settings, "web", terminal="warning")
    structlog.get_logger("x").info("quiet")
    structlog.get_logger("x").warning("loud")
    shown = capsys.readouterr().err
    assert "loud" in shown
    assert "quiet" not in shown
    assert len(lines(settings)) == 2


def test_setting_up_again_replaces_the_role_and_leaves_other_handlers(tmp_path: Path) -> None:
    other = logging.NullHandler()
    logging.getLogger().addHandler(other)
    settings = as_json(tmp_path)
    set_up(settings, "one")
    set_up(settings, "two")
    logging.getLogger("x").warning("once")
    assert [event["role"] for event in events(settings)] == ["two"]
    assert other in logging.getLogger().handlers
    logging.getLogger().removeHandler(other)


def test_processes_that_share_the_file_rotate_it_without_losing_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(our_logging, "LARGEST_FILE", 20_000)
    settings = as_json(tmp_path)
    children = []
    for child in range(3):
        pid = os.fork()
        if pid == 0:
            set_up(settings, f"part-{child}", terminal="critical")
            log = logging.getLogger("x")
            logging.getLogger().handlers[-1].setLevel("CRITICAL")  # the terminal, which the JSON form never makes terse
            for number in range(100):
                log.warning("line", extra={"number": number})
            os._exit(0)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
    files = sorted(settings.log_folder.glob("hub.log*"))
    files.remove(settings.log_folder / "hub.log.lock")
    found = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    assert len(files) > 1
    assert {(each["role"], each["number"]) for each in found} == {(f"part-{child}", number) for child in range(3) for number in range(100)}


@pytest.mark.parametrize("name", ["password", "userPassword", "api_key", "apiKey", "API-KEY", "X-Access-Token", "Authorization", "credential", "口令"])
def test_names_of_secrets_are_known_in_every_spelling(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["keyboard", "author", "design", "token_lifetime", "credentialId", "monkey", "task_id", ""])
def test_names_that_only_sound_like_secrets_are_left_alone(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql+psycopg://hub:p%40ss@db:5432/x", "postgresql+psycopg://hub:***@db:5432/x"),
        ("redis://:pw@cache", "redis://:***@cache"),
        ("Authorization: Basic dXNlcjpwdw==", "Authorization: Basic ***"),
        ("{'client_secret': 'a b', 'n': 1}", "{'client_secret': ***, 'n': 1}"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.abc_d was refused", "*** was refused"),
        ("登录失败，密码：abc，请重试", "登录失败，密码：***，请重试"),
        ("the token has expired: log in", "the token has expired: log in"),
        ("-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY----- end", "*** end"),
    ],
)
def test_secrets_are_found_in_texts(text: str, masked: str) -> None:
    assert redact_text(text) == masked


def test_redaction_ends_in_bounded_time_and_size_on_hostile_texts() -> None:
    for text in ("password" * 100_000, "eyJ-" * 100_000 + "key", "a.a-" * 100_000 + "://"):
        assert len(redact_text(text)) < LONGEST + 100
    nested: list[object] = []
    nested.append(nested)
    assert "..." in str(redact(nested))
