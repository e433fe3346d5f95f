"""Verify phone numbers by SMS through the iHuyi (互亿无线) platform."""

__version__ = "0.1.0"
