"""Where one goes after the login: to a page of ours, never to another's."""

import re

HOME = "/desk"
_LOCAL = re.compile(r"/(?![/\\])[!-~]*")  # a path of ours, never //elsewhere


def local_path(asked_for: str | None) -> str:
    """Return what was asked for where it is an address of ours, else the desk."""
    return asked_for if asked_for and _LOCAL.fullmatch(asked_for) else HOME
