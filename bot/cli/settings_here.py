"""The settings of what lives in this home: the company's own, or else those of the demo."""

from bot.sandbox.stand_ins import remembered_demo
from bot.settings import Settings, SettingsError, read_settings


def settings_here() -> Settings:
    """Return settings with which WhatsApp and the bank can be talked to.

    Raises SettingsError with every mistake where the environment does not hold them and no demo ever ran here.
    """
    try:
        return read_settings(serving=True)
    except SettingsError:
        demo = remembered_demo(read_settings().home)
        if demo is None:
            raise
        return demo
