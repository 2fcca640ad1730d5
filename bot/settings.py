"""What the company set: one frozen `Settings`, read once from the environment and `.env`, with every mistake told at
once.

The only module that reads the environment. `docs/settings.md` documents each name; a test holds them together.
"""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flows.facts import Rules
from payments.documents import NotADocument, read_document

PREFIX = "ACERTO_"
_PACKAGE = Path(__file__).resolve().parent.parent
_POLICIES = _PACKAGE / "flows" / "policies"
_LADDER = _PACKAGE / "flows" / "ladders" / "padrao.yaml"
_TEMPLATES = _PACKAGE / "flows" / "templates" / "padrao.yaml"
_PRICES = _PACKAGE / "flows" / "prices" / "whatsapp.yaml"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_TRUE, _FALSE = {"1", "true", "yes", "on", "sim"}, {"0", "false", "no", "off", "nao", "não", ""}


class SettingsError(Exception):
    """Settings are missing or wrong; `mistakes` has one sentence for each, and all of them."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class Secret(str):
    """A string that prints as stars."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsApp:
    """The creditor's number at Meta."""

    api_url: str = "https://graph.facebook.com/v24.0"
    token: Secret = Secret()
    app_secrets: tuple[Secret, ...] = ()
    verify_token: Secret = Secret()
    phone_number_id: str = ""
    phone: str = ""  # digits with country code, where people write to
    waba_id: str = ""
    rate: int = 80  # messages per second
    daily_limit: int = 0  # people a moving day outside their window, until WhatsApp tells; 0: unlimited
    native_card: bool = False  # the number has payments enabled: order_details instead of picture and code


@dataclass(frozen=True, slots=True, kw_only=True)
class Pix:
    """How the creditor is paid: by Pix, and with Asaas by boleto and card too."""

    mode: str = "static"  # static | api | asaas
    key: str = ""
    merchant_name: str = ""
    merchant_city: str = ""
    api_url: str = ""
    token_url: str = ""
    client_id: str = ""
    client_secret: Secret = Secret()
    cert: Path | None = None
    cert_key: Path | None = None
    ca: Path | None = None
    webhook_secret: Secret = Secret()
    asaas_url: str = "https://api.asaas.com/v3"
    asaas_token: Secret = Secret()
    asaas_webhook_token: Secret = Secret()


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """The company's own login (OpenID Connect); without an issuer there is none."""

    issuer: str = ""
    client_id: str = ""
    client_secret: Secret = Secret()
    role_claim: str = ""  # which claim gives roles; empty: an administrator does


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything that the environment decides. Frozen: a change means a restart."""

    home: Path
    database_url: str | None = None  # None: the embedded PostgreSQL
    redis_url: str | None = None  # None: the embedded Valkey
    public_url: str = "http://localhost:8080"
    policy_dir: Path = _POLICIES
    ladder: Path | None = _LADDER  # None: nobody is reminded
    templates: Path = _TEMPLATES
    prices: Path = _PRICES
    creditor_name: str = ""
    creditor_document: str = ""
    creditor_address: str = ""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("America/Sao_Paulo"))
    identity: str = "document"
    nudge_minutes: int = 60
    whatsapp: WhatsApp = field(default_factory=WhatsApp)
    pix: Pix = field(default_factory=Pix)
    oidc: Oidc = field(default_factory=Oidc)
    secret_key: Secret = Secret()
    second_factor: str = "optional"

    @property
    def rules(self) -> Rules:
        """What of this a decision may know."""
        return Rules(
            creditor_name=self.creditor_name,
            payee_name=self.pix.merchant_name,
            creditor_document=self.creditor_document,
            identity="none" if self.identity == "none" else "document",
            native_card=self.whatsapp.native_card,
            nudge_after_minutes=self.nudge_minutes,
            zone=self.timezone,
        )


def read_settings(environment: Mapping[str, str] | None = None, *, serving: bool = False) -> Settings:
    """Return the settings, or raise `SettingsError` with every mistake.

    `serving`: also require what talking to WhatsApp and to the provider needs. Without `environment` the process's own
    is read, over a `.env` file in the working directory.
    """
    given = _own_environment() if environment is None else environment
    mistakes: list[str] = []
    read = _Reader(given, mistakes)
    home = Path(read.text("HOME", "./.acerto")).expanduser().resolve()
    merchant = read.text("PIX_MERCHANT_NAME", "")
    settings = Settings(
        home=home,
        database_url=read.address("DATABASE_URL", ("postgresql", "postgres")),
        redis_url=read.address("REDIS_URL", ("redis", "rediss", "unix")),
        public_url=(read.address("PUBLIC_URL", ("http", "https")) or "http://localhost:8080").rstrip("/"),
        policy_dir=read.path("POLICY_DIR") or _POLICIES,
        ladder=None if read.text("LADDER", "") == "none" else read.file("LADDER") or _LADDER,
        templates=read.file("TEMPLATES") or _TEMPLATES,
        prices=read.file("PRICES") or _PRICES,
        creditor_name=read.text("CREDITOR_NAME", merchant),
        creditor_document=read.checked("CREDITOR_DOCUMENT", _is_document, "is no CPF or CNPJ; check its digits"),
        creditor_address=read.text("CREDITOR_ADDRESS", ""),
        timezone=read.zone("TIMEZONE", "America/Sao_Paulo"),
        identity=read.one_of("IDENTITY", ("document", "none")),
        nudge_minutes=read.whole("NUDGE_MINUTES", 60, 0, 1380),
        whatsapp=_whatsapp(read, serving),
        pix=_pix(read, merchant, serving),
        oidc=_oidc(read),
        secret_key=Secret(read.text("SECRET_KEY", "")),
        second_factor=read.one_of("SECOND_FACTOR", ("optional", "required")),
    )
    if settings.secret_key and len(settings.secret_key) < 32:
        mistakes.append(f"{PREFIX}SECRET_KEY is shorter than 32 characters; make one with `openssl rand -hex 32`.")
    if mistakes:
        raise SettingsError(mistakes)
    return settings


def told_settings() -> dict[str, bool]:
    """Return every name that is read, and whether it is set here."""
    given = _Told(_own_environment())
    with contextlib.suppress(SettingsError):
        read_settings(given)
    return {name: bool(given.under.get(name, "").strip()) for name in given.asked}


def secret_of(settings: "Settings") -> bytes:
    """Return the installation's secret: what is set, or else the key kept in its home."""
    key = settings.secret_key or own_secret_key(settings.home)
    is_hex = len(key) >= 32 and len(key) % 2 == 0 and all(c in "0123456789abcdefABCDEF" for c in key)
    return bytes.fromhex(key) if is_hex else key.encode()


