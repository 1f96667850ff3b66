"""Systems behind an API: what the command line says about a service becomes a system that can be asked.

The only module of the comparison that knows `models.remote`; makes no call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sftloop.core.errors import UsageError, nearest
from sftloop.core.files import sha256_json
from sftloop.workflow.prompt_variants import Variant
from sftloop.workflow.system import System

if TYPE_CHECKING:
    from sftloop.models.remote import Endpoint, Prices, RemoteModel


_USUAL_KEY = "OPENAI_API_KEY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services to ask, as written on the command line."""

    apis: Sequence[str] = ()
    """`MODEL@URL` each."""
    prices: Sequence[str] = ()
    """`MODEL=INPUT,OUTPUT[,CURRENCY]` each, per million tokens."""
    keys: Sequence[str] = ()
    """`MODEL=VARIABLE` each: the environment variable with that service's key."""
    budget: float | None = None
    """The most that each service may cost."""


def api_systems(services: Services, variants: Sequence[Variant]) -> list[System]:
    """Return every service's model in every wording.

    Raises:
        UsageError: a part can't be read, or names a model that no `--api` has.
    """
    endpoints = service_endpoints(services)
    return [
        System(
            name=f"{endpoint.model} · {variant.name}" if variant.name else endpoint.model,
            kind="api",
            scenario=variant.scenario,
            tasks=tuple(variant.scenario.tasks),
            runs=(partial(_opened, endpoint, services.budget),),
            identities=(_identity(endpoint, variant),),
            about={"model": endpoint.model, "url": endpoint.address, "prompt": variant.file},
            prices=_shown(endpoint.prices),
        )
        for endpoint in endpoints
        for variant in variants
    ]


def service_endpoints(services: Services, *, option: str = "--api") -> list[Endpoint]:
    """Return the services as they can be asked, with their prices and keys' variables.

    Args:
        services: as written on the command line.
        option: what names them there, for messages.

    Raises:
        UsageError: a part can't be read, or names a model that no service has.
    """
    from sftloop.models.remote import Endpoint

    places = _by_model(services.apis, option, "MODEL@URL", "deepseek-chat@https://api.deepseek.com/v1")
    prices = _by_model(
        services.prices, "--price", "MODEL=INPUT,OUTPUT[,CURRENCY]", "deepseek-chat=0.28,0.42,USD"
    )
    keys = _by_model(services.keys, "--key-variable", "MODEL=VARIABLE", "deepseek-chat=DEEPSEEK_API_KEY")
    for part, given in (("--price", prices), ("--key-variable", keys)):
        for model in given:
            if model not in places:
                hint = nearest(model, places) or f"Name the service as MODEL@URL with {option}."
                raise UsageError(f"{part} names '{model}', which no {option} has.", hint=hint)
    return [
        Endpoint(
            base_url=url,
            model=model,
            prices=_prices(prices[model]) if model in prices else None,
            key_variable=keys.get(model, _USUAL_KEY),
        )
        for model, url in places.items()
    ]


def require_service(services: Services, none: str, option: str) -> None:
    """Refuse a budget where no service costs anything.

    Args:
        services: as written on the command line.
        none: the models that are behind no API, for the message.
        option: what would name a service.

    Raises:
        UsageError: there is a budget and no service.
    """
    if services.budget is not None and not services.apis:
        raise UsageError(
            f"--budget bounds what an API costs, and {none} is behind one.",
            hint=f"Name one as MODEL@URL with {option}, or leave --budget out.",
        )


def _by_model(texts: Sequence[str], option: str, form: str, example: str) -> dict[str, str]:
    """Return model → what is said of it; the sign between them is the one behind `MODEL` in `form`."""
    found: dict[str, str] = {}
    for text in texts:
        at = text.find("@http") if "@" in form else text.find("=")
        model, said = text[:at].strip(), text[at + 1 :].strip()
        if at < 0 or not model or not said:
            raise UsageError(f"{option} wants {form}, got '{text}'.", hint=f"For example {example}.")
        if model in found:
            raise UsageError(f"{option} names '{model}' twice.", hint="Give each model once.")
        found[model] = said
    return found


def _prices(text: str) -> Prices:
    from sftloop.models.remote import Prices

    first, *rest = (part.strip() for part in text.split(","))
    try:
        return Prices(input=float(first), output=float(rest[0]), currency=rest[1] if rest[1:] else "USD")
    except (ValueError, IndexError):
        raise UsageError(
            f"--price wants INPUT,OUTPUT[,CURRENCY] per million tokens, got '{text}'.",
            hint="For example deepseek-chat=0.28,0.42,USD.",
        ) from None


def _shown(prices: Prices | None) -> Mapping[str, object] | None:
    if prices is None:
        return None
    return {"input": prices.input, "output": prices.output, "currency": prices.currency}


def _identity(endpoint: Endpoint, variant: Variant) -> str:
    parts = {"address": endpoint.address, "model": endpoint.model, "options": dict(endpoint.options)}
    return sha256_json(parts | ({"prompt": variant.hash} if variant.name else {}))


@contextmanager
def _opened(endpoint: Endpoint, budget: float | None) -> Iterator[RemoteModel]:
    from sftloop.models.remote import RemoteModel

    with RemoteModel(endpoint, budget=budget) as model:
        yield model
