"""The providers that there are. A new one is a module beside these and one line here; see `docs/providers.md`."""

from payments.providers.api_pix import API_PIX
from payments.providers.asaas import ASAAS
from payments.providers.protocol import Provider
from payments.providers.static import STATIC

PROVIDERS = {provider.name: provider for provider in (STATIC, API_PIX, ASAAS)}


def provider_of(name: str) -> Provider:
    """Return the provider of this name. Raises KeyError for a name that the settings and the schema do not allow."""
    return PROVIDERS[name]
