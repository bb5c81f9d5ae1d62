"""What running tasks get at: credentials, assets, queue items and files, for the robot that runs the task and no other."""
from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from hub.auth import robot_caller
from hub.call import Source
from hub.core import Hub
from hub.crypto import private_key
from hub.database import now
from hub.models import ApiCall, AuditEntry, CredentialLease, DataQueueItem, Department
from hub.tasks import lifecycle
from hub.tasks.asking import Asking
from hub.tasks.lifecycle import Claim
from hub.tasks.running import TaskRun
from plugins import FileContent, HubError
from tests.hub.conftest import Api, Signed
from tests.hub.services import making

PASSWORD = "Bücher-&-Konto/77"
OVER_HTTP = Source(kind="http", client_ip="127.0.0.1", base_url="http://hub.test/")


class Running:
    """A robot of a department, with a task that it runs."""

    def __init__(self, api: Api, hub: Hub, home: int) -> None:
        self.hub, self.home = hub, home
        self.robot = making.robot(api, home)
        process = making.process(api, home, making.group(api, home, (self.robot,)))
        self.task = making.tasks(api, process)[0]
        claim = lifecycle.claim(hub, self.task, state="running", lease=60, robot_id=self.robot)
        assert claim is not None
        self.claim: Claim = claim
        self.asking = Asking(hub, claim)
        with hub.db.read() as session:
            path = session.get_one(Department, home).path
        self.api = Api(api.dispatcher, robot_caller(self.robot, home, path))

    def ask(self, operation: str, **params: Any) -> dict[str, Any]:
        """As a process asks, inside of the machine."""
        return self.asking.ask(operation, params)

    def code(self, operation: str, **params: Any) -> str:
        try:
            self.ask(operation, **params)
        except HubError as error:
            return error.code.value
        return "00000"


@pytest.fixture
def home(api: Api) -> int:
    return making.department(api)


@pytest.fixture
def running(api: Api, hub: Hub, home: int) -> Running:
    return Running(api, hub, home)


def credential(api: Api, home: int, name: str = "", **changes: Any) -> dict[str, Any]:
    given = {"credentialName": name or making.some("凭据"), "credentialUsername": "books", "credentialPassword": PASSWORD, "depId": home, "isGlobal": True}
    made = api("credential_create", **{**given, **changes})
    return {"id": made["credentialId"], "name": given["credentialName"]}


def queue(api: Api, home: int, *items: dict[str, Any]) -> str:
    name = making.some("队列")
    queue_id = api("data_queue_create", queueName=name, depId=home)["queueId"]
    if items:
        api("queue_item_add", queueId=queue_id, items=list(items))
    return name


def test_a_process_gets_user_name_and_password_and_the_audit_log_the_name_only(api: Api, hub: Hub, running: Running) -> None:
    made = credential(api, running.home)
    found = running.ask("credential_lease", credentialName=made["name"])
    assert (found["credentialUsername"], found["credentialPassword"]) == ("books", PASSWORD)
    assert running.ask("credential_lease", credentialId=made["id"])["credentialName"] == made["name"]
    hub.calls.flush()
    with hub.db.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.operation == "credential_lease")).first()
        calls = session.scalars(select(ApiCall).where(ApiCall.operation == "credential_lease")).all()
    assert entry is not None
    assert (entry.actor, entry.subject["credentialName"], entry.subject["taskId"]) == (f"robot-{running.robot}", made["name"], running.task)
    assert entry.trace_id == running.claim.task.trace_id
    assert [(each.source, PASSWORD in each.request + each.response) for each in calls] == [("run", False)] * 2
    assert PASSWORD not in str(entry.subject)


