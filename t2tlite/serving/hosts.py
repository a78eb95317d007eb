"""Who may talk to the server: names it answers to (against DNS rebinding), and pages that may call it.

A page of another site can have its own name resolve to this machine and then read what is served here, as
long as the server answers to any name. An address in digits can't be made to point elsewhere.
"""

import ipaddress
import socket
from collections.abc import Iterable

from t2tlite.serving.refusal import Refusal


class Hosts:
    """The names under which the server is known.

    Args:
      bound: the address or name that it listens at.
      allowed: further names, such as that of a reverse proxy in front of it.

    Attributes:
      loopback: whether only this machine can reach it.
    """

    def __init__(self, bound: str, allowed: Iterable[str] = ()):
        self.loopback = _loopback(bound.lower())
        hostname = socket.gethostname().lower()
        self._allowed = {name.lower().rstrip(".") for name in allowed}
        self._names = {"localhost", bound.lower(), hostname, hostname.partition(".")[0], *self._allowed}

    def check(self, host: str | None, origin: str | None) -> None:
        """Checks the headers of those names.

        Args:
          host: what the client thinks it talks to, `name:port`.
          origin: the site whose page calls; None where it is no page, "null" where the browser hides it.

        Raises:
          Refusal: 403, unless the name is one of this server and the page its own.
        """
        name = _name(host or "")
        if not (name in self._names or name.endswith(".localhost") or _digits(name)):
            raise Refusal(
                403,
                f"this server does not answer to the name {name[:80]!r}; start it with --allowed_hosts=NAME",
            )
        if origin is None:
            return
        site = origin.partition("://")[2].lower()
        if site != (host or "").lower() and _name(site) not in self._allowed:
            raise Refusal(403, f"pages of {origin[:80]!r} may not call this server")


def _name(host: str) -> str:
    """The host of `host:port`, in lower case, without the brackets of IPv6."""
    host = host.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def _loopback(name: str) -> bool:
    return ipaddress.ip_address(name).is_loopback if _digits(name) else name == "localhost"


def _digits(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
