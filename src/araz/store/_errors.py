"""The one error of the store."""


class JournalError(Exception):
    """A journal could not be opened, written or read; the text is a sentence with cause and remedy."""
