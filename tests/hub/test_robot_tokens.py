"""Robots sign in with their secrets, which are issued, rotated and revoked (X09, clause 6.3.1.1), and reach nothing but their own."""
from __future__ import annotations

from sqlalchemy import select, update

from hub import rights
from hub.core import Hub
from hub.database import now
from hub.models import AccessToken, Base, RobotSecret
from tests.hub.conftest import Api, Signed
from tests.hub.services import making


def secret_of(api: Api, robot_id: int) -> str:
    return str(api("robot_secret_issue", robotId=robot_id)["secret"])


def test_a_secret_gives_a_token_that_stands_for_the_robot(api: Api, anybody: Signed, hub: Hub) -> None:
    robot = making.robot(api, robotName=making.some("夜班"))
    given = anybody("robot_api_authenticate", secret=secret_of(api, robot))
    assert given["token"] and given["expirationTime"]
    known = Signed(api.dispatcher, anybody.caller, token=given["token"])
    assert known("account_me")["username"] == f"robot-{robot}"
    assert api("robot_secret_query", robotId=robot)["lastUsedTime"]


def test_a_wrong_secret_is_refused_and_nothing_is_told(anybody: Signed) -> None:
    assert anybody.code("robot_api_authenticate", secret="nobody's") == "10004"
    assert anybody.code("robot_api_authenticate", secret="") == "10005"


def test_a_secret_is_kept_as_a_digest_only(api: Api, anybody: Signed, hub: Hub) -> None:
    secret = secret_of(api, making.robot(api, robotName=making.some("夜班")))
    token = anybody("robot_api_authenticate", secret=secret)["token"]
    with hub.db.read() as session:
        rows = [str(tuple(row)) for table in Base.metadata.sorted_tables for row in session.execute(select(table))]
    assert not [row for row in rows if secret in row or token in row]


def test_a_second_issue_is_refused_and_a_rotation_ends_the_old_secret_and_all_tokens(api: Api, anybody: Signed, hub: Hub) -> None:
    robot = making.robot(api, robotName=making.some("夜班"))
    first = secret_of(api, robot)
    assert api.code("robot_secret_issue", robotId=robot) == "10502"
    anybody("robot_api_authenticate", secret=first)
    second = api("robot_secret_rotate", robotId=robot)["secret"]
    assert anybody.code("robot_api_authenticate", secret=first) == "10004"
    with hub.db.read() as session:
        assert session.scalar(select(AccessToken).where(AccessToken.robot_id == robot)) is None
    anybody("robot_api_authenticate", secret=second)


def test_with_an_overlap_both_secrets_hold_until_it_is_over(api: Api, anybody: Signed, hub: Hub) -> None:
    robot = making.robot(api, robotName=making.some("夜班"))
    first = secret_of(api, robot)
    second = api("robot_secret_rotate", robotId=robot, overlapSeconds=60)["secret"]
    assert [anybody.code("robot_api_authenticate", secret=each) for each in (first, second)] == ["00000", "00000"]
    with hub.db.write() as session:
        session.execute(update(RobotSecret).where(RobotSecret.expires_at.is_not(None)).values(expires_at=now()))
    assert [anybody.code("robot_api_authenticate", secret=each) for each in (first, second)] == ["10004", "00000"]


def test_a_revoked_secret_and_a_deleted_robot_open_nothing(api: Api, anybody: Signed) -> None:
    robot, other = making.robot(api, robotName=making.some("夜班")), making.robot(api)
    secret = secret_of(api, robot)
    token = anybody("robot_api_authenticate", secret=secret)["token"]
    api("robot_secret_revoke", robotId=robot)
    assert api.code("robot_secret_revoke", robotId=robot) == "10501"
    assert anybody.code("robot_api_authenticate", secret=secret) == "10004"
    assert Signed(api.dispatcher, anybody.caller, token=token).code("robot_api_process_list") == "10001"
    assert api("robot_secret_query", robotId=robot)["isIssued"] is False
    secret = secret_of(api, other)
    token = anybody("robot_api_authenticate", secret=secret)["token"]
    api("robot_delete", robotId=other)
    assert anybody.code("robot_api_authenticate", secret=secret) == "10004"
    assert Signed(api.dispatcher, anybody.caller, token=token).code("robot_api_process_list") == "10001"


def test_people_cannot_use_the_robot_interface_and_robots_not_the_platform(api: Api, anybody: Signed) -> None:
    assert api.code("robot_api_process_list") == "30001"
    token = anybody("robot_api_authenticate", secret=secret_of(api, making.robot(api, robotName=making.some("夜班"))))["token"]
    robot = Signed(api.dispatcher, anybody.caller, token=token)
    codes = {each.name: robot.code(each.name) for each in api.dispatcher.catalogue if each.side == "platform" and not each.public}
    assert codes.pop("process_list") == "00000"  # E27: at the printed address of its own list a robot gets that
    assert set(codes.values()) == {"30001"}


def test_secrets_are_for_administrators_and_within_the_own_department(api: Api) -> None:
    home = making.department(api)
    foreign = making.robot(api, robotName=making.some("夜班"))
    assert api.within(home).code("robot_secret_issue", robotId=foreign) == "10501"
    roles = rights.builtin_roles(api.dispatcher.catalogue)
    assert not [each for each in roles[rights.OPERATOR] if each.startswith("robot:secret/")]