def test_over_the_network_a_password_is_told_as_ciphertext_to_the_robots_key_only(api: Api, running: Running) -> None:
    made = credential(api, running.home)
    given = {"taskId": running.task, "credentialId": made["id"]}
    assert running.api.answer("credential_lease", OVER_HTTP, **given).code.value == "30001"  # It has no key.
    for algorithm in ("SM2", "RSA"):
        secret, public = private_key.new_pair(algorithm)
        answer = running.api.answer("credential_lease", OVER_HTTP, **given, publicKey=public.text)
        told = answer.data["credentialPassword"]
        assert PASSWORD not in str(answer.data)
        assert private_key.load(algorithm, secret).decrypt(_blob(told)) == PASSWORD.encode()
    assert running.api.answer("crypto_register_key", OVER_HTTP, publicKey=public.text).code.value == "00000"
    assert running.api.answer("credential_lease", OVER_HTTP, **given).data["credentialPassword"]
    assert running.api.answer("credential_lease", OVER_HTTP, **given, publicKey="none").code.value == "10007"


def _blob(told: str) -> bytes:
    body = told.partition(":")[2] or told
    try:
        return bytes.fromhex(body)
    except ValueError:
        return base64.b64decode(body)


def test_only_the_robot_that_runs_the_task_may_lease(api: Api, hub: Hub, running: Running) -> None:
    made = credential(api, running.home)
    other = Running(api, hub, running.home)
    assert other.api.code("credential_lease", taskId=running.task, credentialId=made["id"]) == "10501"
    assert api.code("credential_lease", taskId=running.task, credentialId=made["id"]) == "10501"  # Not even an administrator.
    assert running.api.code("credential_lease", taskId=running.task, credentialId=made["id"]) == "30001"  # It may; it has no key.
    lifecycle.finish(hub, running.task, running.claim.run_key, state="succeeded")
    assert running.api.code("credential_lease", taskId=running.task, credentialId=made["id"]) == "10501"


def test_a_robot_is_granted_what_is_for_all_of_its_departments_or_names_it(api: Api, hub: Hub, home: int) -> None:
    below, beside = making.department(api, home), making.department(api)
    running = Running(api, hub, below)
    above = credential(api, home)
    named = credential(api, home, isGlobal=False, robotIds=[running.robot])
    others = credential(api, below, isGlobal=False, robotIds=[making.robot(api, below)])
    foreign = credential(api, beside)
    codes = [running.code("credential_lease", credentialId=each["id"]) for each in (above, named, others, foreign)]
    assert codes == ["00000", "00000", "10501", "10501"]
    near = credential(api, below, name=above["name"])
    assert running.ask("credential_lease", credentialName=above["name"])["credentialId"] == near["id"]
    api("credential_delete", credentialId=near["id"])
    assert running.ask("credential_lease", credentialName=above["name"])["credentialId"] == above["id"]
    assert running.code("credential_lease", credentialName="没有") == "10501"
    assert running.code("credential_lease") == "10006"


def test_a_run_can_ask_for_nothing_else(running: Running) -> None:
    assert running.code("credential_rotate", credentialId=1) == "30001"
    assert running.code("credential_query", credentialId=1) == "30001"


def test_a_run_asks_for_its_own_task_whatever_it_says(api: Api, hub: Hub, running: Running) -> None:
    other = Running(api, hub, running.home)
    credential(api, running.home, name="甲")
    running.ask("credential_lease", credentialName="甲", taskId=other.task)
    assert [each["taskId"] for each in api("credential_usage_list")["usages"]] == [running.task]


