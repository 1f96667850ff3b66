"""sftloop: the supervised fine-tuning loop for a business scenario."""

__version__ = "0.1.0"
