"""Numbers with their nouns, for messages."""


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """`1 problem`, `1,200 problems`; `plural` where it is not the singular and an s."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