def test_what_was_told_is_hidden_in_log_reason_and_outputs(api: Api, hub: Hub, running: Running) -> None:
    from hub.tasks.jobs import _shown

    made = credential(api, running.home)
    api("asset_create", assetName="表", assetValue='{"key": "geheim-9", "n": 1}', dataType=3, isGlobal=True, depId=running.home)
    with TaskRun(hub, running.claim) as run:
        run.log("info", f"before {PASSWORD}")
        run.ask("credential_lease", {"credentialName": made["name"]})
        run.ask("asset_lease", {"assetName": "表"})
        run.log("info", f"in clear {PASSWORD}!", step=f"log in with {PASSWORD}")
        run.log("info", "base64 " + base64.b64encode(PASSWORD.encode()).decode())
        run.log("info", "url B%C3%BCcher-%26-Konto%2F77 json B\\u00fccher-&-Konto/77 asset geheim-9")
        outputs = _shown(run, [{"name": "o", "value": f"x{PASSWORD}"}, {"name": "p", "value": "y"}])
        assert run.hide(f"failed: {PASSWORD}") == "failed: ***"
    lines = making.log_of(hub, running.task)
    assert lines[0] == f"before {PASSWORD}"  # Nobody knew it for a secret then.
    assert not [line for line in lines[1:] if "Konto" in line or "geheim" in line or base64.b64encode(PASSWORD.encode()).decode()[:12] in line]
    assert outputs == [{"name": "o", "value": "x***"}, {"name": "p", "value": "y"}]
    assert lines[-1].startswith("输出参数 o ")
    assert api("task_log_query", taskId=running.task)["logs"][1]["stepId"] == "log in with ***"


def test_usage_tells_who_was_told_what_and_a_rotation_ends_running_leases(api: Api, hub: Hub, running: Running) -> None:
    made = credential(api, running.home)
    running.ask("credential_lease", credentialId=made["id"])
    (usage,) = api("credential_usage_list", credentialId=made["id"])["usages"]
    assert (usage["taskId"], usage["robotId"], usage["credentialName"], usage["revokeTime"]) == (running.task, running.robot, made["name"], "")
    done = api("credential_rotate", credentialId=made["id"], credentialPassword="New-passw0rd")
    assert (done["isGenerated"], done["credentialPassword"], done["revokedLeases"]) == (False, "", 1)
    assert api("credential_usage_list", taskId=running.task)["usages"][0]["revokeTime"]
    assert running.ask("credential_lease", credentialId=made["id"])["credentialPassword"] == "New-passw0rd"
    assert api("credential_usage_list", robotId=running.robot)["total"] == 2
    other = api.within(making.department(api))
    assert other("credential_usage_list")["usages"] == []
    assert other.code("credential_usage_list", credentialId=made["id"]) == "10501"
    assert other.code("credential_rotate", credentialId=made["id"]) in ("10501", "30001")


def test_a_random_password_is_told_once_to_the_callers_key(api: Api, running: Running) -> None:
    made = credential(api, running.home)
    assert api.code("credential_rotate", credentialId=made["id"]) == "30001"  # Nobody would know the new password.
    secret, public = private_key.new_pair("SM2")
    done = api("credential_rotate", credentialId=made["id"], publicKey=public.text)
    told = private_key.load("SM2", secret).decrypt(_blob(done["credentialPassword"])).decode()
    assert done["isGenerated"] is True
    assert running.ask("credential_lease", credentialId=made["id"])["credentialPassword"] == told
    assert len(told) == 24


@pytest.mark.parametrize(("kind", "text"), [(0, "上海"), (1, "true"), (2, "1.50"), (3, '{"a": [1]}')])
def test_assets_come_with_their_type(api: Api, running: Running, kind: int, text: str) -> None:
    api("asset_create", assetName="值", assetValue=text, dataType=kind, isGlobal=True, depId=running.home)
    found = running.ask("asset_lease", assetName="值")
    assert (found["dataType"], found["assetValue"]) == (kind, text)
    assert running.code("asset_lease", assetName="无") == "10501"


