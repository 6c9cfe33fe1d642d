"""by_name in Splunk's search language, over events that carry the name of their destination."""

from collections.abc import Mapping, Sequence

from playbook.detections.by_name import LEAST_ADDRESSES, NAME
from playbook.detections.languages.splunk import counted, paste
from playbook.detections.languages.splunk.presets import PRESETS
from playbook.detections.languages.splunk.prologue import first_of, prelude
from playbook.detections.layout import Part, laid_out
from playbook.model.address import Network

# The counts are by dst_ip, which is the name from here on; the address goes beside it.
_NAMED = (
    'eval dst_name=replace(lower(coalesce(dst_name, "")), "[.]$", "")',
    'where match(dst_name, "[a-z]") AND NOT match(dst_name, ":")',
    "eval address=dst_ip, dst_ip=dst_name",
)
_ADDRESSES = " dc(address) AS destination_count values(address) AS destinations"


def query(
    preset: str = "cim", scope: str = "", fields: Mapping[str, str] | None = None, lab: Sequence[Network] = ()
) -> str:
    """The text that ``query splunk --rule by_name`` prints; KeyError for an unknown preset.

    ValueError where the rows carry no name of the destination: ``fields`` must map ``dst_name``, and a data model
    has no such field.
    """
    chosen, theirs = PRESETS[preset], (fields or {}).get("dst_name", "")
    if chosen.modelled:
        raise ValueError(f"{NAME} needs the field dst_name, which the data model of preset {preset} does not have")
    if not theirs:
        raise ValueError(
            f"{NAME} needs the field dst_name (TLS server name or HTTP host of each connection), which preset {preset} "
            'does not have: map it by fields = { dst_name = "..." } of the [sources.NAME]'
        )
    slots = (*prelude(chosen, scope, fields), f"eval dst_name={first_of((theirs,), '[^ ]')}")
    return laid_out(
        (
            Part(
                f"{NAME}: a beacon to one name behind at least {LEAST_ADDRESSES} addresses, preset {preset}. Save it"
                f" with a range of 24 hours that ends 15 minutes ago. {chosen.caveat}".strip(),
                slots,
            ),
            Part("Destinations that are globally routable.", paste.outside("default", lab)),
            Part("By name from here on; bare addresses are no names.", _NAMED),
            Part(
                "Per name, with the distinct UTC hours and the addresses behind it.",
                (*counted(_ADDRESSES)[:-2], f"where destination_count>={LEAST_ADDRESSES}"),
            ),
            Part("The score, in whole numbers, so that no rounding decides.", paste.scored("default")),
            Part(
                "The columns; times in UTC, whatever the zone of the user.",
                ("eval dst_name=dst_ip", *paste.shown("default", "dst_name", " destinations destination_count")),
            ),
        ),
        paste.comment,
    )