def own_secret_key(home: Path) -> Secret:
    """Return the key kept in `home`, made on the first start (0600). Several machines need the same in
    ACERTO_SECRET_KEY."""
    path = home / "secret_key"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = home / f".secret_key.{os.getpid()}"
    if not path.exists():
        draft.write_text(secrets.token_hex(32), encoding="ascii")
        draft.chmod(0o600)
        try:
            os.link(draft, path)  # atomic: of two first starts one wins, and both read the winner's
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return Secret(path.read_text(encoding="ascii").strip())


def _own_environment() -> dict[str, str]:
    """The `.env` file's lines, with the real environment over them."""
    lines: dict[str, str] = {}
    file = Path(".env")
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            name, equals, value = line.strip().removeprefix("export ").partition("=")
            if equals and not name.startswith("#"):
                lines[name.strip()] = value.strip().strip("'\"")
    return {**lines, **os.environ}


def _is_document(text: str) -> bool:
    return not isinstance(read_document(text), NotADocument)


def _is_phone(text: str) -> bool:
    return 10 <= len(_digits(text)) <= 15 and not text.strip("+0123456789 ()-.")


def is_private(address: str) -> bool:
    """Return whether nobody on the way there can read along: by https, or on this machine."""
    try:
        split = urlsplit(address)
        host = split.hostname
    except ValueError:
        return False
    return bool(host) and (split.scheme == "https" or (split.scheme == "http" and host in _LOOPBACK))


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


def _is_in_a_code(key: str) -> bool:
    """What a Pix code has room for; whether it is a key that the bank knows is for `acerto doctor`."""
    return key.isascii() and key.isprintable() and len(key) <= 77


def _whatsapp(read: "_Reader", serving: bool) -> WhatsApp:
    need = "needed by `acerto serve`; see Going live in the README" if serving else ""
    secrets_ = tuple(
        Secret(part.strip()) for part in read.text("WHATSAPP_APP_SECRET", "", need).split(",") if part.strip()
    )
    if len(secrets_) > 2:
        read.mistakes.append(
            f"{PREFIX}WHATSAPP_APP_SECRET holds {len(secrets_)} secrets; two at most, while one replaces the other."
        )
    return WhatsApp(
        api_url=(read.address("WHATSAPP_API_URL", ("http", "https")) or WhatsApp().api_url).rstrip("/"),
        token=Secret(read.text("WHATSAPP_TOKEN", "", need)),
        app_secrets=secrets_,
        verify_token=Secret(read.text("WHATSAPP_VERIFY_TOKEN", "", need)),
        phone_number_id=read.text("WHATSAPP_PHONE_NUMBER_ID", "", need),
        phone=_digits(read.checked("WHATSAPP_PHONE", _is_phone, "is no phone; write it like +55 11 3004-5678")),
        waba_id=read.text("WHATSAPP_WABA_ID", "", need),
        rate=read.whole("WHATSAPP_RATE", 80, 1, 1000),
        daily_limit=read.whole("WHATSAPP_DAILY_LIMIT", 0, 0, 10_000_000),
        native_card=read.switch("WHATSAPP_NATIVE_CARD"),
    )


