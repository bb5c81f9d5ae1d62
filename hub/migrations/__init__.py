"""The history of the schema, by Alembic."""
from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from hub.database import Database
from plugins.errors import ConfigurationError


def alembic_config(db: Database) -> Config:
    """Alembic's configuration for a database; its env.py takes the engine from here."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.set_main_option("path_separator", "os")
    config.attributes["engine"] = db.engine
    return config


def upgrade(db: Database) -> None:
    """Bring the schema up to date. Raises ConfigurationError when the database is of a later version than this program."""
    config = alembic_config(db)
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(config)
    if present == script.get_current_head():
        return
    if present is not None and present not in {each.revision for each in script.walk_revisions()}:
        raise ConfigurationError("the database belongs to a later version of the hub")
    command.upgrade(config, "head")
