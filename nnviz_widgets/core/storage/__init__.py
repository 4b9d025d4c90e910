"""Recordings on disk: one SQLite file each, written by one background thread, read and followed by anybody."""