def _pix(read: "_Reader", merchant: str, serving: bool) -> Pix:
    mode = read.one_of("PIX", ("static", "api", "asaas"))
    need = "needed for Pix; see Going live in the README" if serving else ""
    need_key = need if mode != "asaas" else ""  # Asaas makes its own codes
    need_api = "needed by ACERTO_PIX=api" if serving and mode == "api" else ""
    need_asaas = "needed by ACERTO_PIX=asaas" if serving and mode == "asaas" else ""
    if serving and not merchant:
        read.mistakes.append(f"{PREFIX}PIX_MERCHANT_NAME is missing: {need}.")
    return Pix(
        mode=mode,
        key=read.checked("PIX_KEY", _is_in_a_code, "has more than 77 characters, or other than ASCII", need_key),
        merchant_name=merchant,
        merchant_city=read.text("PIX_MERCHANT_CITY", "", need_key),
        api_url=(read.address("PIX_API_URL", ("http", "https"), need_api) or "").rstrip("/"),
        token_url=read.address("PIX_TOKEN_URL", ("http", "https"), need_api) or "",
        client_id=read.text("PIX_CLIENT_ID", "", need_api),
        client_secret=Secret(read.text("PIX_CLIENT_SECRET", "", need_api)),
        cert=read.file("PIX_CERT"),
        cert_key=read.file("PIX_CERT_KEY"),
        ca=read.file("PIX_CA"),
        webhook_secret=Secret(read.text("PIX_WEBHOOK_SECRET", "", need_api)),
        asaas_url=(read.address("ASAAS_URL", ("http", "https")) or Pix().asaas_url).rstrip("/"),
        asaas_token=Secret(read.text("ASAAS_TOKEN", "", need_asaas)),
        asaas_webhook_token=Secret(read.text("ASAAS_WEBHOOK_TOKEN", "", need_asaas)),
    )


def _oidc(read: "_Reader") -> Oidc:
    issuer = read.checked("OIDC_ISSUER", is_private, "begins with https:// (http:// on this machine only)")
    need = "needed with ACERTO_OIDC_ISSUER" if is_private(issuer) else ""
    return Oidc(
        issuer=issuer,
        client_id=read.text("OIDC_CLIENT_ID", "", need),
        client_secret=Secret(read.text("OIDC_CLIENT_SECRET", "", need)),
        role_claim=read.text("OIDC_ROLE_CLAIM", ""),
    )


class _Told(Mapping[str, str]):
    """An environment that remembers, in order, what it was asked for."""

    def __init__(self, under: Mapping[str, str]) -> None:
        self.under, self.asked = under, dict[str, None]()

    def __getitem__(self, name: str) -> str:
        self.asked[name] = None
        return self.under[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.under)

    def __len__(self) -> int:
        return len(self.under)


class _Reader:
    """Reads one name at a time and collects what is wrong."""

    def __init__(self, given: Mapping[str, str], mistakes: list[str]) -> None:
        self.given, self.mistakes = given, mistakes

    def text(self, name: str, default: str, needed: str = "") -> str:
        value = self.given.get(PREFIX + name, "").strip()
        if not value and needed:
            self.mistakes.append(f"{PREFIX}{name} is missing: {needed}.")
        return value or default

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name, allowed[0])
        if value not in allowed:
            self.mistakes.append(f"{PREFIX}{name} is {value!r}; write one of: {', '.join(allowed)}.")
        return value

    def switch(self, name: str) -> bool:
        value = self.text(name, "").lower()
        if value not in _TRUE | _FALSE:
            self.mistakes.append(f"{PREFIX}{name} is {value!r}; write yes or no.")
        return value in _TRUE

    def whole(self, name: str, default: int, lowest: int, highest: int) -> int:
        value = self.text(name, str(default))
        if not value.isascii() or not value.isdigit() or not lowest <= int(value) <= highest:
            self.mistakes.append(f"{PREFIX}{name} is {value!r}; write a whole number from {lowest} to {highest}.")
            return default
        return int(value)

    def address(self, name: str, schemes: tuple[str, ...], needed: str = "") -> str | None:
        value = self.text(name, "", needed)
        if value and urlsplit(value).scheme not in schemes:
            # The value itself may hold a password, so only the name is told.
            self.mistakes.append(
                f"{PREFIX}{name} is no address; it begins with {' or '.join(s + '://' for s in schemes)}."
            )
        return value or None

    def checked(self, name: str, right: Callable[[str], bool], remedy: str, needed: str = "") -> str:
        value = self.text(name, "", needed)
        if value and not right(value):
            self.mistakes.append(f"{PREFIX}{name} {remedy}.")
        return value

    def path(self, name: str) -> Path | None:
        value = self.text(name, "")
        return Path(value).expanduser() if value else None

    def file(self, name: str) -> Path | None:
        path = self.path(name)
        if path is not None and not path.is_file():
            self.mistakes.append(f"{PREFIX}{name} names {str(path)!r}, where there is no file.")
        return path

    def zone(self, name: str, default: str) -> ZoneInfo:
        value = self.text(name, default)
        try:
            return ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            self.mistakes.append(
                f"{PREFIX}{name} is {value!r}, which is no time zone; write it like America/Sao_Paulo."
            )
            return ZoneInfo(default)
