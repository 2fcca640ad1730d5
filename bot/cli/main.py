"""`acerto`: the command line, one file per noun."""

import logging
import sys
from collections.abc import Sequence

import click

from bot.cli.demo import demo
from bot.cli.doctor import doctor
from bot.cli.flows import flows
from bot.cli.imports import import_debts
from bot.cli.ladder import ladder
from bot.cli.ledger import ledger
from bot.cli.migrate import migrate
from bot.cli.pause import pause, resume
from bot.cli.payments import payments
from bot.cli.policy import policy
from bot.cli.serve import serve
from bot.cli.simulate import simulate
from bot.cli.templates import templates
from bot.cli.tick import tick
from bot.cli.understand import understand
from bot.cli.user import user
from bot.cli.verify import verify
from bot.logs import set_up_logs
from bot.settings import SettingsError
from bot.store.embedded_server import EmbeddedError
from bot.store.migrate import DatabaseAway, MigrationError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="acerto")
def acerto() -> None:
    """Collects what a company is owed, decently, by WhatsApp."""
    set_up_logs(level=logging.ERROR)  # what a command prints is its answer; `serve` and `demo` log more


for command in (
    serve,
    demo,
    migrate,
    import_debts,
    pause,
    resume,
    payments,
    ladder,
    ledger,
    templates,
    policy,
    understand,
    user,
    doctor,
    simulate,
    tick,
    flows,
    verify,
):
    acerto.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line: 0 done, 1 the thing asked for failed (one line says why), 2 wrong usage."""
    try:
        acerto.main(arguments, standalone_mode=True)
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(mistake, err=True)
        sys.exit(1)
    except (DatabaseAway, MigrationError, EmbeddedError) as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)
    except (PermissionError, FileNotFoundError, FileExistsError, NotADirectoryError) as error:
        click.echo(f"Error: {error.filename}: {error.strerror}.", err=True)
        sys.exit(1)
