"""The one error of the store."""


class JournalError(OSError):
    """A journal could not be opened, written or read; the text is a sentence with cause and remedy.

    An OSError, because whoever writes to a disk is ready for those.
    """
