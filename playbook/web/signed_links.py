"""Signed links for notices: they say which case is meant, for a while, and decide nothing."""

from fastapi import APIRouter, HTTPException
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from playbook.web import rendering
from playbook.web.auth import P, own_path

router = APIRouter(include_in_schema=False)
_OLDEST_S = 7 * 86400


def signed(secret: bytes, base: str, path: str) -> str:
    """An address under ``base`` that stands for ``path``; whoever changes it gets nothing."""
    return f"{base.rstrip('/')}/l/{_signer(secret).dumps(path)}"


@router.get("/l/{token}")
def follow(parts: P, token: str) -> Response:
    """On to the page, which asks for a login like any other way to it."""
    try:
        path = _signer(parts.secret).loads(token[:1000], max_age=_OLDEST_S)
    except BadSignature:
        raise HTTPException(404, "this link was changed, or it is too old") from None
    return rendering.see_other(own_path(str(path)))


def _signer(secret: bytes) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret, salt="link")
