"""Settings -> log-ins by an OpenID Connect provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy import components
from schema.errors import ConfigError
from schema.settings import Settings

if TYPE_CHECKING:
    from schema.http.auth import Authenticator
    from schema.http.oidc_login import OidcLogin
    from schema.registry import Registry


def oidc_login(settings: Settings, authenticator: Authenticator, registry: Registry, secret: str) -> OidcLogin | None:
    """Return the addresses of single sign-on; None where no provider is set. Raises ConfigError.

    ``secret``: the key of tokens.
    """
    if not settings.oidc_issuer:
        return None
    from schema.api.group_map import parse_group_map
    from schema.http.oidc_login import OidcLogin, OidcRules
    from schema.http.oidc_provider import Client, OidcProvider

    client_id = components.required(settings.oidc_client_id, "EVENTIDE_OIDC_CLIENT_ID")
    client_secret = settings.oidc_client_secret.get_secret_value()
    provider = OidcProvider(Client(settings.oidc_issuer, client_id, client_secret, settings.oidc_scopes))
    try:
        grants = parse_group_map(settings.oidc_group_map, settings.company)
    except ValueError as error:
        raise ConfigError(f"EVENTIDE_OIDC_GROUP_MAP: {error}") from error
    rules = OidcRules(grants, settings.oidc_groups_claim, settings.oidc_session_seconds)
    return OidcLogin(provider, rules, authenticator, registry, secret, components.proxies(settings))
