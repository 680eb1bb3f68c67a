"""Picture files: HDR in and out, SDR in and out."""

from data.pictures.picture_io import (
    HDR_SUFFIXES,
    SDR_SUFFIXES,
    read_hdr,
    read_hdr_counted,
    read_sdr,
    write_hdr,
    write_sdr,
)

__all__ = [
    "HDR_SUFFIXES",
    "SDR_SUFFIXES",
    "read_hdr",
    "read_hdr_counted",
    "read_sdr",
    "write_hdr",
    "write_sdr",
]