def test_items_come_by_priority_and_age_and_the_counters_stay_right(api: Api, hub: Hub, running: Running) -> None:
    later = (now() + timedelta(hours=9)).strftime("%Y-%m-%d %H:%M:%S")
    items = [{"content": {"n": n}, "priority": priority} for n, priority in enumerate((2, 1, 0, 1))]
    name = queue(api, running.home, *items, {"content": {"n": 9}, "priority": 0, "effectiveTime": later})
    leased = [running.ask("queue_item_lease", queueName=name) for _ in range(4)]
    assert [each["content"]["n"] for each in leased] == [2, 1, 3, 0]
    queue_id = leased[0]["queueId"]
    assert running.ask("queue_item_lease", queueId=queue_id)["itemId"] is None
    ids = [each["itemId"] for each in leased]
    running.ask("queue_item_complete", itemId=ids[0])
    assert running.ask("queue_item_fail", itemId=ids[1], reason="账不平", isRetry=False)["isRetried"] is False
    assert running.ask("queue_item_fail", itemId=ids[2], reason="再试")["isRetried"] is True
    counts = api("data_queue_query", queueId=queue_id)
    assert {key: counts[key] for key in counts if key.endswith("Count")} == {
        "unconsumedMessageCount": 2, "consumedMessageCount": 2, "unavailableMessageCount": 1, "expiredMessageCount": 0,
        "consumedMessageSuccessCount": 1, "consumedMessageFailCount": 1, "totalCount": 5,
    }  # fmt: skip
    again = running.ask("queue_item_lease", queueName=name)
    assert (again["itemId"], again["attempts"], again["maxAttempts"]) == (ids[2], 2, 3)


def test_an_item_fails_for_good_after_its_last_attempt(api: Api, running: Running) -> None:
    name = queue(api, running.home, {"content": {}, "maxAttempts": 2})
    for is_retried in (True, False):
        item = running.ask("queue_item_lease", queueName=name)["itemId"]
        assert running.ask("queue_item_fail", itemId=item)["isRetried"] is is_retried
    assert running.ask("queue_item_lease", queueName=name)["itemId"] is None


def test_a_retry_can_wait(api: Api, running: Running) -> None:
    name = queue(api, running.home, {"content": {}})
    item = running.ask("queue_item_lease", queueName=name)
    running.ask("queue_item_fail", itemId=item["itemId"], delaySeconds=3600)
    assert running.ask("queue_item_lease", queueName=name)["itemId"] is None
    assert api("data_queue_query", queueId=item["queueId"])["unavailableMessageCount"] == 1


def test_a_lease_that_ran_out_gives_the_item_back_and_its_holder_nothing(api: Api, hub: Hub, running: Running) -> None:
    other = Running(api, hub, running.home)
    name = queue(api, running.home, {"content": {}, "maxAttempts": 2})
    item = running.ask("queue_item_lease", queueName=name, leaseSeconds=60)["itemId"]
    assert running.ask("queue_item_heartbeat", itemId=item, leaseSeconds=600)["leaseTime"]
    run_out(hub, item)
    for operation in ("queue_item_heartbeat", "queue_item_complete", "queue_item_fail"):
        assert running.code(operation, itemId=item) == "10504"
    assert other.ask("queue_item_lease", queueName=name)["itemId"] == item
    assert running.code("queue_item_complete", itemId=item) == "10501"
    run_out(hub, item)
    assert other.ask("queue_item_lease", queueName=name)["itemId"] is None  # It had its last attempt.
    (row,) = api("queue_item_list", queueId=api("data_queue_list", keyword=name)["queues"][0]["queueId"])["items"]
    assert (row["itemState"], row["attempts"], row["taskId"]) == ("failed", 2, other.task)


def run_out(hub: Hub, item: int) -> None:
    with hub.db.write() as session:
        session.execute(update(DataQueueItem).where(DataQueueItem.id == item).values(lease_until=now() - timedelta(seconds=1)))


def test_two_robots_never_get_one_item(api: Api, hub: Hub, home: int) -> None:
    robots = [Running(api, hub, home) for _ in range(4)]
    name = queue(api, home, *({"content": {"n": n}} for n in range(60)))
    start = threading.Barrier(len(robots))

    def work(robot: Running) -> list[int]:
        taken: list[int] = []
        start.wait()
        while (item := robot.api("queue_item_lease", taskId=robot.task, queueName=name)["itemId"]) is not None:
            taken.append(item)
            robot.api("queue_item_complete", taskId=robot.task, itemId=item)
        return taken

    with ThreadPoolExecutor(len(robots)) as pool:
        taken = [item for items in pool.map(work, robots) for item in items]
    assert len(taken) == len(set(taken)) == 60
    queue_id = api("data_queue_list", keyword=name)["queues"][0]["queueId"]
    assert api("data_queue_query", queueId=queue_id)["consumedMessageSuccessCount"] == 60


