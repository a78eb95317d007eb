"""Refusal: why a request gets no answer, with its HTTP status."""


class Refusal(Exception):
    """A request that is not answered; the client is told why in one line.

    Args:
      status: of HTTP: 400 for what the client can mend in its request, 413 too large, 415 of another kind
        than the problem reads, 503 too busy or not ready, 504 took too long.
      message: what was received, what was expected.
      retry_after: seconds after which to try again; None where that would not help.
    """

    def __init__(self, status: int, message: str, retry_after: int | None = None):
        super().__init__(message)
        self.status = status
        self.message = " ".join(message.split())
        self.retry_after = retry_after
