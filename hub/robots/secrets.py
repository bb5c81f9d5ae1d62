"""The secrets with which robots sign in (clause 6.3.1.1): made here, told once, known by their digests only."""
from __future__ import annotations

from datetime import datetime

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from hub import auth
from hub.database import now
from hub.models import RobotSecret
from hub.security import new_token, token_digest


def in_force(session: Session, robot_id: int) -> RobotSecret | None:
    """The secret that a robot has now; an older one that still holds for a while does not count."""
    return session.scalar(select(RobotSecret).where(RobotSecret.robot_id == robot_id, RobotSecret.expires_at.is_(None)))


def issue(session: Session, robot_id: int, by: str, given: str = "") -> str:
    """A new secret for a robot that has none: ``given``, else a random one. It is not stored, and nobody can tell it again."""
    secret = given or new_token()
    digest = token_digest(secret)
    ended = session.scalar(select(RobotSecret).where(RobotSecret.robot_id == robot_id, RobotSecret.digest == digest)) if given else None
    if ended is None:
        session.add(RobotSecret(robot_id=robot_id, digest=digest, created_by=by))
    else:  # A configured one that was ended before and is configured again.
        ended.created_at, ended.created_by, ended.expires_at, ended.last_used_at = now(), by, None, None
    return secret


def end(session: Session, robot_id: int, at: datetime | None = None) -> int:
    """End the secrets of a robot, now or at a later moment, and its tokens at once (erratum E17). Gives the number of secrets ended."""
    moment = at or now()
    lasting = or_(RobotSecret.expires_at.is_(None), RobotSecret.expires_at > moment)
    statement = update(RobotSecret).where(RobotSecret.robot_id == robot_id, lasting).values(expires_at=moment).returning(RobotSecret.id)
    ended = len(list(session.scalars(statement.execution_options(synchronize_session=False))))
    auth.revoke_tokens(session, robot_id=robot_id)
    return ended
