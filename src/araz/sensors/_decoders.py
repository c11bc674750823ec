"""Which decoder reads which wire format: the only table to extend for a new one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from araz.sensors._adsb import adsb_init, beast_step, raw_step, sbs_step
from araz.sensors._asterix import asterix_init, asterix_step
from araz.sensors._decoder import Decoder
from araz.sensors._remote_id import remote_id_init, remote_id_step
from araz.sensors._report import report_init, report_step
from araz.sensors._sapient import sapient_init, sapient_step
from araz.vocabulary import Format

#: Decisions are no observations: the pipeline reads them itself.
DECODERS: Final[Mapping[Format, Decoder]] = MappingProxyType(
    {
        Format.ASTERIX: Decoder(asterix_init, asterix_step),
        Format.SAPIENT: Decoder(sapient_init, sapient_step),
        Format.REMOTE_ID: Decoder(remote_id_init, remote_id_step),
        Format.SBS: Decoder(adsb_init, sbs_step),
        Format.BEAST: Decoder(adsb_init, beast_step),
        Format.RAW: Decoder(adsb_init, raw_step),
        Format.REPORT: Decoder(report_init, report_step),
    }
)
