"""Records and predictions: schema, reading and writing, other formats, splits and caps."""

from sftloop.records.bad_rows import rejects_file
from sftloop.records.cap import CapResult, TaskCap, cap_records, sample_records
from sftloop.records.exporters import EXPORT_FORMATS, export_rows
from sftloop.records.identity import content_id, input_key, normalise
from sftloop.records.importing import FORMATS, ForeignFile, detect_format
from sftloop.records.own_files import require_other_file
from sftloop.records.prediction import Prediction
from sftloop.records.read import SPLITS, has_split, load_split, read_records, split_path
from sftloop.records.schema import Record, check_record, unquoted_evidence
from sftloop.records.split import linked_keys, split_records
from sftloop.records.write import write_records

__all__ = [
    "EXPORT_FORMATS",
    "FORMATS",
    "SPLITS",
    "CapResult",
    "ForeignFile",
    "Prediction",
    "Record",
    "TaskCap",
    "cap_records",
    "check_record",
    "content_id",
    "detect_format",
    "export_rows",
    "has_split",
    "input_key",
    "linked_keys",
    "load_split",
    "normalise",
    "read_records",
    "rejects_file",
    "require_other_file",
    "sample_records",
    "split_path",
    "split_records",
    "unquoted_evidence",
    "write_records",
]
