"""Settings: everything that is missing or wrong is told at once, before anything starts."""

from pathlib import Path

import pytest

from bot.settings import Secret, SettingsError, own_secret_key, read_settings
from tests.processes import run

COMPLETE = {
    "ACERTO_WHATSAPP_TOKEN": "token-of-the-system-user",
    "ACERTO_WHATSAPP_APP_SECRET": "one,two",
    "ACERTO_WHATSAPP_VERIFY_TOKEN": "verify",
    "ACERTO_WHATSAPP_PHONE_NUMBER_ID": "106540352242922",
    "ACERTO_WHATSAPP_WABA_ID": "102290129340398",
    "ACERTO_PIX_KEY": "pix@escola-aurora.example",
    "ACERTO_PIX_MERCHANT_NAME": "Escola Aurora",
    "ACERTO_PIX_MERCHANT_CITY": "São Paulo",
}


def mistakes(environment: dict[str, str], *, serving: bool = False) -> list[str]:
    """Return what is wrong with an environment."""
    with pytest.raises(SettingsError) as caught:
        read_settings(environment, serving=serving)
    return caught.value.mistakes


def test_serving_with_nothing_set_names_every_missing_setting_in_one_sentence_each() -> None:
    """Eight things are needed, and all eight are named at once."""
    told = mistakes({}, serving=True)
    assert {sentence.split()[0] for sentence in told} == set(COMPLETE)
    assert len(told) == len(COMPLETE)
    assert all(sentence.endswith(".") for sentence in told)


def test_pix_by_api_also_needs_the_addresses_and_secrets_of_the_bank() -> None:
    """Five more, and nothing that was given is complained of."""
    told = mistakes({**COMPLETE, "ACERTO_PIX": "api"}, serving=True)
    assert [sentence.split()[0].removeprefix("ACERTO_PIX_") for sentence in told] == [
        "API_URL",
        "TOKEN_URL",
        "CLIENT_ID",
        "CLIENT_SECRET",
        "WEBHOOK_SECRET",
    ]


def test_asaas_needs_its_two_secrets_and_no_key_of_ours() -> None:
    given = {k: v for k, v in COMPLETE.items() if k not in ("ACERTO_PIX_KEY", "ACERTO_PIX_MERCHANT_CITY")}
    told = mistakes({**given, "ACERTO_PIX": "asaas", "ACERTO_ASAAS_URL": "api.asaas.com"}, serving=True)
    assert [sentence.split()[0] for sentence in told] == [
        "ACERTO_ASAAS_URL",
        "ACERTO_ASAAS_TOKEN",
        "ACERTO_ASAAS_WEBHOOK_TOKEN",
    ]


def test_a_company_login_needs_its_client_and_secret_whatever_runs() -> None:
    told = mistakes({"ACERTO_OIDC_ISSUER": "https://login.example"})
    assert [sentence.split()[0] for sentence in told] == ["ACERTO_OIDC_CLIENT_ID", "ACERTO_OIDC_CLIENT_SECRET"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ACERTO_PIX", "boleto"),
        ("ACERTO_IDENTITY", "dna"),
        ("ACERTO_PUBLIC_URL", "localhost:8080"),
        ("ACERTO_DATABASE_URL", "mysql://user:secret@host/db"),
        ("ACERTO_WHATSAPP_RATE", "0"),
        ("ACERTO_WHATSAPP_RATE", "fast"),
        ("ACERTO_NUDGE_MINUTES", "-1"),
        ("ACERTO_WHATSAPP_NATIVE_CARD", "maybe"),
        ("ACERTO_WHATSAPP_PHONE", "3004"),
        ("ACERTO_WHATSAPP_PHONE", "wa.me/551130045678"),
        ("ACERTO_WHATSAPP_APP_SECRET", "one,two,three"),
        ("ACERTO_CREDITOR_DOCUMENT", "11.222.333/0001-82"),
        ("ACERTO_TIMEZONE", "Brazil/Atlantis"),
        ("ACERTO_PIX_CERT", "/nowhere/cert.pem"),
        ("ACERTO_SECRET_KEY", "short"),
        ("ACERTO_LADDER", "/nowhere/ladder.yaml"),
        ("ACERTO_TEMPLATES", "/nowhere/templates.yaml"),
        ("ACERTO_PIX_KEY", "chave-é"),
        ("ACERTO_PIX_KEY", "k" * 78),
        ("ACERTO_OIDC_ISSUER", "http://secret@login.example"),
        ("ACERTO_OIDC_ISSUER", "login.example"),
        ("ACERTO_OIDC_ISSUER", "https://[login.example"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_never_with_a_secret(name: str, value: str) -> None:
    """One sentence, which begins with the name; a password in an address is not repeated."""
    told = mistakes({name: value})
    assert len(told) == 1
    assert told[0].startswith(name)
    assert "secret@" not in told[0]


def test_a_complete_environment_is_read_and_its_secrets_print_as_stars() -> None:
    """Two app secrets while rotating; the creditor is named like the Pix merchant unless set."""
    settings = read_settings(COMPLETE, serving=True)
    assert settings.whatsapp.app_secrets == (Secret("one"), Secret("two"))
    assert settings.creditor_name == "Escola Aurora"
    assert "token-of-the-system-user" not in repr(settings)


async def test_serve_says_all_that_is_missing_before_anything_starts(tmp_path: Path) -> None:
    """The command ends with 1, and no home was made."""
    done = await run("serve", environment={"ACERTO_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin"})
    assert done.code == 1
    assert sorted(line.split()[0] for line in done.told.splitlines()) == sorted(COMPLETE)
    assert not (tmp_path / "home").exists()


def test_the_first_start_makes_a_key_that_later_starts_find(tmp_path: Path) -> None:
    """Two hundred and fifty-six bits, readable by the owner alone."""
    key = own_secret_key(tmp_path)
    assert len(bytes.fromhex(key)) == 32
    assert own_secret_key(tmp_path) == key
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0
