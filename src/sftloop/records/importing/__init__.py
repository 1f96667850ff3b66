"""Other formats in: OpenAI messages, ShareGPT, Alpaca, CSV, Excel, Parquet and plain objects become records."""

from sftloop.records.importing.detect import FORMATS, detect_format
from sftloop.records.importing.foreign import ForeignFile

__all__ = ["FORMATS", "ForeignFile", "detect_format"]