def test_items_of_foreign_queues_and_of_other_tasks_are_not_there(api: Api, hub: Hub, running: Running) -> None:
    foreign = queue(api, making.department(api), {"content": {}})
    assert running.code("queue_item_lease", queueName=foreign) == "10501"
    assert running.code("queue_item_submit", queueName=foreign, content={}) == "10501"
    own = queue(api, running.home)
    made = running.ask("queue_item_submit", queueName=own, content={"a": 1}, reference="R-1", priority=0)["itemId"]
    assert running.code("queue_item_complete", itemId=made) == "10501"  # Nobody has leased it.
    assert running.ask("queue_item_lease", queueName=own)["reference"] == "R-1"


def test_files_are_read_from_the_own_department_and_above_and_written_to_the_own(api: Api, hub: Hub, home: int) -> None:
    below = making.department(api, home)
    running = Running(api, hub, below)
    api("file_create", depId=home, folderPath="/日报", fileName="余额.txt", file=base64.b64encode(b"above").decode())
    found = running.ask("file_read", filePath="/日报/余额.txt")
    assert (found["content"].read(), found["version"]) == (b"above", 1)
    first = running.ask("file_write", filePath="日报/余额.txt", file=FileContent.of(b"own"))
    second = running.ask("file_write", filePath="/日报/余额.txt", file=FileContent.of(b"newer"))
    assert (first["version"], second["version"], first["fileId"]) == (1, 2, second["fileId"])
    assert running.ask("file_read", filePath="/日报/余额.txt")["content"].read() == b"newer"
    assert Running(api, hub, home).ask("file_read", filePath="/日报/余额.txt")["content"].read() == b"above"
    assert running.code("file_read", filePath="/日报/无.txt") == "10501"
    assert running.code("file_write", filePath="/../x", file=FileContent.of(b"x")) == "10007"
    assert running.code("file_read", filePath="/日报/") == "10007"


def test_a_file_with_a_password_needs_it(api: Api, running: Running) -> None:
    content = base64.b64encode(b"guarded").decode()
    api("file_create", depId=running.home, folderPath="/", fileName="g", file=content, filePassword="Pass-of-file-1")
    assert running.code("file_read", filePath="/g") == "10203"
    assert running.code("file_write", filePath="/g", file=FileContent.of(b"x")) == "10203"
    assert running.ask("file_read", filePath="/g", filePassword="Pass-of-file-1")["content"].read() == b"guarded"


def test_leases_with_a_robots_token_pass_the_permissions(api: Api, anybody: Signed, running: Running) -> None:
    token = anybody("robot_api_authenticate", secret=api("robot_secret_issue", robotId=running.robot)["secret"])["token"]
    robot = Signed(api.dispatcher, anybody.caller, token=token)
    api("asset_create", assetName="城市", assetValue="上海", dataType=0, isGlobal=True, depId=running.home)
    assert robot("asset_lease", taskId=running.task, assetName="城市")["assetValue"] == "上海"
    assert robot.code("asset_query", assetId=1) == "30001"
    assert robot.code("credential_usage_list") == "30001"


def test_a_lease_is_stored_without_the_secret(api: Api, hub: Hub, running: Running) -> None:
    running.ask("credential_lease", credentialId=credential(api, running.home)["id"])
    with hub.db.read() as session:
        row = session.scalars(select(CredentialLease)).one()
    assert PASSWORD not in str(vars(row))
    assert timedelta(0) < row.expires_at - row.created_at <= timedelta(seconds=hub.settings.credential_lease)
