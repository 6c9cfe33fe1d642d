"""The registered domain of a host name, by the public suffix list that the package publicsuffixlist carries."""

from functools import lru_cache

from publicsuffixlist import PublicSuffixList


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=65536)
def registered(name: str) -> str:
    """The registered domain of ``name`` (``a.b.co.uk`` -> ``b.co.uk``); the name itself when it has none."""
    return _suffixes().privatesuffix(name.rstrip(".").lower()) or name
