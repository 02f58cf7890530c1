"""Where a seat's price comes from."""

from magdi_cli.engines.catalogue import find_entry
from magdi_cli.engines.loopback import is_loopback
from magdi_cli.engines.prices import FREE, Price
from magdi_cli.engines.teachers import Teacher


def price_of(teacher: Teacher) -> Price | None:
    """What a seat's tokens cost: by its own word, nothing on this machine, else by the price map; None if unknown."""
    if teacher.price is not None:
        return teacher.price
    if teacher.engine != "api" or (teacher.api_base is not None and is_loopback(teacher.api_base)):
        return FREE
    entry = find_entry(teacher.model)
    if entry is None or entry.usd_per_token is None:
        return None
    prompt, completion = entry.usd_per_token
    return Price(prompt=prompt, completion=completion, exact=False)
