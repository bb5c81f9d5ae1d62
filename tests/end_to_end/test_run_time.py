"""A process on a real robot of a real hub leases a credential, reads an asset, works off a queue and exchanges files with the platform."""
from __future__ import annotations

import base64
import uuid

from tests.end_to_end.client import Client
from tests.end_to_end.hub_process import HubProcess

MAIN = """
import os
from rpa_task import asset, complete_item, credential, fail_item, lease_item, log, progress, read_file, set_output, write_file

name = "{name}"
progress(10, "登录")
username, password = credential(name)
print("logs in as", username, "with", password)
log(f"again {{password}}")
set_output("told", f"{{username}}:{{password}}")
progress(50, "处理")
while (item := lease_item(name)) is not None:
    print("item", item["content"]["n"])
    if item["content"]["n"] == 2:
        fail_item(item, "账不平", retry=False)
    else:
        complete_item(item)
path = read_file(f"/run-time/{{name}}.txt")
with open(path, "a") as file:
    file.write(" and back")
set_output("version", write_file(f"/run-time/{{name}}.txt"))
set_output("asset", asset(name) + 1)
assert not [value for value in os.environ.values() if password in value]
"""


def test_a_process_uses_what_the_platform_keeps_for_it(hub: HubProcess, admin: Client, group_id: int) -> None:
    name, password = f"run-{uuid.uuid4().hex[:8]}", f"Secret-{uuid.uuid4().hex}"
    common = {"depId": 1, "isGlobal": True}
    admin.call("credential/create", {**common, "credentialName": name, "credentialUsername": "books", "credentialPassword": password})
    admin.call("asset/create", {**common, "assetName": name, "dataType": 2, "assetValue": "41"})
    queue_id = admin.call("data-queue/create", {"queueName": name, "depId": 1})["queueId"]
    items = [{"content": {"n": n}, "priority": priority} for n, priority in ((1, 2), (2, 1), (3, 0))]
    admin.call("/api/ext/queue-item/add", {"queueId": queue_id, "items": items})
    content = base64.b64encode(b"there").decode()
    file_id = admin.call("file/create", {"depId": 1, "folderPath": "/run-time", "fileName": f"{name}.txt", "file": content})["fileId"]

    task = admin.run(admin.make_process(MAIN.format(name=name), group_id=group_id))
    log = admin.call("task-log/query", {"taskId": task["taskId"]})["logs"]
    assert task["taskState"] == "succeeded", log
    said = [line["message"] for line in log]
    assert "logs in as books with ***" in said
    assert "again ***" in said
    assert [line for line in said if line.startswith("item")] == ["item 3", "item 2", "item 1"]
    assert {line["stepId"] for line in log if line["message"].startswith("item")} == {"处理"}
    told = {each["name"]: each["value"] for each in task["outParameters"]}
    assert told == {"told": "books:***", "version": "2", "asset": "42"}
    assert admin.call("file/query", {"fileId": file_id})["size"] == len("there and back")
    counts = admin.call("data-queue/query", {"queueId": queue_id})
    assert (counts["consumedMessageSuccessCount"], counts["consumedMessageFailCount"], counts["totalCount"]) == (2, 1, 3)
    (usage,) = admin.call("/api/ext/credential/usage/list", {"taskId": task["taskId"]})["usages"]
    assert usage["credentialName"] == name
    audited = admin.call("/api/ext/audit-log/list", {"operation": "credential_lease", "limit": 1000})
    assert name in str(audited)
    assert password not in str(audited)
    everywhere = [path for path in hub.data.rglob("*") if path.is_file() and password.encode() in path.read_bytes()]
    assert everywhere == []


def test_a_process_is_refused_what_is_not_for_its_robot(admin: Client, group_id: int) -> None:
    dep_id = admin.call("department/create", {"depName": f"部门 {uuid.uuid4().hex[:8]}", "parentId": 1})["depId"]
    name = f"foreign-{uuid.uuid4().hex[:8]}"
    given = {"credentialName": name, "credentialUsername": "x", "credentialPassword": "Passw0rd-x", "depId": dep_id, "isGlobal": True}
    admin.call("credential/create", given)
    task = admin.run(admin.make_process(f"import rpa_task\nrpa_task.credential({name!r})", group_id=group_id))
    assert task["taskState"] == "failed"
    assert name in task["reason"]
