"""`acerto verify`: a case file held to what it says, anywhere, without a database."""

import json
from pathlib import Path

import click

from bot.papers.case_envelope import NoCase, read
from bot.store.case_checks import Check, checks


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", metavar="KEY", help="The creditor's public key: the file must be signed with it.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def verify(file: Path, key: str | None, as_json: bool) -> None:
    """Check a case FILE: one line for each check. The exit code is 1 where one fails."""
    try:
        envelope = read(file.read_bytes())
    except NoCase as error:
        raise click.ClickException(f"{file.name} is no case file: {error}") from None
    found = checks(envelope, key)
    wrong = [check for check in found if check.wrong]
    if as_json:
        click.echo(
            json.dumps(
                {"ok": not wrong, "sha256": envelope.digest, "key": envelope.key, "checks": [_plain(c) for c in found]},
                ensure_ascii=False,
                indent=2,
            )
        )
    else:
        for check in found:
            click.echo(f"{'✗' if check.wrong else '✓'} {check.says}{_why(check)}")
        click.echo(f"SHA-256 {envelope.digest}")
    if wrong:
        count = "1 check fails" if len(wrong) == 1 else f"{len(wrong)} checks fail"
        raise click.ClickException(f"{count}: this is not what the creditor's program wrote, or it is wrong.")


def _why(check: Check) -> str:
    return f" – {'; '.join(check.wrong)}" if check.wrong else ""


def _plain(check: Check) -> dict[str, object]:
    return {"check": check.name, "ok": not check.wrong, "says": check.says, "wrong": list(check.wrong)}
